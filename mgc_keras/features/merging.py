"""Joins the shards of an export into the files that one machine would have written, byte for byte.

All that is needed is in the shards: neither clips nor weights nor TensorFlow.
"""

import json
import os
import resource
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, chain, groupby
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.audio.spans import Windows
from mgc_keras.errors import OptionError
from mgc_keras.features.entries import ClipEntries, finish_export
from mgc_keras.features.parts import Part, part_named, shard_file, shard_files
from mgc_keras.features.plan import (
    WRITERS,
    ExportFiles,
    check_outputs,
    check_replaceable_export,
    errors_file,
    is_finished_export,
    partial_file,
)
from mgc_keras.files import locked, sweep, why_no_file
from mgc_keras.work import Journal, journal_fingerprint, logger, read_record

# What a shard tells beside the description, in words.
_OTHERS = {
    "state": "times of change of the clips, or rights to them",
    "batches": "clips in a batch",
    "about.source.sha256": "names or sizes of the clips",
}
# A network's file may bear another name and be saved anew; what is left out is not read.
_MOVE_NO_NUMBER = ("about.fingerprint", "about.source.left_out")


@dataclass(frozen=True)
class _Shard:
    """A shard that is open: `told` is its first entry, empty where it was stopped before that."""

    path: Path
    part: Part
    journal: Journal
    told: dict[str, Any]

    @property
    def last(self) -> dict[str, Any]:
        return self.journal[-1] if self.told else {}


class _Joined:
    """The entries of several journals, one behind the other."""

    def __init__(self, journals: list[Journal]) -> None:
        self._journals = journals
        self._starts = [0, *accumulate(map(len, journals))]

    def __getitem__(self, number: int, /) -> Any:
        journal = bisect_right(self._starts, number) - 1
        return self._journals[journal][number - self._starts[journal]]

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self._journals)

    def journals_of(self, numbers: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._starts, numbers, "right") - 1


def merge_parts(output: str | Path, *, errors_csv: str | Path | None = None, keep: bool = False) -> Path:
    """Join the parts of an export that lie beside it: write features, JSON and list of failed clips. Return `output`.

    The shards are removed then. Where the disk failed to give clips to a part, they stay, and a warning names the parts
    to run again. What was stopped goes on when it is called again, with the same bytes.

    Parameters
    ----------
    output : str or Path
        The output that the parts were computed for.
    errors_csv : str or Path, optional
        As of `mgc_keras.features.export.export_features`.
    keep : bool
        Leave the shards where they are.

    Raises
    ------
    OptionError
        A part is missing, there twice, unfinished or damaged; parts do not go together; a file is none; or an output
        would take the place of another kind of file. Nothing is written then.
    MgcKerasError
        A part or the output is being written by another process; or the disk is full.
    """
    output = Path(output)
    errors_csv = errors_file(output) if errors_csv is None else Path(errors_csv)
    check_outputs(output, errors_csv)
    sweep(output.parent)
    if not shard_files(output):
        return _without_parts(output, errors_csv)
    with ExitStack() as stack:
        stack.enter_context(locked(output))
        paths = shard_files(output)
        if not paths:
            # Another process has just merged them.
            return _without_parts(output, errors_csv)
        _allow_open_files(2 * len(paths))
        shards = sorted((_opened(path, output, stack) for path in paths), key=lambda shard: shard.part.number)
        made_from = _check_alike(shards)
        again = _to_run_again(output, shards)
        if again and "merged" in shards[0].last and is_finished_export(output, errors_csv, made_from):
            # An earlier call was stopped while it removed them.
            logger.warning("%s: is finished already", output)
            _remove(() if keep else shards)
            return output
        if again:
            raise again
        check_replaceable_export(output, errors_csv, paths)
        if not keep and not os.access(shards[0].path, os.W_OK):
            cure = "keep the parts (--keep), or merge as the user who computed them"
            raise OptionError("could not be removed when it is merged", path=shards[0].path, cure=cure)
        files, owners = _files(output, errors_csv, shards)
        joined = _Joined([shard.journal for shard in shards])
        entries = ClipEntries(joined, len(owners))
        _check_whole(shards, joined, entries, owners)
        measured = (shard.last["finished"]["measured"] for shard in shards)
        finish_export(files, entries, next(filter(None, measured), {}))
        if lost := entries.lost():
            numbers = sorted({shards[owners[position]].part.number for position in lost})
            notice = "%s: could not be read any more, nor %d other clips; %s, then merge"
            logger.warning(notice, files.filepaths[lost[0]], len(lost) - 1, _run_again(numbers, len(shards)))
            return output
        partial = partial_file(output)
        if partial.is_file() and journal_fingerprint(partial) == made_from:
            # What one machine began alone: left there, it would be gone on with although all is finished.
            partial.unlink()
        if not keep:
            with Journal(os.path.realpath(shards[0].path), made_from) as journal:
                journal.append([{**shards[0].last, "merged": True}])
            _remove(shards)
    return output


