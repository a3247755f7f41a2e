"""What unfinished and finished work leaves, damaged; then the same call again.

Held: the call ends with the very bytes that it gives without the damage, or with an error of one line. Damaged
sequences that are read without that call give their numbers, or an error.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.datasets.cutting import Cutting, cut_manifest
from mgc_keras.datasets.manifest import folder_manifest, read_manifest, write_manifest
from mgc_keras.errors import MgcKerasError
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.features.sequences import read_sequences
from mgc_keras.search.grid import Candidate, SearchSettings
from mgc_keras.search.result import SearchResult, read_result, write_result
from tests.broken_clips import tune, write
from tests.campaign.bench import Bench, Fault, refused
from tests.campaign.damage import Generator, cut_off, damage_file, damaged, flip_bits, pick, swap_lines

# What a command turns into one line.
_KNOWN = (MgcKerasError, OSError)


class _Stops(Exception):
    """Stands for the end of a process."""


class Journals(Bench):
    """See the module."""

    name, share, per_process = "journals", 0.1, 100

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        self.clips = home / "clips"
        for number in range(9):
            write(self.clips / "ab"[number % 2] / f"{number}.wav", tune(0.6, seed=number))
        (self.clips / "a" / "broken.wav").write_bytes(b"no audio")
        write_manifest(folder_manifest(self.clips), self.clips / "clips.csv")
        scattering = ScatteringExtractor(6000, 8000, J=6, Q=2, batch_size=2, jobs=1)
        self.extractors = {"table": (MfccExtractor(batch_size=2), "t.csv"), "sequences": (scattering, "t.npz")}
        for name in (*self.extractors, "segments"):
            self._do(name, self.clips, home / name / "finished")
        for name in self.extractors:
            with suppress(_Stops):
                self._do(name, self.clips, home / name / "stopped", {3: _stop})
        self.search = _search(home / "search.json")

    def trial(self, generator: Generator, folder: Path) -> None:
        what = generator.random()
        if what < 0.1:
            self._search_record(generator, folder)
        elif what < 0.2:
            self._other_clip(pick(generator, (*self.extractors, "segments")), folder)
        elif what < 0.3:
            self._clips_were_away(pick(generator, list(self.extractors)), folder)
        else:
            self._damaged_state(generator, folder)

    def _damaged_state(self, generator: Generator, folder: Path) -> None:
        """Damage one file of finished or unfinished work, and do it again."""
        name = pick(generator, (*self.extractors, "segments"))
        state = "stopped" if name in self.extractors and generator.random() < 0.6 else "finished"
        shutil.copytree(self.home / name / state, folder, dirs_exist_ok=True)
        path = pick(generator, sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".wav"))
        if path.suffix == ".partial" and generator.random() < 0.7:
            changed, note = damaged(path.read_bytes(), generator, (flip_bits, cut_off, swap_lines))
        else:
            changed, note = damage_file(path.read_bytes(), path.suffix, generator)
        path.write_bytes(changed)
        self.note = f"{name}, {state}: {path.relative_to(folder)}: {note}"
        (folder / "note.txt").write_text(self.note)
        whole = self.home / name / "finished"
        if path.suffix == ".npz":
            self._read(path, whole / path.name)
        # In a copy: what is kept shall be the damaged state.
        tried = shutil.copytree(folder, self.home / "tried")
        try:
            _, error = refused(self._do, name, self.clips, tried, errors=_KNOWN)
            if error is None:
                _check_same(whole, tried, f"silent: {name} {state}: {path.name}")
        finally:
            shutil.rmtree(tried)

    def _read(self, path: Path, whole: Path) -> None:
        found, _ = refused(read_sequences, path, errors=_KNOWN)
        if found is not None:
            sequences = read_sequences(whole)
            same = np.array_equal(found.values, sequences.values) and found.clip_ids == sequences.clip_ids
            if not same or found.columns != sequences.columns:
                raise Fault("silent: damaged sequences are read as others", str(found.values.shape))

    def _search_record(self, generator: Generator, folder: Path) -> None:
        path = folder / "search.json"
        changed, note = damage_file(self.search.read_bytes(), ".json", generator)
        path.write_bytes(changed)
        self.note = f"record of a search: {note}"
        found, _ = refused(read_result, path, "this work", errors=_KNOWN)
        whole = read_result(self.search, "this work")
        if found is not None and whole is not None and _flat(found) != _flat(whole):
            raise Fault("silent: a damaged record of a search is taken")

    def _other_clip(self, name: str, folder: Path) -> None:
        """Another clip takes the place of one between two calls, later than that one was."""
        self.note = f"{name}, finished: a clip is another one now"
        clips = shutil.copytree(self.clips, folder / "clips")
        self._do(name, clips, folder / "out")
        write(clips / "a" / "2.wav", tune(0.6, seed=99))
        self._do(name, clips, folder / "out")
        self._do(name, clips, folder / "fresh")
        _check_same(folder / "fresh", folder / "out", f"silent: {name}: an old clip's result is kept")

    def _clips_were_away(self, name: str, folder: Path) -> None:
        """The folder of clips vanishes during the first call, and is back for the second."""
        self.note = f"{name}: the clips were away for a time"
        clips, away = shutil.copytree(self.clips, folder / "clips"), folder / "away"
        refused(self._do, name, clips, folder / "out", {1: lambda: clips.rename(away)}, errors=_KNOWN)
        away.rename(clips)
        self._do(name, clips, folder / "out")
        self._do(name, clips, folder / "fresh")
        _check_same(folder / "fresh", folder / "out", f"silent: {name}: clips that were away stay lost")

    def _do(self, name: str, clips: Path, out: Path, events: dict[int, Callable[[], object]] | None = None) -> None:
        """Do the work of this name; `events` happen before the batches of these numbers."""
        if name in self.extractors:
            extractor, file = self.extractors[name]
            watched: Any = _Watched(extractor, events) if events else extractor
            export_features(clips / "clips.csv", out / file, watched, jobs=1)
            return
        built = cut_manifest(read_manifest(clips / "clips.csv"), out, Cutting(0.2))
        write_manifest(built.table, out / "cut.csv")


class _Watched:
    """An extractor during whose work something happens."""

    def __init__(self, extractor: Extractor, events: dict[int, Callable[[], object]]) -> None:
        self._extractor, self._events, self._batch = extractor, events, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._extractor, name)

    def __call__(self, waveforms: Any) -> np.ndarray:
        if self._batch in self._events:
            self._events[self._batch]()
        self._batch += 1
        return self._extractor(waveforms)


def _stop() -> None:
    raise _Stops


def _check_same(whole: Path, tried: Path, group: str) -> None:
    """Raise a `Fault` unless two folders hold the same files."""
    ours, theirs = ({path.relative_to(folder) for path in folder.rglob("*.*")} for folder in (whole, tried))
    theirs -= {Path("note.txt")}
    if ours - theirs:
        raise Fault(group, f"is missing: {sorted(map(str, ours - theirs))[:5]}")
    if left := [name for name in theirs - ours if name.suffix == ".partial" or name.name.startswith(".")]:
        raise Fault(f"left behind: {left[0].suffix or left[0]}", str(left))
    for name in sorted(ours):
        if (whole / name).is_file() and (whole / name).read_bytes() != (tried / name).read_bytes():
            raise Fault(group, f"other bytes in {name}")


def _search(path: Path) -> Path:
    """Write a record of a search."""
    best = Candidate("rbf", 2.0, 0.5)
    predictions = pd.DataFrame({"clip": [0, 1], "fold": [0, 1], "truth": ["a", "b"], "prediction": ["a", "a"]})
    columns = {"fold": [-1], "kernel": ["rbf"], "C": [2.0], "gamma": [0.5], "score": [0.5], "status": ["complete"]}
    scores = ("SVC", "accuracy", SearchSettings("authors"), 0.5, best, (best, best), (1.0, 0.0))
    return write_result(SearchResult(*scores, predictions, pd.DataFrame(columns), (), 4), path, "this work")


def _flat(result: SearchResult) -> str:
    return str([value if not isinstance(value, pd.DataFrame) else value.to_csv() for value in vars(result).values()])
