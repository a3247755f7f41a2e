"""Features of a whole dataset to a CSV: parallel, resumable, one bad clip never ends it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mgc_keras.audio.windows import Windows, windows_of
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import OptionError
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.features.journal import Journal, logger
from mgc_keras.features.pipeline import ClipFeatures, checked_jobs, clip_features
from mgc_keras.features.provenance import description_of, fingerprint_of, package_versions
from mgc_keras.features.table import ERROR_COLUMNS, KEY_COLUMNS, SPAN_COLUMNS, csv_line, exact_texts
from mgc_keras.files import sha256_of, whole_file, write_text
from mgc_keras.progress import progress_bar

Source = Clips | Manifest | str | Path | Iterable[str | Path]


def export_features(
    source: Source,
    output_csv: str | Path,
    extractor: Extractor,
    *,
    data_home: str | Path | None = None,
    jobs: int | None = None,
    window: float | None = None,
    hop: float | None = None,
    resume: bool = True,
    errors_csv: str | Path | None = None,
) -> Path:
    """Compute features of every clip and write them as a table.

    Three files are written, each whole or not at all: the CSV (`clip_id`, `filepath`, then the extractor's columns;
    one row a clip in manifest order), a JSON of the same name (the extractor's description with the hash of its
    weights, versions, hash of the source, counts), and ``errors.csv``: clip, cause and what to do for each clip that
    could not be read.

    A run that is stopped keeps its finished batches in ``<output_csv>.partial``. The same call goes on from there,
    and the result is the same to the last byte. A finished table of the same clips, settings and versions is left as
    it is.

    Parameters
    ----------
    source : Manifest, path or iterable of paths
        See `mgc_keras.features.clips.list_clips`.
    output_csv : str or Path
        The table to write.
    extractor : Extractor
        `ConvnetExtractor`, `MfccExtractor` or your own.
    data_home : str or Path, optional
        The folder that a manifest's file paths are relative to, if not the manifest's own.
    jobs : int, optional
        Threads that decode; by default one a core.
    window, hop : float, optional
        Length and step of a sliding window in seconds: several rows a clip, with `start_s` and `end_s`. By default
        one row a clip; `hop` defaults to `window`.
    resume : bool
        False computes everything anew.
    errors_csv : str or Path, optional
        By default ``errors.csv`` beside the table. Written even if no clip failed, with its header alone.

    Returns
    -------
    Path
        `output_csv`.

    Raises
    ------
    OptionError, ManifestError
        An option or the manifest makes no sense.
    MgcKerasError
        The disk is full; finished batches stay.

    Example
    -------
    >>> from mgc_keras.features.mfcc import MfccExtractor
    >>> export_features("my_music", "mfcc.csv", MfccExtractor())    # doctest: +SKIP
    PosixPath('mfcc.csv')
    """
    output_csv = Path(output_csv)
    errors_csv = output_csv.with_name("errors.csv") if errors_csv is None else Path(errors_csv)
    _check_outputs(output_csv, errors_csv)
    windows, jobs = windows_of(window, hop, _longest(extractor)), checked_jobs(jobs)
    clips = list_clips(source, data_home)
    batches = _batches(clips, extractor)
    about = _description(clips, extractor, windows)
    about["fingerprint"] = fingerprint_of(about, clips.state(), [batch.tolist() for batch in batches])
    if resume and _is_finished(output_csv, errors_csv, about["fingerprint"]):
        logger.warning("%s: is finished already, nothing to do", output_csv)
        return output_csv
    partial = output_csv.with_name(output_csv.name + ".partial")
    with Journal(partial, about["fingerprint"], batches, resume=resume) as journal:
        _compute(journal, clips, extractor, batches, windows, jobs)
        _write_tables(journal, output_csv, errors_csv, clips, extractor, about)
        journal.remove()
    return output_csv


def extract_features(
    source: Source,
    extractor: Extractor,
    *,
    data_home: str | Path | None = None,
    jobs: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute features in memory, without files: for small sets and for experiments on the order of batches.

    Parameters
    ----------
    source, extractor, data_home, jobs
        As in `export_features`. The extractor's `batch_order` decides which clips share a batch; rows come in
        manifest order.

    Returns
    -------
    features : pd.DataFrame
        Indexed by `clip_id`, the extractor's columns and precision; clips that failed are left out.
    errors : pd.DataFrame
        Columns `clip_id`, `filepath`, `cause`, `what_to_do`.

    Example
    -------
    >>> extractor = ConvnetExtractor("weights.hdf5", batch_size=100, batch_order="shuffled")   # doctest: +SKIP
    >>> features, errors = extract_features("my_music", extractor)                            # doctest: +SKIP
    """
    clips = list_clips(source, data_home)
    done: list[ClipFeatures | None] = [None] * len(clips)
    with progress_bar(description=extractor.name, total=len(clips)) as bar:
        for results in clip_features(clips, extractor, _batches(clips, extractor), jobs=checked_jobs(jobs)):
            for result in results:
                done[result.position] = result
            bar.update(len(results))
    good = [result for result in done if result.problem is None]
    values = [result.rows[0] for result in good]
    features = pd.DataFrame(
        np.array(values, dtype=extractor.dtype).reshape(len(values), len(extractor.columns)),
        index=pd.Index([clips.clip_ids[result.position] for result in good], name="clip_id"),
        columns=list(extractor.columns),
    )
    errors = [_record(result, clips, extractor)["error"] for result in done if result.problem is not None]
    return features, pd.DataFrame(errors, columns=list(ERROR_COLUMNS))


