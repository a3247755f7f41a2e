"""Sequences of features, a matrix a clip, to one NPZ file: resumable, memory-mapped when read.

The file is an uncompressed NPZ that `numpy.load` opens: `values` (n_clips, n_frames, n_columns), `clip_ids`, `columns`.
"""

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.features.clips import list_clips
from mgc_keras.features.export import Source
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.features.journal import Journal, logger
from mgc_keras.features.pipeline import ClipFeatures, checked_jobs, clip_features
from mgc_keras.features.provenance import description_of, fingerprint_of, package_versions
from mgc_keras.features.table import ERROR_COLUMNS, csv_line
from mgc_keras.files import whole_file, write_text
from mgc_keras.progress import progress_bar

# Of every member: the same numbers give the same bytes whenever they are written.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sequences:
    """What `export_sequences` wrote.

    Attributes
    ----------
    values : np.ndarray [shape=(n_clips, n_frames, n_columns), dtype=float32]
        Memory-mapped: clips are read when they are asked for.
    clip_ids : list of str
        Clips that failed are not among them.
    columns : list of str
    about : dict
        The extractor's description, versions and counts.
    """

    values: np.ndarray
    clip_ids: list[str]
    columns: list[str]
    about: dict[str, Any]


def export_sequences(
    source: Source,
    output_npz: str | Path,
    extractor: Extractor,
    *,
    data_home: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = True,
    errors_csv: str | Path | None = None,
) -> Path:
    """Compute a sequence of every clip and write them to one file, with a JSON of the same name and an ``errors.csv``.

    The rules are those of `mgc_keras.features.export.export_features`: whole files or none; a stopped run goes on from
    ``<output_npz>.partial`` and ends byte-identical; a clip that cannot be read becomes a row of ``errors.csv``; a
    finished file of the same clips, settings and versions is left as it is.

    Parameters
    ----------
    source : Manifest, path or iterable of paths
        See `mgc_keras.features.clips.list_clips`.
    output_npz : str or Path
    extractor : Extractor
        One whose rows are matrices (n_frames, n_columns), such as `ScatteringExtractor`.
    data_home, jobs, resume, errors_csv
        As in `export_features`.

    Returns
    -------
    Path
        `output_npz`.

    Raises
    ------
    OptionError
        The output is no .npz file.
    MgcKerasError
        The disk is full; finished batches stay.
    """
    output_npz = Path(output_npz)
    if output_npz.suffix.lower() != ".npz":
        raise OptionError("sequences go into an .npz file", path=output_npz, cure="end its name in .npz")
    errors_csv = output_npz.with_name("errors.csv") if errors_csv is None else Path(errors_csv)
    clips = list_clips(source, data_home)
    batches = compose_batches(len(clips), extractor.batch_size, extractor.batch_order, seed=extractor.seed)
    about = {
        "extractor": extractor.describe(),
        "columns": list(extractor.columns),
        "source": {"name": clips.name, "n_clips": len(clips), "sha256": clips.sha256()},
        "versions": package_versions(),
    }
    about["fingerprint"] = fingerprint_of(about, clips.state(), [batch.tolist() for batch in batches])
    if resume and description_of(output_npz, errors_csv, about["fingerprint"]):
        logger.warning("%s: is finished already, nothing to do", output_npz)
        return output_npz
    partial = output_npz.with_name(output_npz.name + ".partial")
    with Journal(partial, about["fingerprint"], batches, resume=resume) as journal:
        remaining = batches[journal.n_batches :]
        n_done = len(clips) - sum(map(len, remaining))
        with progress_bar(description=extractor.name, total=len(clips), initial=n_done) as bar:
            for results in clip_features(clips, extractor, remaining, jobs=checked_jobs(jobs)):
                journal.append([_record(result, clips.clip_ids, clips.filepaths) for result in results])
                bar.update(len(results))
        _write(journal, output_npz, errors_csv, about)
        journal.remove()
    return output_npz


def read_sequences(path: str | Path) -> Sequences:
    """Open what `export_sequences` wrote, without reading the sequences yet.

    Raises
    ------
    OptionError
        The file or its JSON is missing, or it is another kind of file.
    """
    path = Path(path)
    description = path.with_suffix(".json")
    for needed in (path, description):
        if not needed.is_file():
            raise OptionError("is missing", path=needed, cure="export the sequences first")
    about = json.loads(description.read_text("utf-8"))
    try:
        with np.load(path, allow_pickle=False) as archive:
            clip_ids, columns = archive["clip_ids"].tolist(), archive["columns"].tolist()
        values = _mapped(path)
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise OptionError("holds no sequences", path=path, cure="name a file of export_sequences") from error
    return Sequences(values, clip_ids, columns, about)


def _record(result: ClipFeatures, clip_ids: list[str], filepaths: list[str]) -> dict[str, Any]:
    key = [clip_ids[result.position], filepaths[result.position]]
    if result.problem is not None:
        return {"clip": result.position, "error": [*key, result.problem.problem, result.problem.cure or ""]}
    (matrix,) = result.rows
    values = base64.b64encode(np.ascontiguousarray(matrix, "<f4").tobytes()).decode()
    return {"clip": result.position, "id": key[0], "shape": matrix.shape, "values": values}


def _write(journal: Journal, output_npz: Path, errors_csv: Path, about: dict[str, Any]) -> None:
    errors, clip_ids, shape = [csv_line(ERROR_COLUMNS)], [], (0, len(about["columns"]))
    for record in journal.records():
        if "error" in record:
            errors.append(csv_line(record["error"]))
        else:
            clip_ids.append(record["id"])
            shape = tuple(record["shape"])
    with whole_file(output_npz) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, strings in (("clip_ids", clip_ids), ("columns", about["columns"])):
                buffer = io.BytesIO()
                np.save(buffer, np.array(strings, dtype=str), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", _TIME), buffer.getvalue())
            with archive.open(zipfile.ZipInfo("values.npy", _TIME), "w", force_zip64=True) as member:
                header = {"descr": "<f4", "fortran_order": False, "shape": (len(clip_ids), *shape)}
                np.lib.format.write_array_header_1_0(member, header)
                for record in journal.records():
                    if "values" in record:
                        member.write(base64.b64decode(record["values"]))
        write_text(errors_csv, "".join(errors))
        counts = {"n_clips": len(clip_ids), "n_failed": len(errors) - 1}
        # Before the file gets its name: it always has its description beside it.
        write_text(output_npz.with_suffix(".json"), json.dumps(about | counts, indent=2) + "\n")


def _mapped(path: Path) -> np.ndarray:
    """Map the member of an uncompressed archive where it lies."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as stream:
        info = archive.getinfo("values.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError("compressed")
        stream.seek(info.header_offset + 26)
        name_length, extra_length = np.frombuffer(stream.read(4), "<u2")
        stream.seek(info.header_offset + 30 + int(name_length) + int(extra_length))
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("another version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        if not np.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", stream.tell(), shape)
