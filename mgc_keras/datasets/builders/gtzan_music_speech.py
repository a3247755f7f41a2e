"""GTZAN music/speech: ``music_wav`` and ``speech_wav``, 64 clips each.

Row order: music before speech, then by name; the authors of Choi et al. 2017 use the same.
"""

from pathlib import Path

from mgc_keras.datasets.builders._common import Built, class_table, find_root

NAME = "gtzan_music_speech"


def build(folder: Path) -> Built:
    """Build from ``[music_speech/]music_wav/*.wav`` and ``[music_speech/]speech_wav/*.wav``; see `build_manifest`."""
    root = find_root(NAME, folder, ("music_wav", "speech_wav"))
    return Built(class_table(folder, {"music": root / "music_wav", "speech": root / "speech_wav"}))
