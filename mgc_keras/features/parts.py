"""Parts of an export, for machines that share a disk: each computes its own batches into a shard beside the output.

A shard is a journal under the fingerprint of the whole. Its first entry tells all that the finished files need but the
features; its last one, when all batches of the part are there, that it is finished. `mgc_keras.features.merging` joins
shards into what one machine would have written.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.features.entries import ClipEntries
from mgc_keras.features.plan import ExportPlan, is_journal
from mgc_keras.outputs import check_replaceable
from mgc_keras.work import Journal, fingerprint, journal_fingerprint, logger

# More than any queue's array jobs have tasks.
_MOST_PARTS = 10_000
_NAME = re.compile(r"\.part-0*([0-9]+)-of-([0-9]+)")


@dataclass(frozen=True)
class Part:
    """One of `n_parts` parts of an export, numbered from 1.

    A part has neighbouring batches, in their order: as many as any other part, or one more. So the work is even where
    clips are alike, and the files of a part lie together where batches go by the manifest's order.

    Raises
    ------
    OptionError
        There is no such part.

    Example
    -------
    >>> batches = list(range(5))
    >>> [Part(number, 3).of(batches) for number in (1, 2, 3)]
    [[0], [1, 2], [3, 4]]
    """

    number: int
    n_parts: int

    def __post_init__(self) -> None:
        if not 1 <= self.n_parts <= _MOST_PARTS:
            cure = f"give a count from 1 to {_MOST_PARTS}"
            raise OptionError(f"{self} is no part", field="part", cure=cure)
        if not 1 <= self.number <= self.n_parts:
            cure = f"parts are numbered from 1: give 1/{self.n_parts} to {self.n_parts}/{self.n_parts}"
            raise OptionError(f"{self} is no part", field="part", cure=cure)

    def __str__(self) -> str:
        return f"{self.number}/{self.n_parts}"

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read a part as it is written on the command line.

        Example
        -------
        >>> Part.parse("3/10")
        Part(number=3, n_parts=10)
        """
        if not re.fullmatch(r"[0-9]{1,9}/[0-9]{1,9}", text):
            cure = "give its number and how many there are, such as 3/10"
            raise OptionError(f"{text!r} is no part", field="part", cure=cure)
        return cls(*map(int, text.split("/")))

    def of(self, batches: list[Any]) -> list[Any]:
        """Return the batches of this part."""
        start, stop = ((number * len(batches)) // self.n_parts for number in (self.number - 1, self.number))
        return batches[start:stop]


@dataclass(frozen=True)
class ShardCounts:
    """What a finished shard holds: its part, the number of its clips, and of those that failed."""

    part: Part
    n_clips: int
    n_failed: int


def shard_file(output: Path, part: Part) -> Path:
    """Return where a part is kept.

    Example
    -------
    >>> shard_file(Path("mfcc.csv"), Part(3, 10))
    PosixPath('mfcc.csv.part-03-of-10')
    """
    return output.with_name(f"{output.name}.part-{part.number:0{len(str(part.n_parts))}d}-of-{part.n_parts}")


def shard_files(output: Path) -> list[Path]:
    """Return whatever bears the name of a part of an output, sorted."""
    if not output.parent.is_dir():
        return []
    return sorted(path for path in output.parent.iterdir() if path.name.startswith(f"{output.name}.part-"))


def part_named(output: Path, shard: Path) -> Part | None:
    """Return the part that a file's name speaks of, or None."""
    found = _NAME.fullmatch(shard.name.removeprefix(output.name))
    with suppress(OptionError):
        return Part(*map(int, found.groups())) if found else None
    return None


def check_shard(plan: ExportPlan, part: Part) -> None:
    """Raise, before any work is done, if a shard could not be written or merged; warn where others must be run again.

    Raises
    ------
    OptionError
        Another kind of file has its name, or there are parts of another division.
    """
    shard = shard_file(plan.output, part)
    check_replaceable([shard], is_journal, "part of an export", plan.clips.locations(), "part")
    for other in shard_files(plan.output):
        named = part_named(plan.output, other)
        if named is not None and named.n_parts != part.n_parts:
            problem = f"is one of {named.n_parts} parts, and this is one of {part.n_parts}"
            cure = f"keep to {named.n_parts} parts, or remove those that are there"
            raise OptionError(problem, path=other, field="part", cure=cure)
    for other in shard_files(plan.output):
        # It may just be merged away, or no file at all.
        with suppress(OSError):
            if other != shard and journal_fingerprint(other) not in (None, plan.fingerprint):
                notice = "%s: is of other settings, clips or versions; run that part again before all are merged"
                logger.warning(notice, other)
                break


def begin_shard(journal: Journal, plan: ExportPlan, part: Part) -> None:
    """Write a shard's first entry, or see to it that the one that is there is of this part.

    Raises
    ------
    OptionError
        It is of another part.
    """
    if len(journal):
        told = journal[0].get("shard", {})
        if told.get("part") != [part.number, part.n_parts]:
            is_of = "part {} of {}".format(*told["part"]) if told else "other work"
            cure = "move it away, or give it its own name"
            raise OptionError(f"holds {is_of}, not part {part.number}", path=journal.path, field="part", cure=cure)
        return
    positions = [position for batch in part.of(plan.batches) for position in batch.tolist()]
    told = {
        "part": [part.number, part.n_parts],
        "form": plan.output.suffix.lower(),
        "about": plan.about,
        "columns": list(plan.extractor.columns),
        "dtype": plan.extractor.dtype,
        "windows": plan.windows and [plan.windows.length, plan.windows.hop],
        "state": plan.survey.state,
        "batches": fingerprint(plan.batches),
        "positions": positions,
        "clip_ids": [plan.clip_ids[position] for position in positions],
        "filepaths": [plan.filepaths[position] for position in positions],
    }
    journal.append([{"shard": told}])


def is_finished_shard(journal: Journal, entries: ClipEntries, batches: list[np.ndarray]) -> bool:
    """Tell whether a shard has all clips of its part, and says so."""
    return "finished" in journal[-1] and all(entries.are_done[batch].all() for batch in batches)


def finish_shard(journal: Journal, entries: ClipEntries, measured: dict[str, Any]) -> None:
    """Write a shard's last entry: all its batches are computed."""
    n_clips = len(journal[0]["shard"]["positions"])
    counts = {"n_clips": n_clips, "n_failed": len(entries.failed())}
    journal.append([{"finished": {**counts, "measured": measured}}])


def shard_counts(shard: Path) -> ShardCounts:
    """Return what a finished shard holds."""
    with Journal(shard, journal_fingerprint(shard) or "", read_only=True) as journal:
        finished = journal[-1]["finished"]
        return ShardCounts(Part(*journal[0]["shard"]["part"]), finished["n_clips"], finished["n_failed"])
