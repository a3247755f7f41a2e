"""What unfinished and finished work leaves, damaged; then the same call again.

Held: the call ends with the very bytes that it gives without the damage, or with an error of one line. Damaged
sequences that are read without that call give their numbers, or an error.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.cutting import Cutting, cut_manifest
from mgc_keras.datasets.manifest import folder_manifest, read_manifest, write_manifest
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.features.sequences import read_sequences
from mgc_keras.search.grid import Candidate, SearchSettings
from mgc_keras.search.result import SearchResult, read_result, write_result
from tests.broken_clips import tune, write
from tests.campaign.bench import Bench, Fault, refused
from tests.campaign.damage import Generator, cut_off, damage_file, flip_bits, pick, swap_lines


class _Stops(Exception):
    """Stands for the end of a process."""


@dataclass(frozen=True)
class Work:
    """Work in a folder of its own: how it is done, and what it leaves when it is stopped and when it is whole."""

    name: str
    do: Callable[[Path], None]
    stopped: Path | None
    whole: Path


class Journals(Bench):
    """See the module."""

    name, share, per_process = "journals", 0.1, 100

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        self.clips = home / "clips"
        for number in range(9):
            write(
                self.clips / pick(np.random.default_rng(number), ("a", "b")) / f"{number}.wav", tune(0.6, seed=number)
            )
        (self.clips / "a" / "broken.wav").write_bytes(b"no audio")
        write_manifest(folder_manifest(self.clips), self.clips / "clips.csv")
        scattering = ScatteringExtractor(6000, 8000, J=6, Q=2, batch_size=2, jobs=1)
        self.works = [
            self._export("table", MfccExtractor(batch_size=2), "t.csv"),
            self._export("sequences", scattering, "t.npz"),
            self._work("segments", self._cut, None),
        ]
        self.search = _search(home / "search.json")

    def trial(self, generator: Generator, folder: Path) -> None:
        what = generator.random()
        if what < 0.1:
            return self._search_record(generator, folder)
        work = pick(generator, self.works)
        if what < 0.2:
            return self._other_clip(work, folder)
        if what < 0.3:
            return self._clips_were_away(work, folder)
        state = work.whole if work.stopped is None or generator.random() < 0.4 else work.stopped
        shutil.copytree(state, folder, dirs_exist_ok=True)
        path = pick(generator, sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".wav"))
        damages = (flip_bits, cut_off, swap_lines)
        content = path.read_bytes()
        if path.suffix == ".partial" and generator.random() < 0.7:
            changed, note = pick(generator, damages)(content, generator)
        else:
            changed, note = damage_file(content, path.suffix, generator)
        path.write_bytes(changed)
        state_name = "stopped" if state == work.stopped else "finished"
        self.note = f"{work.name}, {state_name}: {path.relative_to(folder)}: {note}"
        (folder / "note.txt").write_text(self.note)
        if path.suffix == ".npz":
            self._read(path, work.whole / path.name)
        tried = folder.with_name(f"{folder.name}_again")
        shutil.rmtree(tried, ignore_errors=True)
        shutil.copytree(folder, tried)
        try:
            _, error = refused(work.do, tried, errors=_known_errors())
            if error is None:
                _check_same(work.whole, tried, f"silent: {work.name} {state_name}: {path.suffix or path.name}")
        finally:
            shutil.rmtree(tried)

    def _read(self, path: Path, whole: Path) -> None:
        found, error = refused(read_sequences, path, errors=_known_errors())
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
        found, _ = refused(read_result, path, "this work", errors=_known_errors())
        whole = read_result(self.search, "this work")
        if found is not None and whole is not None and _flat(found) != _flat(whole):
            raise Fault("silent: a damaged record of a search is taken")

    def _other_clip(self, work: Work, folder: Path) -> None:
        """Another clip takes the place of one between two calls, later than that one was."""
        self.note = f"{work.name}, finished: a clip is another one now"
        clips = folder / "clips"
        shutil.copytree(self.clips, clips)
        mine, fresh = folder / "out", folder / "fresh"
        doing = self._of(work.name)
        doing(clips, mine)
        write(clips / "a" / next((clips / "a").glob("[0-9].wav")).name, tune(0.6, seed=99))
        doing(clips, mine)
        doing(clips, fresh)
        _check_same(fresh, mine, f"silent: {work.name}: an old clip's result is kept")

    def _clips_were_away(self, work: Work, folder: Path) -> None:
        """The folder of clips vanishes during the first call, and is back for the second."""
        self.note = f"{work.name}: the clips were away for a time"
        clips, mine, away = folder / "clips", folder / "out", folder / "away"
        shutil.copytree(self.clips, clips)
        doing = self._of(work.name)
        clips_csv = (clips / "clips.csv").read_bytes()
        clips.rename(away)
        clips.mkdir()
        (clips / "clips.csv").write_bytes(clips_csv)
        _, error = refused(doing, clips, mine, errors=_known_errors())
        shutil.rmtree(clips)
        away.rename(clips)
        doing(clips, mine)
        doing(clips, folder / "fresh")
        _check_same(folder / "fresh", mine, f"silent: {work.name}: clips that were away stay lost")

    def _of(self, name: str) -> Callable[[Path, Path], None]:
        """The work by its name, from a folder of clips to a folder of results."""
        if name == "segments":
            return self._cut_from
        extractor, file = self.extractors[name]
        return lambda clips, out: _export(clips, out / file, extractor)

    @property
    def extractors(self) -> dict[str, tuple[Extractor, str]]:
        scattering = ScatteringExtractor(6000, 8000, J=6, Q=2, batch_size=2, jobs=1)
        return {"table": (MfccExtractor(batch_size=2), "t.csv"), "sequences": (scattering, "t.npz")}

    def _export(self, name: str, extractor: Extractor, file: str) -> Work:
        def stop(out: Path) -> None:
            _export(self.clips, out / file, _Stopping(extractor, 3))

        return self._work(name, lambda out: _export(self.clips, out / file, extractor), stop)

    def _work(self, name: str, do: Callable[[Path], None], stop: Callable[[Path], None] | None) -> Work:
        whole, stopped = self.home / name / "whole", self.home / name / "stopped"
        do(whole)
        if stop is not None:
            try:
                stop(stopped)
            except _Stops:
                pass
        return Work(name, do, None if stop is None else stopped, whole)

    def _cut(self, out: Path) -> None:
        self._cut_from(self.clips, out)

    @staticmethod
    def _cut_from(clips: Path, out: Path) -> None:
        built = cut_manifest(read_manifest(clips / "clips.csv"), out, Cutting(0.2))
        if not built.table.empty:
            write_manifest(built.table, out / "cut.csv")


class _Stopping:
    """An extractor that stops its process at a batch."""

    def __init__(self, extractor: Extractor, batches: int) -> None:
        self._extractor, self._left = extractor, batches

    def __getattr__(self, name: str) -> object:
        return getattr(self._extractor, name)

    def __call__(self, waveforms: object) -> np.ndarray:
        if not self._left:
            raise _Stops
        self._left -= 1
        return self._extractor(waveforms)


def _known_errors() -> tuple[type[Exception], ...]:
    """What a command turns into one line."""
    from mgc_keras.errors import MgcKerasError

    return MgcKerasError, OSError


def _export(clips: Path, output: Path, extractor: Extractor | _Stopping) -> None:
    export_features(clips / "clips.csv", output, extractor, jobs=1)  # type: ignore[arg-type]


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
