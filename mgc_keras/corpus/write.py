"""Writing a task's clips and manifest to a folder: resumable, in parallel, every file whole."""

from io import StringIO
from pathlib import Path

import pandas as pd
from joblib import delayed

from mgc_keras.audio.files import write_waveform
from mgc_keras.corpus.rows import CLIP_SECONDS
from mgc_keras.corpus.songs import cut_sections
from mgc_keras.corpus.tasks import check_length, corpus_table, render_clip
from mgc_keras.datasets.manifest import write_manifest
from mgc_keras.errors import OptionError
from mgc_keras.files import locked, output_folder, sweep
from mgc_keras.processes import in_processes
from mgc_keras.progress import progress_bar


def write_corpus(
    task: str,
    folder: str | Path,
    n_clips: int | None = None,
    seed: int = 0,
    sampling_rate: int = 22050,
    duration: float | None = None,
    jobs: int = 1,
) -> Path:
    """Render a task's clips as 16-bit wav files and write its manifest.

    A run that was interrupted goes on where it stopped; clips already there are kept where their row (seeds, sampling
    rate, duration, version of the renderer) is the same, and rendered again where it is not.

    Parameters
    ----------
    task : str
        Key of `TASKS`.
    folder : str or Path
        Where ``<folder>/<class>/<clip_id>.wav`` and ``<folder>/<task>.csv`` go.
    n_clips, seed
        See `corpus_table`.
    sampling_rate : int
        Hz.
    duration : float, optional
        Seconds of every clip; by default the task's own.
    jobs : int
        Processes; -1 takes one for every core.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    OptionError
        Unknown task, no clips, sampling rate, duration or jobs out of range.
    MgcKerasError
        Another process is writing the same manifest, or the disk is full.
    """
    table = _written_table(task, n_clips, seed, sampling_rate, duration)
    if jobs == 0:
        raise OptionError("0 is no number of processes", field="jobs", cure="give 1 or more, or -1 for one a core")
    output_folder(folder, "folder")
    manifest = Path(folder) / f"{task}.csv"
    places = {manifest.parent, *((manifest.parent / path).parent for path in table["filepath"])}
    with locked(manifest):
        try:
            _render(table, manifest, jobs)
        finally:
            # What earlier runs left, and processes of this one that were stopped.
            for place in places:
                sweep(place)
    return manifest


def _render(table: pd.DataFrame, manifest: Path, jobs: int) -> None:
    folder, task = manifest.parent, manifest.stem
    plan = folder / f".{task}.plan.csv"
    known = {**_known_rows(manifest), **_known_rows(plan)}
    _check_replaceable(table, manifest, known)
    missing = _missing_clips(table, folder, known)
    if missing or not manifest.is_file():
        # The plan vouches for the clips of an unfinished run; the manifest appears when all clips are there.
        write_manifest(table, plan)
        manifest.unlink(missing_ok=True)
    work = (delayed(_write_clip)(row, folder) for row in table.iloc[missing].to_dict("records"))
    done = in_processes(work, jobs, in_order=False)
    for _ in progress_bar(done, description=f"rendering {task}", total=len(missing)):
        pass
    write_manifest(table, manifest)
    plan.unlink(missing_ok=True)


def _written_table(
    task: str, n_clips: int | None, seed: int, sampling_rate: int, duration: float | None
) -> pd.DataFrame:
    table = corpus_table(task, n_clips, seed)
    check_length(CLIP_SECONDS if duration is None else duration, sampling_rate)
    if duration is not None:
        table["seconds"] = float(duration) if task != "songs" else table["seconds"].clip(upper=duration)
        if "sections" in table:
            table["sections"] = list(map(cut_sections, table["sections"], table["seconds"]))
    table["sampling_rate"] = int(sampling_rate)
    return table


def _rows(source: Path | StringIO) -> dict[str, dict[str, str]]:
    """Every row of a CSV as text, by its clip_id; none where it has no such column."""
    text = pd.read_csv(source, dtype=str, keep_default_na=False)
    return {row["clip_id"]: row for row in text.to_dict("records")} if "clip_id" in text else {}


def _known_rows(path: Path) -> dict[str, dict[str, str]]:
    """The rows of an earlier run, none if there was none or its file is no such table."""
    try:
        return _rows(path) if path.is_file() else {}
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        return {}


def _check_replaceable(table: pd.DataFrame, manifest: Path, known: dict[str, dict[str, str]]) -> None:
    """Raise an `OptionError` if a file that is there is of no earlier run.

    Its rows in the manifest or plan tell of one; where these are damaged, manifest and clips together do.
    """
    if any("renderer" in row for row in known.values()):
        return
    clips = (manifest.parent / path for path in table["filepath"])
    there = [path for path in (manifest, next(filter(Path.exists, clips), None)) if path and path.exists()]
    if there and (known or len(there) == 1):
        cure = "choose another folder"
        raise OptionError("is there already and of no rendered corpus; it was left as it is", path=there[0], cure=cure)


def _missing_clips(table: pd.DataFrame, folder: Path, known: dict[str, dict[str, str]]) -> list[int]:
    """Return the positions of the clips to render; files that another row left are removed first."""
    missing = []
    for number, (clip_id, row) in enumerate(_rows(StringIO(table.to_csv(index=False))).items()):
        target = folder / row["filepath"]
        if known.get(clip_id) != row:
            target.unlink(missing_ok=True)
        if not target.is_file():
            missing.append(number)
    return missing


def _write_clip(row: dict, folder: Path) -> None:
    waveform = render_clip(row, int(row["sampling_rate"]))
    write_waveform(folder / str(row["filepath"]), waveform, int(row["sampling_rate"]))
