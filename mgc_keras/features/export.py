"""Features of a whole dataset to one file: parallel, resumable, one bad clip never ends it."""

from pathlib import Path
from typing import Any

import numpy as np

from mgc_keras.cluster import Cluster
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import ManifestError
from mgc_keras.features.entries import ClipEntries, entries_of, finish_export
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.on_cluster import cluster_features
from mgc_keras.features.parts import Part, begin_shard, check_shard, finish_shard, is_finished_shard, shard_file
from mgc_keras.features.pipeline import checked_jobs, clip_features
from mgc_keras.features.plan import ExportPlan, Source, errors_file, plan_export
from mgc_keras.features.sequences import Sequences, read_sequences
from mgc_keras.files import locked, sweep
from mgc_keras.progress import progress_bar
from mgc_keras.work import Journal, logger


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
    part: str | None = None,
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
    part : str, optional
        Such as "3/10": compute the third of ten parts alone, into a file beside the output, and return its path. See
        `mgc_keras.features.parts.Part`; `mgc_keras.features.merging.merge_parts` joins all ten into the output.
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
    chosen, jobs = None if part is None else Part.parse(part), checked_jobs(jobs)
    plan = plan_export(source, output, extractor, data_home=data_home, window=window, hop=hop, errors_csv=errors_csv)
    if chosen is not None:
        return _export_part(plan, chosen, jobs=jobs, resume=resume, cluster=cluster)
    sweep(plan.output.parent)
    if resume and not plan.partial.exists() and plan.is_finished():
        logger.warning("%s: is finished already, nothing to do", plan.output)
        return plan.output
    if others := plan.replaces_other():
        logger.warning("%s: replaces a finished table of %s", plan.output, others)
    with locked(plan.output), Journal(plan.partial, plan.fingerprint, resume=resume) as journal:
        entries = ClipEntries(journal, len(plan.clips))
        measured = compute_batches(plan, plan.batches, journal, entries, jobs=jobs, cluster=cluster)
        finish_export(plan, entries, measured)
        if not _warn_of_lost(plan, entries):
            journal.remove()
    return plan.output


def _export_part(plan: ExportPlan, part: Part, *, jobs: int, resume: bool, cluster: Cluster | None) -> Path:
    """Compute the batches of a part into its shard; return the shard, or the output where that is finished already."""
    shard = shard_file(plan.output, part)
    check_shard(plan, part)
    if resume and not shard.exists() and plan.is_finished():
        logger.warning("%s: is finished already, nothing to do", plan.output)
        return plan.output
    with locked(shard), Journal(shard, plan.fingerprint, resume=resume) as journal:
        begin_shard(journal, plan, part)
        batches, entries = part.of(plan.batches), ClipEntries(journal, len(plan.clips))
        if is_finished_shard(journal, entries, batches):
            logger.warning("%s: is finished already, nothing to do", shard)
            return shard
        measured = compute_batches(plan, batches, journal, entries, jobs=jobs, cluster=cluster)
        finish_shard(journal, entries, measured)
        _warn_of_lost(plan, entries)
    return shard


def _warn_of_lost(plan: ExportPlan, entries: ClipEntries) -> bool:
    """Tell whether there are clips that the disk did not give, though they were there, and warn of them."""
    lost = entries.lost()
    if lost:
        notice = "%s: could not be read any more, nor %d other clips; the same command tries them again"
        logger.warning(notice, plan.clips.paths[lost[0]], len(lost) - 1)
    return bool(lost)


def compute_batches(
    plan: ExportPlan,
    batches: list[np.ndarray],
    journal: Journal,
    entries: ClipEntries,
    *,
    jobs: int,
    cluster: Cluster | None = None,
) -> dict[str, Any]:
    """Compute those batches of a plan that a journal lacks, and add them to it as they come, in whatever order.

    Returns what the extractor knows only after computing: see `mgc_keras.features.extractor.Extractor`.

    Parameters
    ----------
    plan : ExportPlan
    batches : list of np.ndarray [dtype=int]
        The plan's, or some of them.
    journal : Journal
        Of the plan's fingerprint.
    entries : ClipEntries
        The journal's; they grow with it.
    jobs : int
        Threads that decode.
    cluster : Cluster, optional
        Where to compute, if not here.
    """
    done = entries.are_done
    # Whole batches: their clips may share statistics.
    remaining = [batch for batch in batches if not done[batch].all()]
    n_clips, n_left = (sum(map(len, some)) for some in (batches, remaining))
    work = plan.clips, plan.extractor, remaining
    measured: dict[str, Any] = {}
    with progress_bar(description=plan.extractor.name, total=n_clips, initial=n_clips - n_left) as bar:
        computed = (
            clip_features(*work, jobs=jobs, spans=plan.windows)
            if cluster is None
            else cluster_features(cluster, *work, spans=plan.windows, measured=measured)
        )
        for results in computed:
            step = entries_of(results, plan)
            for number, entry in enumerate(step, len(journal)):
                entries.note(number, entry)
            journal.append(step)
            bar.update(len(results))
    return measured or getattr(plan.extractor, "measured", dict)()


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
