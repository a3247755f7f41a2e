"""Jamendo vocal detection: 93 songs, each cut into sung and unsung segments by its label file.

The segments are written as mono 16-bit wav files, at the song's own sampling rate, to
``segments/<split>/<label>/<song>_<k>.wav`` in the dataset's folder; k counts the song's segments from 0, as the
authors of Choi et al. 2017 number theirs. Files already there are kept: delete ``segments`` to cut anew. Row order:
train, valid, test, then song and k. The authors' songs are in another order, which the protocol (train and valid
against test) does not notice.
"""

from pathlib import Path

import pandas as pd

from mgc_keras.audio.files import open_clip, read_waveform, write_waveform
from mgc_keras.datasets.builders._common import Built, clips_by_stem
from mgc_keras.datasets.cards import read_card
from mgc_keras.datasets.manifest import clips_in
from mgc_keras.errors import AudioError, ManifestError
from mgc_keras.progress import progress_bar

NAME = "jamendo_vocal"
SPLITS = ("train", "valid", "test")
SEGMENTS = "segments"


def build(folder: Path) -> Built:
    """Build from songs and label files of the same name below ``train``, ``valid`` and ``test``; see `build_manifest`.

    A label file has lines ``<start> <end> <sing or nosing>``, in seconds. It may lie beside its song or in another
    folder.
    """
    songs = clips_by_stem(folder, (clip for clip in clips_in(folder) if clip.relative_to(folder).parts[0] != SEGMENTS))
    label_files = sorted(path for path in folder.rglob("*.lab") if not path.name.startswith("."))
    if not label_files:
        cure = f"expected: {read_card(NAME).layout}"
        raise ManifestError("no label files (.lab)", path=folder, field=NAME, cure=cure)
    in_order = sorted((SPLITS.index(_split_of(path, songs, folder)), path.stem, path) for path in label_files)
    rows, missing = [], []
    for split, song, path in progress_bar(in_order, description="cutting songs", unit="song"):
        if song not in songs:
            missing.append(f"the audio of {path.relative_to(folder).as_posix()}")
            continue
        segments = [
            (start, end, label, f"{SEGMENTS}/{SPLITS[split]}/{label}/{song}_{k}.wav")
            for k, (start, end, label) in enumerate(read_label_file(path))
        ]
        try:
            missing += _cut(songs[song], segments, folder)
        except AudioError as error:
            missing.append(str(error))
            continue
        there = [(label, name) for _, _, label, name in segments if (folder / name).exists()]
        rows += [(Path(name).stem, name, label, SPLITS[split]) for label, name in there]
    return Built(pd.DataFrame(rows, columns=["clip_id", "filepath", "label", "split"]), missing)


def read_label_file(path: Path) -> list[tuple[float, float, str]]:
    """Return a label file's segments: start and end in seconds, "sing" or "nosing".

    Raises `ManifestError` at a wrong line.
    """
    segments = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        try:
            start, end, label = float(cells[0]), float(cells[1]), cells[2]
            right = len(cells) == 3 and 0 <= start < end and label in ("sing", "nosing")
        except (ValueError, IndexError):
            right = False
        if not right:
            cure = "expected: start and end in seconds, then sing or nosing"
            raise ManifestError(f"wrong line {line.strip()!r}", path=path, field=f"line {number}", cure=cure)
        segments.append((start, end, label))
    return segments


def _split_of(label_file: Path, songs: dict[str, Path], folder: Path) -> str:
    files = (songs.get(label_file.stem, label_file), label_file)
    folders = {part for file in files for part in file.relative_to(folder).parts[:-1]}
    for split in SPLITS:
        if split in folders:
            return split
    problem = "neither the song nor its label file lies below train, valid or test"
    raise ManifestError(problem, path=label_file, field="split", cure=f"expected: {read_card(NAME).layout}")


def _cut(song: Path, segments: list[tuple[float, float, str, str]], folder: Path) -> list[str]:
    """Write the segments that are not there yet; return a line for each that lies behind the end of the song."""
    if all((folder / name).exists() for *_, name in segments):
        return []
    with open_clip(song) as clip:
        sampling_rate = clip.samplerate
    waveform = read_waveform(song, sampling_rate=None)
    behind = []
    for start, end, _, name in segments:
        samples = waveform[round(start * sampling_rate) : round(end * sampling_rate)]
        if not len(samples):
            behind.append(f"{name}: starts at {start} s, behind the end of the song")
        elif not (folder / name).exists():
            write_waveform(folder / name, samples, sampling_rate)
    return behind