def _longest(extractor: Extractor) -> float | None:
    """The seconds of a clip that the extractor takes in; None if it takes in all."""
    return extractor.duration if extractor.n_samples is None else extractor.n_samples / extractor.sampling_rate


def _batches(clips: Clips, extractor: Extractor) -> list[np.ndarray]:
    return compose_batches(
        len(clips), extractor.batch_size, extractor.batch_order, seed=extractor.seed, labels=clips.labels
    )


def _check_outputs(output_csv: Path, errors_csv: Path) -> None:
    if output_csv.suffix.lower() != ".csv":
        raise OptionError("the table must be a .csv file", path=output_csv, cure="end its name in .csv")
    for path in (output_csv, errors_csv):
        if path.is_dir():
            raise OptionError("is a folder", path=path, cure="name a file in it")
    if output_csv.absolute() == errors_csv.absolute():
        raise OptionError("table and errors cannot be one file", path=output_csv, cure="choose another name")


def _description(clips: Clips, extractor: Extractor, windows: Windows | None) -> dict[str, Any]:
    return {
        "extractor": extractor.describe(),
        "dtype": extractor.dtype,
        "n_features": len(extractor.columns),
        "window_s": windows.length if windows else None,
        "hop_s": windows.hop if windows else None,
        "source": {"name": clips.name, "n_clips": len(clips), "sha256": clips.sha256()},
        "versions": package_versions(),
    }


def _is_finished(output_csv: Path, errors_csv: Path, fingerprint: str) -> bool:
    about = description_of(output_csv, errors_csv, fingerprint)
    return about is not None and about.get("csv_sha256") == sha256_of(output_csv)


def _compute(
    journal: Journal,
    clips: Clips,
    extractor: Extractor,
    batches: list[np.ndarray],
    windows: Windows | None,
    jobs: int,
) -> None:
    remaining = batches[journal.n_batches :]
    n_done = len(clips) - sum(map(len, remaining))
    with progress_bar(description=extractor.name, total=len(clips), initial=n_done) as bar:
        for results in clip_features(clips, extractor, remaining, jobs=jobs, windows=windows):
            journal.append([_record(result, clips, extractor) for result in results])
            bar.update(len(results))


def _record(result: ClipFeatures, clips: Clips, extractor: Extractor) -> dict[str, Any]:
    key = [clips.clip_ids[result.position], clips.filepaths[result.position]]
    if result.problem is not None:
        return {"clip": result.position, "error": [*key, result.problem.problem, result.problem.cure or ""]}
    spans = result.spans or [()] * len(result.rows)
    rows = [np.asarray(row, extractor.dtype) for row in result.rows]
    lines = [
        csv_line([*key, *(repr(float(second)) for second in span), *exact_texts(row)])
        for span, row in zip(spans, rows, strict=True)
    ]
    return {"clip": result.position, "lines": lines}


def _write_tables(
    journal: Journal, output_csv: Path, errors_csv: Path, clips: Clips, extractor: Extractor, about: dict[str, Any]
) -> None:
    header = [*KEY_COLUMNS, *(SPAN_COLUMNS if about["window_s"] is not None else ()), *extractor.columns]
    errors, n_rows = [csv_line(ERROR_COLUMNS)], 0
    with whole_file(output_csv) as temporary:
        with open(temporary, "w", encoding="utf-8", newline="") as table:
            table.write(csv_line(header))
            for record in journal.records():
                if "error" in record:
                    errors.append(csv_line(record["error"]))
                else:
                    table.writelines(record["lines"])
                    n_rows += len(record["lines"])
        write_text(errors_csv, "".join(errors))
        counts = {"n_rows": n_rows, "n_failed": len(errors) - 1, "csv_sha256": sha256_of(temporary)}
        # Before the table gets its name: a table always has its description beside it.
        write_text(output_csv.with_suffix(".json"), json.dumps(about | counts, indent=2) + "\n")