def _without_parts(output: Path, errors_csv: Path) -> Path:
    """Return an output that is finished already; raise if it is not."""
    made_from = str(read_record(output.with_suffix(".json")).get("fingerprint"))
    if not is_finished_export(output, errors_csv, made_from):
        cure = "give the output that was named with --part"
        raise OptionError("there are no parts of it", path=output, cure=cure)
    logger.warning("%s: is finished already, nothing to do", output)
    return output


def _opened(path: Path, output: Path, stack: ExitStack) -> _Shard:
    """Open and lock a shard; raise where it is none, or bears another's name."""
    foreign = OptionError("is no part of an export", path=path, cure="move it away")
    if not path.is_file():
        raise OptionError(f"has the name of a part and {why_no_file(path)}", path=path, cure="move it away")
    stack.enter_context(locked(path))
    made_from, named = journal_fingerprint(path), part_named(output, path)
    if made_from is None and path.stat().st_size:
        cure = "move it away; if it is a damaged part, run that again"
        raise OptionError("is no part of an export, whatever its name says", path=path, cure=cure)
    journal = stack.enter_context(Journal(path, made_from or "", read_only=True))
    if not len(journal):
        if named is None:
            raise foreign
        return _Shard(path, named, journal, {})
    told = journal[0].get("shard")
    if told is None:
        raise foreign
    part = Part(*told["part"])
    if told["about"]["fingerprint"] != made_from:
        raise OptionError("is damaged at its beginning", path=path, cure=_run_again([part.number], part.n_parts))
    own = shard_file(output, part)
    if told["form"] != output.suffix.lower():
        cure = f"name an output in {told['form']}"
        raise OptionError(f"is a part of a {told['form']}, not of a {output.suffix.lower()}", path=path, cure=cure)
    if path.name != own.name:
        twice = own.exists()
        problem = f"holds part {part.number} of {part.n_parts}" + (f", which {own.name} holds, too" if twice else "")
        raise OptionError(problem, path=path, cure="move one of them away" if twice else f"name it {own.name}")
    return _Shard(path, part, journal, told)


def _check_alike(shards: list[_Shard]) -> str:
    """Return the fingerprint that all have; raise where one is of another division, or of other work."""
    divisions = Counter(shard.part.n_parts for shard in shards)
    usual = divisions.most_common(1)[0][0]
    for shard in shards:
        if shard.part.n_parts != usual:
            problem = f"is one of {shard.part.n_parts} parts, and others are of {usual}"
            raise OptionError(problem, path=shard.path, cure="move those of one division away")
    told = [shard for shard in shards if shard.told]
    works = Counter(shard.told["about"]["fingerprint"] for shard in told)
    made_from = works.most_common(1)[0][0] if works else ""
    first = next((shard for shard in told if shard.told["about"]["fingerprint"] == made_from), None)
    for shard in told:
        if first is not None and shard.told["about"]["fingerprint"] != made_from:
            problem = _difference(shard.told, first.told, first.path.name)
            cure = "compute all parts with the same settings, clips and versions, and run again those that differ"
            raise OptionError(problem, path=shard.path, cure=cure)
    return made_from


