"""Features of a whole dataset to one file: parallel, resumable, one bad clip never ends it."""

from collections.abc import Container, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.audio import ffmpeg
from mgc_keras.audio.spans import windows_of
from mgc_keras.cluster import Cluster
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import DiskError, ManifestError, OptionError
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.csv_table import TableWriter
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.features.on_cluster import cluster_features
from mgc_keras.features.parquet_table import ParquetWriter, check_pyarrow
from mgc_keras.features.pipeline import ClipFeatures, checked_jobs, clip_features
from mgc_keras.features.sequences import Sequences, SequenceWriter, read_sequences
from mgc_keras.files import locked, sha256_of, sweep, whole_file
from mgc_keras.outputs import begins_with, check_replaceable, lists_failed_clips
from mgc_keras.progress import progress_bar
from mgc_keras.work import (
    FailedClip,
    Journal,
    fingerprint,
    finished_record,
    logger,
    read_record,
    versions,
    write_failed_clips,
    write_record,
)

Source = Clips | Manifest | str | Path | Iterable[str | Path]


# The forms of output: each tells about itself, turns a clip's features into JSON values, and writes a file of those.
Writer = TableWriter | ParquetWriter | SequenceWriter
WRITERS: dict[str, type[Writer]] = {".csv": TableWriter, ".parquet": ParquetWriter, ".npz": SequenceWriter}


def export_features(
    source: Source,
    output: str | Path,
    extractor: Extractor,
    *,
    data_home: str | Path | None = None,
    jobs: int | None = None,
    window: float | None = None,
    hop: float | None = None,
    resume: bool = True,
    errors_csv: str | Path | None = None,
    cluster: Cluster | None = None,
) -> Path:
    """Compute features of every clip and write them to one file, `output`: a table, or sequences.

    Three files are written, each whole or not at all: the features, in manifest order; a JSON of the same name (the
    extractor's description with the hash of its weights, versions, hash of the source, counts, and remarks on clips
    that were read but look damaged); and ``<output>_errors.csv``: clip, cause and cure for each clip that could not be
    read.

    A table has the columns `clip_id`, `filepath` and the extractor's, and one row a clip. Sequences are one array, a
    matrix a clip; `mgc_keras.features.sequences.read_sequences` maps it. `read_features` reads either.

    A run that is stopped keeps its finished batches in ``<output>.partial``. The same call goes on from there, and the
    result is the same to the last byte. A finished file of the same clips, settings and versions is left as it is, if
    its hash is still that of the JSON. Where the disk failed to give clips that were there at the start, the batches
    stay kept, and the same call computes those anew that lack a clip.

    Parameters
    ----------
    source, data_home
        See `mgc_keras.features.clips.list_clips`.
    output : str or Path
        The file to write. Its name ends in ``.csv`` or ``.parquet`` (which needs pyarrow) for an extractor that gives a
        row of numbers a clip, in ``.npz`` for one that gives a matrix.
    extractor : Extractor
        `MfccExtractor` and `NetworkExtractor` give rows, `ScatteringExtractor` and `SegmentExtractor` matrices.
    jobs : int, optional
        Threads that decode; by default one a core.
    window, hop : float, optional
        Length and step of a sliding window in seconds: several rows a clip, with `start_s` and `end_s`. By default
        one row a clip; `hop` defaults to `window`. Tables only.
    resume : bool
        False computes everything anew.
    errors_csv : str or Path, optional
        By default `errors_file`, beside the output. Written even if no clip failed, with its header alone.
    cluster : Cluster, optional
        Compute there, a batch a task, rather than here: see `mgc_keras.cluster.open_cluster`. The files are the same.

    Raises
    ------
    OptionError, ManifestError
        An option or the manifest makes no sense, or the extractor gives what this form of output cannot hold; or a
        file that would be written is one of the source's, or no earlier output of this kind.
    MgcKerasError
        Another process is writing the same output; or the disk is full, and finished batches stay.

    Example
    -------
    >>> from mgc_keras.features.mfcc import MfccExtractor
    >>> export_features("my_music", "mfcc.csv", MfccExtractor())    # doctest: +SKIP
    PosixPath('mfcc.csv')
    """
    output = Path(output)
    errors_csv = errors_file(output) if errors_csv is None else Path(errors_csv)
    _check_outputs(output, errors_csv)
    longest = extractor.duration if extractor.n_samples is None else extractor.n_samples / extractor.sampling_rate
    windows, jobs = windows_of(window, hop, longest), checked_jobs(jobs)
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
    network = {name: value for name, value in about["extractor"].items() if not name.startswith("weights_file")}
    about["fingerprint"] = fingerprint({**about, "extractor": network}, survey.state, batches)
    # What is left out moves no number: one file of it more does not ask for everything anew.
    about["source"] |= {"left_out": list(clips.left_out)}
    partial = output.with_name(output.name + ".partial")
    sweep(output.parent)
    if resume and not partial.exists() and _is_finished(output, errors_csv, about["fingerprint"]):
        logger.warning("%s: is finished already, nothing to do", output)
        return output
    with locked(output), Journal(partial, about["fingerprint"], resume=resume) as journal:
        # By position: where the journal has each clip, later entries first (-1: nowhere); and those that failed.
        places = np.full(len(clips), -1)
        errors: dict[int, dict[str, Any]] = {}
        remarks: dict[int, str] = {}
        measured: dict[str, Any] = {}

        def note(place: int, entry: dict[str, Any]) -> None:
            places[entry["position"]] = place
            errors.pop(entry["position"], None)
            remarks.pop(entry["position"], None)
            if "remark" in entry:
                remarks[entry["position"]] = entry["remark"]
            if "error" in entry:
                errors[entry["position"]] = entry

        for place, entry in enumerate(journal):
            note(place, entry)
        done = places >= 0
        done[[position for position, entry in errors.items() if entry["again"]]] = False
        # Whole batches: their clips may share statistics.
        remaining = [batch for batch in batches if not done[batch].all()]
        n_done = len(clips) - sum(map(len, remaining))
        with progress_bar(description=extractor.name, total=len(clips), initial=n_done) as bar:
            computed = (
                clip_features(clips, extractor, remaining, jobs=jobs, spans=windows)
                if cluster is None
                else cluster_features(cluster, clips, extractor, remaining, spans=windows, measured=measured)
            )
            for results in computed:
                entries = [_entry(result, clips, writer, survey.missing) for result in results]
                for place, entry in enumerate(entries, len(journal)):
                    note(place, entry)
                journal.append(entries)
                bar.update(len(results))
        good = [position for position in range(len(clips)) if position not in errors]
        failed = [
            FailedClip(clips.clip_ids[position], clips.filepaths[position], *errors[position]["error"])
            for position in sorted(errors)
        ]
        with whole_file(output) as temporary:
            whole = (journal[places[position]] for position in good)
            counts = writer.write(temporary, [clips.clip_ids[position] for position in good], whole, about)
            write_failed_clips(errors_csv, failed)
            about |= counts | {"n_failed": len(failed), "errors_sha256": sha256_of(errors_csv)}
            about |= measured or getattr(extractor, "measured", dict)()
            # Of clips that were read, but look damaged.
            about["remarks"] = {
                clips.filepaths[position]: remarks[position] for position in good if position in remarks
            }
            # Before the file gets its name: it always has its description beside it.
            write_record(output.with_suffix(".json"), about)
        lost = [position for position in errors if errors[position]["again"]]
        if lost:
            notice = "%s: could not be read any more, nor %d other clips; the same command tries them again"
            logger.warning(notice, clips.paths[min(lost)], len(lost) - 1)
        else:
            journal.remove()
    return output


