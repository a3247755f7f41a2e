"""Sound without labels: audio files read, written, found and checked; the parts of a waveform that are taken.

Begin with `files.read_waveform`, which every feature and study reads its clips by, and `check.check_folder`, which
says what is wrong with a folder. `containers`, `mpeg` and `ogg` know the file formats, so far as decoders keep silent,
and `clip` reads what decoders leave out.
"""
