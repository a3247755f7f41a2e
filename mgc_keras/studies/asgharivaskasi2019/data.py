"""The clips of the Asgharivaskasi 2019 study: manifests, features, and what the options default to."""

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.features.backbone import backbone_vectors, melspectrogram_segments
from mgc_keras.features.export import export_sequences
from mgc_keras.features.segments import SegmentExtractor
from mgc_keras.features.sequences import Sequences
from mgc_keras.studies.asgharivaskasi2019.features import mfcc_sequences, mfcc_statistics, waveform_segments
from mgc_keras.studies.asgharivaskasi2019.networks import build_image_network, named_as_options
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import N_SECONDS
from mgc_keras.studies.asgharivaskasi2019.study import Options
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SubRun, on_clips, on_songs
from mgc_keras.studies.common.run import Run

TASK, SONGS = "genre", "songs"


def genre_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests, or render the built-in genres and songs that sub-runs need; see `Run.manifests`."""
    sub_runs = run.options.sub_runs.values()
    clips = [TASK] if any(on_clips(sub_run) for sub_run in sub_runs) else []
    songs = [SONGS] if not all(on_clips(sub_run) for sub_run in sub_runs) else []
    return run.manifests(clips + songs, lambda name: _rendered(name, run), classified=True)


def sub_runs_on(manifest: Manifest, options: Options) -> dict[str, SubRun]:
    """Return the sub-runs for a manifest: all that were asked for, but for the built-in corpus' songs and clips."""
    if not options.run.is_built_in or options.run.tasks:
        return options.sub_runs
    of_songs = manifest.name == SONGS
    return {name: run for name, run in options.sub_runs.items() if (on_songs(name, run) if of_songs else on_clips(run))}


def extractors_of(options: Options) -> dict[tuple[SubRun, str], SegmentExtractor]:
    """Return what computes the features of every sub-run, by its segments.

    Raises
    ------
    MgcKerasError
        Weights cannot be had or do not fit, segments are too short for a backbone, or it has no such layer.
    """
    with named_as_options():
        return {
            (sub_run, segments): _extractor(sub_run, segments, options)
            for sub_run in options.sub_runs.values()
            for segments in sub_run.segments
        }


def features_of(manifest: Manifest, extractor: SegmentExtractor, run: Run[Options]) -> Sequences:
    """Export what a sub-run's classifiers see, one matrix a clip, once for all protocols and seeds.

    Raises
    ------
    ManifestError
        No clip could be read.
    """
    stem = run.folder / "features" / f"{manifest.name}_{extractor.name}_{extractor.segments}"
    return export_sequences(manifest, stem, extractor, jobs=run.jobs)


def _rendered(name: str, run: Run[Options]) -> Manifest:
    data = run.options.data
    n_clips = {TASK: data.clips, SONGS: data.songs}.get(name)
    duration = data.song_seconds if name == SONGS else None if data.seconds >= 29 else data.seconds
    return run.rendered(name, 22050, n_clips, duration)


def _extractor(sub_run: SubRun, segments: str, options: Options) -> SegmentExtractor:
    if sub_run.kind == "baseline":
        return mfcc_statistics(segments, options.data.seconds)
    if sub_run.kind == "recurrent":
        if options.network.recurrent_input == "audio":
            return waveform_segments(segments, N_SECONDS, options.network.audio_rate)
        return mfcc_sequences(segments, options.data.seconds)
    if options.network.trainable_from.get(sub_run.network) is not None:
        # A wrong layer, wrong weights or short segments are told before any clip is read.
        build_image_network(sub_run, 2, options)
        return melspectrogram_segments(segments, options.data.seconds)
    weights = options.network.backbone_weights[sub_run.network]
    return backbone_vectors(
        sub_run.network, segments=segments, seconds=options.data.seconds, weights=weights, seed=options.run.seed
    )