def errors_file(output: str | Path) -> Path:
    """Return where `export_features` lists the clips that failed: each output has a file of its own.

    Example
    -------
    >>> errors_file("mfcc.csv")
    PosixPath('mfcc_errors.csv')
    """
    return Path(output).with_name(f"{Path(output).stem}_errors.csv")


def check_replaceable_export(
    output: Path, errors_csv: Path, inputs: Iterable[str | Path], field: str | None = None
) -> None:
    """Raise an `OptionError` if one of an export's files would take the place of an input or of another kind of file.

    An earlier export is known by its JSON, which tells of the extractor; where that is damaged, by its list of failed
    clips.
    """
    about, partial = output.with_suffix(".json"), output.with_name(output.name + ".partial")
    # Damaged, or another's notes, it is an empty one.
    record = read_record(about)
    # Sequences of earlier versions have no hash: it must not be that of another form.
    is_export = "extractor" in record and (_hash_names() - {_hash_name(output)}).isdisjoint(record)
    is_damaged = about.is_file() and not record and lists_failed_clips(errors_csv)

    def is_own(path: Path) -> bool:
        if path == partial:
            return begins_with(path, '{"journal"', '{"fingerprint"')
        if path == errors_csv:
            # Under this name another export may have its own table.
            is_table = not _hash_names().isdisjoint(read_record(path.with_suffix(".json")))
            return not is_table and (is_export or (not record and lists_failed_clips(path)))
        return is_export or is_damaged

    what = "file of an earlier export of this kind"
    check_replaceable([output, about, errors_csv, partial], is_own, what, inputs, field)


def export_sequences(manifest: Manifest, stem: Path, extractor: Extractor, *, jobs: int | None = None) -> Sequences:
    """Export a matrix a clip to ``<stem>.npz``, and return what was written.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    output = export_features(manifest, f"{stem}.npz", extractor, jobs=jobs)
    sequences = read_sequences(output, check=False)
    if not sequences.clip_ids:
        cure = f"see {errors_file(output)}"
        raise ManifestError("no clip could be read", path=manifest.name, field="filepath", cure=cure)
    return sequences


def _check_outputs(output: Path, errors_csv: Path) -> None:
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


def _is_finished(output: Path, errors_csv: Path, fingerprint: str) -> bool:
    about = finished_record(output.with_suffix(".json"), fingerprint)
    if about is None or not (output.is_file() and errors_csv.is_file()):
        return False
    # Tables are edited by hand now and then, and disks go bad.
    hashes = {_hash_name(output): output, "errors_sha256": errors_csv}
    return all(about.get(name) == sha256_of(path) for name, path in hashes.items())


def _hash_name(output: Path) -> str:
    return f"{output.suffix[1:].lower()}_sha256"


def _hash_names() -> set[str]:
    return {f"{suffix[1:]}_sha256" for suffix in WRITERS}


def _entry(result: ClipFeatures, clips: Clips, writer: Writer, missing: Container[int]) -> dict[str, Any]:
    if result.problem is not None:
        # One that was never there is another state of the clips when it comes.
        again = isinstance(result.problem, DiskError) and result.position not in missing
        error = [result.problem.problem, result.problem.cure or ""]
        return {"position": result.position, "error": error, "again": again}
    for row in result.rows:
        if np.ndim(row) != writer.n_axes:
            has, needed = ("a row", ".csv") if np.ndim(row) == 1 else ("a matrix", ".npz")
            raise OptionError(f"each clip gives {has} of numbers", field="output", cure=f"end the name in {needed}")
    entry = writer.entry(result, clips.clip_ids[result.position], clips.filepaths[result.position])
    return {"position": result.position, **entry, **({"remark": result.remark} if result.remark else {})}
