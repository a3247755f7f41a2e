"""What an export will do, known before any clip is read: which clips, in which batches, how, to which files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mgc_keras.audio import ffmpeg
from mgc_keras.audio.spans import Windows, windows_of
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import OptionError
from mgc_keras.features.clips import Clips, Survey, list_clips
from mgc_keras.features.csv_table import TableWriter
from mgc_keras.features.extractor import Columns, Extractor, compose_batches
from mgc_keras.features.joined import JoinedFeatures
from mgc_keras.features.parquet_table import ParquetWriter, check_pyarrow
from mgc_keras.features.pipeline import ClipFeatures
from mgc_keras.features.sequences import SequenceWriter
from mgc_keras.files import sha256_of
from mgc_keras.outputs import begins_with, check_replaceable, check_unchanged, lists_failed_clips
from mgc_keras.work import fingerprint, finished_record, read_record, versions

Source = Clips | Manifest | str | Path | Iterable[str | Path]


class Writer(Protocol):
    """A form of output: it tells about itself, turns a clip's features into JSON values, and writes a file of those.

    It is made from names and type of the columns alone, and the windows: parts of an export are merged where there is
    no extractor.
    """

    # Of a clip's features: 1 for rows, 2 for a matrix.
    n_axes: int

    def about(self) -> dict[str, Any]:
        """Return what the JSON beside the file says of its form."""
        ...

    def entry(self, result: ClipFeatures, clip_id: str, filepath: str) -> dict[str, Any]:
        """Return a clip's features as JSON values."""
        ...

    def write(
        self, path: Path, clip_ids: list[str], entries: Iterable[dict[str, Any]], about: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the entries of these clips, and `about` where the form has a place for it.

        Return counts, and the file's hash as ``"<suffix>_sha256"``.
        """
        ...


WRITERS: dict[str, Callable[[Columns, Windows | None], Writer]] = {
    ".csv": TableWriter,
    ".parquet": ParquetWriter,
    ".npz": SequenceWriter,
}


@dataclass(frozen=True)
class ExportFiles:
    """The files of an export, and all that they need but the clips' features.

    Parameters
    ----------
    output, errors_csv : Path
        The features, with their JSON beside them, and the list of clips that failed.
    writer : Writer
    clip_ids, filepaths : sequence of str
        Of all clips, in manifest order.
    about : dict
        What the JSON says of how the features are made, as plain JSON values; `fingerprint` is one of them.
    """

    output: Path
    errors_csv: Path
    writer: Writer
    clip_ids: Sequence[str]
    filepaths: Sequence[str]
    about: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """A hash of everything that the features depend on."""
        return self.about["fingerprint"]

    def is_finished(self) -> bool:
        """Tell whether the files are there, made from the same, and still what was written."""
        return is_finished_export(self.output, self.errors_csv, self.fingerprint)

    def replaces_other(self) -> str:
        """Say of what a finished output is there, if it was made from other clips or in another way; "" elsewhere."""
        earlier = read_record(self.output.with_suffix(".json"))
        if not self.output.is_file() or earlier.get("fingerprint") in (None, self.fingerprint):
            return ""
        extractor = earlier.get("extractor")
        name = extractor.get("name") if isinstance(extractor, dict) else None
        return "other settings or clips" if name == self.about["extractor"]["name"] else f"other features ({name})"


@dataclass(frozen=True)
class ExportPlan(ExportFiles):
    """An export before any clip is read: its files, and how their features are computed.

    Parameters
    ----------
    clips : Clips
    extractor : Extractor
    windows : Windows or None
        What each clip is cut into; None takes it whole.
    batches : list of np.ndarray [dtype=int]
        Positions of the clips that share a batch. Who computes a batch, and when, moves no number.
    survey : Survey
        What the disk said of the clips at the start.
    """

    clips: Clips
    extractor: Extractor
    windows: Windows | None
    batches: list[np.ndarray]
    survey: Survey

    @property
    def partial(self) -> Path:
        """Where unfinished work is kept."""
        return partial_file(self.output)


def plan_export(
    source: Source,
    output: str | Path,
    extractor: Extractor,
    *,
    data_home: str | Path | None = None,
    window: float | None = None,
    hop: float | None = None,
    errors_csv: str | Path | None = None,
) -> ExportPlan:
    """Plan an export: check options and files, list the clips, compose batches, and identify the work.

    Parameters and errors are those of `mgc_keras.features.export.export_features`. Nothing is written.
    """
    output = Path(output)
    errors_csv = errors_file(output) if errors_csv is None else Path(errors_csv)
    check_outputs(output, errors_csv)
    longest = extractor.duration if extractor.n_samples is None else extractor.n_samples / extractor.sampling_rate
    if window is not None and hasattr(extractor, "summarize"):
        problem = "windows are rows of their own, and these features are one row a song"
        raise OptionError(problem, field="window", cure="leave it out; --hop says where the song's windows begin")
    if window is not None and isinstance(extractor, JoinedFeatures):
        # At two sampling rates the last window of a clip may be there once and once not.
        raise OptionError("joined sets are one row a clip", field="window", cure="make a table of windows for each set")
    windows = windows_of(window, hop, longest)
    writer = WRITERS[output.suffix.lower()](extractor, windows)
    clips = list_clips(source, data_home)
    own = [source] if isinstance(source, (str, Path)) else []
    check_replaceable_export(output, errors_csv, chain(clips.locations(), own))
    batches = compose_batches(
        len(clips), extractor.batch_size, extractor.batch_order, seed=extractor.seed, labels=clips.labels
    )
    survey = clips.survey()
    about = {
        "extractor": extractor.describe(),
        **writer.about(),
        "source": {"name": clips.name, "n_clips": len(clips), "sha256": survey.sha256},
        "versions": versions(),
    }
    if clips.channel != "mix":
        about["channel"] = clips.channel
    if any(name.lower().endswith(ffmpeg.SUFFIXES) for name in clips.filepaths):
        about["versions"]["ffmpeg"] = ffmpeg.version()
    # The network counts, not the bytes of its file: saved again it has others.
    networks = _without_weight_files(about["extractor"])
    about["fingerprint"] = fingerprint({**about, "extractor": networks}, survey.state, batches)
    # What is left out moves no number: one file of it more does not ask for everything anew.
    about["source"] |= {"left_out": list(clips.left_out)}
    files = (output, errors_csv, writer, clips.clip_ids, clips.filepaths, about)
    return ExportPlan(*files, clips, extractor, windows, batches, survey)


def _without_weight_files(description: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_weight_files(value) if isinstance(value, dict) else value
        for name, value in description.items()
        if not name.startswith("weights_file")
    }


def errors_file(output: str | Path) -> Path:
    """Return where `export_features` lists the clips that failed: each output has a file of its own.

    Example
    -------
    >>> errors_file("mfcc.csv")
    PosixPath('mfcc_errors.csv')
    """
    return Path(output).with_name(f"{Path(output).stem}_errors.csv")


def partial_file(output: Path) -> Path:
    """Return where the unfinished work on an output is kept."""
    return output.with_name(f"{output.name}.partial")


def is_journal(path: Path) -> bool:
    """Tell whether a file is kept work of this or an earlier version."""
    return begins_with(path, '{"journal"', '{"fingerprint"')


def check_outputs(output: Path, errors_csv: Path) -> None:
    """Raise an `OptionError` unless an output's name says its form, and both may be files."""
    if output.suffix.lower() not in WRITERS:
        cure = "end its name in .csv or .parquet for a table, in .npz for sequences"
        raise OptionError("is neither a table nor sequences", path=output, cure=cure)
    if output.suffix.lower() == ".parquet":
        check_pyarrow(output)
    for path in (output, errors_csv):
        if path.is_dir():
            raise OptionError("is a folder", path=path, cure="name a file in it")
    if output.absolute() == errors_csv.absolute():
        raise OptionError("table and errors cannot be one file", path=output, cure="choose another name")


def check_replaceable_export(
    output: Path, errors_csv: Path, inputs: Iterable[str | Path], field: str | None = None
) -> None:
    """Raise an `OptionError` if one of an export's files would take the place of an input or of another kind of file.

    A CSV that was changed after it was written is left as it is, too (its hash in the JSON tells): somebody corrected
    it. Other forms nobody corrects: they are damaged. An earlier export is known by its JSON, which tells of the
    extractor; where that is damaged, by its list of failed clips.
    """
    about, partial = output.with_suffix(".json"), partial_file(output)
    # Damaged, or another's notes, it is an empty one.
    record = read_record(about)
    # Sequences of earlier versions have no hash: it must not be that of another form.
    is_export = "extractor" in record and (_hash_names() - {_hash_name(output)}).isdisjoint(record)
    is_damaged = about.is_file() and not record and lists_failed_clips(errors_csv)

    def is_own(path: Path) -> bool:
        if path == partial:
            return is_journal(path)
        if path == errors_csv:
            # Under this name another export may have its own table.
            is_table = not _hash_names().isdisjoint(read_record(path.with_suffix(".json")))
            return not is_table and (is_export or (not record and lists_failed_clips(path)))
        return is_export or is_damaged

    what = "file of an earlier export of this kind"
    check_replaceable([output, about, errors_csv, partial], is_own, what, inputs, field)
    if output.suffix.lower() == ".csv" and not partial.exists():
        # A run that was stopped between table and JSON left its journal.
        check_unchanged(output, record.get(_hash_name(output)), field)


def is_finished_export(output: Path, errors_csv: Path, made_from: str) -> bool:
    """Tell whether the files of an export are there, of this fingerprint, and still what was written."""
    about = finished_record(output.with_suffix(".json"), made_from)
    if about is None or not (output.is_file() and errors_csv.is_file()):
        return False
    # Tables are edited by hand now and then, and disks go bad.
    hashes = {_hash_name(output): output, "errors_sha256": errors_csv}
    return all(about.get(name) == sha256_of(path) for name, path in hashes.items())


def _hash_name(output: Path) -> str:
    return f"{output.suffix[1:].lower()}_sha256"


def _hash_names() -> set[str]:
    return {f"{suffix[1:]}_sha256" for suffix in WRITERS}