def _difference(told: dict[str, Any], other: dict[str, Any], name: str) -> str:
    """Say what differs first between two shards."""
    names = ("about", "state", "batches")
    mine, others = (dict(_leaves({key: one[key] for key in names})) for one in (told, other))
    for key in {**mine, **others}:
        moves_none = key.startswith(_MOVE_NO_NUMBER) or key.rpartition(".")[2].startswith("weights_file")
        if mine.get(key) != others.get(key) and not moves_none:
            if key in _OTHERS:
                return f"has other {_OTHERS[key]} than {name}"
            here, there = (_short(one.get(key)) for one in (mine, others))
            return f"has another {key.removeprefix('about.')} than {name}: {here}, not {there}"
    return f"is of other work than {name}"


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for key, inner in value.items():
        yield from _leaves(inner, f"{name}.{key}" if name else key)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _to_run_again(output: Path, shards: list[_Shard]) -> OptionError | None:
    """Return the error that names parts that are missing, unfinished or damaged, if there are any."""
    n_parts = shards[0].part.n_parts
    there = {shard.part.number for shard in shards}
    kinds: dict[str, list[int]] = {
        "missing": [number for number in range(1, n_parts + 1) if number not in there],
        "unfinished": [s.part.number for s in shards if "finished" not in s.last and not s.journal.is_cut],
        "damaged, or stopped in the midst of writing": [s.part.number for s in shards if s.journal.is_cut],
    }
    words = []
    for kind, numbers in kinds.items():
        if numbers:
            name = shard_file(output, Part(numbers[0], n_parts)).name
            more = f" and {len(numbers) - 1} more parts are" if len(numbers) > 1 else " is"
            words.append(f"{name}{more} {kind}")
    if not words:
        return None
    return OptionError("; ".join(words), path=output, cure=_run_again(sorted(chain(*kinds.values())), n_parts))


def _run_again(numbers: list[int], n_parts: int) -> str:
    """Say which parts to run, with the numbers as batch systems take them.

    Example
    -------
    >>> _run_again([2, 5, 6, 7], 10)
    'run parts 2,5-7 of 10 again, the first by --part 2/10'
    """
    if len(numbers) == 1:
        return f"run again --part {numbers[0]}/{n_parts}"
    # What rises as its place does belongs to one range.
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    ranges = ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
    return f"run parts {ranges} of {n_parts} again, the first by --part {numbers[0]}/{n_parts}"


@dataclass(frozen=True)
class _StoredColumns:
    columns: tuple[str, ...]
    dtype: str


def _files(output: Path, errors_csv: Path, shards: list[_Shard]) -> tuple[ExportFiles, np.ndarray]:
    """Return what the finished files need, and by position which shard has a clip: -1 for none."""
    told = shards[0].told
    n_clips = told["about"]["source"]["n_clips"]
    owners = np.full(n_clips, -1)
    clip_ids, filepaths = [""] * n_clips, [""] * n_clips
    for number, shard in enumerate(shards):
        owners[shard.told["positions"]] = number
        for name, names in (("clip_ids", clip_ids), ("filepaths", filepaths)):
            for position, text in zip(shard.told["positions"], shard.told[name], strict=True):
                names[position] = text
    windows = None if told["windows"] is None else Windows(*told["windows"])
    writer = WRITERS[output.suffix.lower()](_StoredColumns(tuple(told["columns"]), told["dtype"]), windows)
    return ExportFiles(output, errors_csv, writer, clip_ids, filepaths, told["about"]), owners


def _check_whole(shards: list[_Shard], joined: _Joined, entries: ClipEntries, owners: np.ndarray) -> None:
    """Raise if a clip lacks its entry, or has it in another shard than its own."""
    wrong = (entries.numbers < 0) | (joined.journals_of(entries.numbers) != owners)
    for position in np.flatnonzero(wrong)[:1].tolist():
        shard = shards[max(int(owners[position]), 0)]
        cure = f"remove it, and {_run_again([shard.part.number], shard.part.n_parts)}"
        raise OptionError("is damaged: it has other clips than it says", path=shard.path, cure=cure)


def _remove(shards: Iterable[_Shard]) -> None:
    # The first part last: it tells that all were merged.
    for shard in reversed(list(shards)):
        shard.path.unlink()


def _allow_open_files(n_files: int) -> None:
    """Let this process hold so many files open beside its others, as far as the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = n_files + 256
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
