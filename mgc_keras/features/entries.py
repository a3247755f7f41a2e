"""What became of each clip, as entries of a journal, and the files that are made of them in the end."""

from collections.abc import Container, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from mgc_keras.errors import DiskError, OptionError
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.features.plan import ExportFiles, ExportPlan
from mgc_keras.files import sha256_of, whole_file
from mgc_keras.work import FailedClip, write_failed_clips, write_record

_MISSING, _GOOD, _FAILED, _LOST = range(4)


class Entries(Protocol):
    """Entries by their number, as `mgc_keras.work.Journal` has them."""

    def __getitem__(self, number: int, /) -> Any:
        """Return one of them."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Go over all of them."""
        ...


class ClipEntries:
    """Where a journal has the entry of each clip: by position, whatever the order in which they came.

    The entries stay on disk: a quarter of a million clips take 3 MB here. Of two entries of a clip the later
    counts.

    Parameters
    ----------
    journal : Entries
        Entries without a position are passed over.
    n_clips : int
        Of the whole export.
    """

    def __init__(self, journal: Entries, n_clips: int) -> None:
        self._journal = journal
        self._numbers = np.full(n_clips, -1, np.int64)
        self._states = np.full(n_clips, _MISSING, np.uint8)
        self._with_remark = np.zeros(n_clips, bool)
        for number, entry in enumerate(journal):
            self.note(number, entry)

    def __getitem__(self, position: int) -> dict[str, Any]:
        return self._journal[int(self._numbers[position])]

    def note(self, number: int, entry: dict[str, Any]) -> None:
        """Take notice of a journal's entry."""
        if "position" in entry:
            position = entry["position"]
            is_lost = entry.get("again", False)
            self._numbers[position] = number
            self._states[position] = _GOOD if "error" not in entry else _LOST if is_lost else _FAILED
            self._with_remark[position] = "remark" in entry

    @property
    def numbers(self) -> np.ndarray:
        """Number of each clip's entry, -1 where it has none; (n_clips,) int64."""
        return self._numbers

    @property
    def are_done(self) -> np.ndarray:
        """Whether each clip has an entry that need not be computed again; (n_clips,) bool."""
        return (self._states == _GOOD) | (self._states == _FAILED)

    def good(self) -> list[int]:
        """Return the positions of the clips that have features."""
        return np.flatnonzero(self._states == _GOOD).tolist()

    def failed(self) -> list[int]:
        """Return the positions of the clips that have an error instead."""
        return np.flatnonzero(self._states >= _FAILED).tolist()

    def lost(self) -> list[int]:
        """Return the positions of those among them that the disk did not give, though they were there."""
        return np.flatnonzero(self._states == _LOST).tolist()

    def remarks(self) -> Iterator[tuple[int, str]]:
        """Yield positions of clips that were read but look damaged, with the words that say why."""
        for position in np.flatnonzero((self._states == _GOOD) & self._with_remark).tolist():
            yield position, self[position]["remark"]


def entries_of(results: Iterable[ClipFeatures], plan: ExportPlan, there: Container[int]) -> list[dict[str, Any]]:
    """Return the entries of a batch; `there` has the positions of clips that could be read at the start.

    Raises
    ------
    OptionError
        The extractor gives what this form of output cannot hold.
    """
    return [_entry(result, plan, there) for result in results]


def _entry(result: ClipFeatures, plan: ExportPlan, there: Container[int]) -> dict[str, Any]:
    if result.problem is not None:
        # One that was never there is another state of the clips when it comes.
        again = isinstance(result.problem, DiskError) and result.position in there
        error = [result.problem.problem, result.problem.cure or ""]
        return {"position": result.position, "error": error, "again": again}
    for row in result.rows:
        if np.ndim(row) != plan.writer.n_axes:
            has, needed = ("a row", ".csv") if np.ndim(row) == 1 else ("a matrix", ".npz")
            raise OptionError(f"each clip gives {has} of numbers", field="output", cure=f"end the name in {needed}")
    entry = plan.writer.entry(result, plan.clip_ids[result.position], plan.filepaths[result.position])
    return {"position": result.position, **entry, **({"remark": result.remark} if result.remark else {})}


def finish_export(files: ExportFiles, entries: ClipEntries, measured: dict[str, Any]) -> None:
    """Write the features, the list of failed clips and the JSON from the entries of all clips.

    Parameters
    ----------
    files : ExportFiles
    entries : ClipEntries
        With one for each clip.
    measured : dict
        What the extractor knew only after computing, as plain JSON values.

    Raises
    ------
    OptionError
        The clips do not fit together in this form of output.
    MgcKerasError
        The disk is full.
    """
    good, about = entries.good(), dict(files.about)
    failed = [
        FailedClip(files.clip_ids[position], files.filepaths[position], *entries[position]["error"])
        for position in entries.failed()
    ]
    with whole_file(files.output) as temporary:
        whole = (entries[position] for position in good)
        counts = files.writer.write(temporary, [files.clip_ids[position] for position in good], whole, about)
        write_failed_clips(files.errors_csv, failed)
        about |= counts | {"n_failed": len(failed), "errors_sha256": sha256_of(files.errors_csv)}
        about |= measured
        # Of clips that were read, but look damaged.
        about["remarks"] = {files.filepaths[position]: remark for position, remark in entries.remarks()}
        # Before the file gets its name: it always has its description beside it.
        write_record(files.output.with_suffix(".json"), about)
