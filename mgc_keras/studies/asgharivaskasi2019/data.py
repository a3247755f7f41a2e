"""The clips of the Asgharivaskasi 2019 study: manifests, and the features that each sub-run's classifiers see."""

from functools import partial

import librosa
import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.features.backbone import backbone_vectors, melspectrogram_segments
from mgc_keras.features.export import export_sequences
from mgc_keras.features.mfcc import MFCC_COLUMNS, mfcc_features
from mgc_keras.features.segments import SegmentExtractor
from mgc_keras.features.sequences import Sequences
from mgc_keras.studies.asgharivaskasi2019.networks import build_image_network, named_as_options
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import N_SECONDS
from mgc_keras.studies.asgharivaskasi2019.study import Options
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SubRun
from mgc_keras.studies.common.run import Run

TASK, SONGS = "genre", "songs"
N_MFCC, N_FFT = 20, 2048


def genre_manifests(run: Run[Options]) -> list[Manifest]:
    """Read the manifests, or render the built-in genres and songs that sub-runs need; see `Run.manifests`."""
    data, of_songs = run.options.data, [sub_run.on_songs for sub_run in run.options.sub_runs.values()]

    def rendered(name: str) -> Manifest:
        n_clips = {TASK: data.clips, SONGS: data.songs}.get(name)
        duration = data.song_seconds if name == SONGS else None if data.seconds >= 29 else data.seconds
        return run.rendered(name, 22050, n_clips, duration)

    names = [name for name, needed in ((TASK, not all(of_songs)), (SONGS, any(of_songs))) if needed]
    return run.manifests(names, rendered, classified=True)


def sub_runs_on(manifest: Manifest, options: Options) -> dict[str, SubRun]:
    """Return the sub-runs for a manifest: all that were asked for, but for the built-in corpus' songs and clips.

    Where these songs are segmented, VGG16 is compared, too.
    """
    if not options.run.is_built_in or options.run.tasks:
        return options.sub_runs
    on_songs = manifest.name == SONGS
    return {
        name: sub_run
        for name, sub_run in options.sub_runs.items()
        if sub_run.on_songs == on_songs or (on_songs and name == "vgg16")
    }


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


def mfcc_sequences(
    segments: str, seconds: float, sampling_rate: int = 22050, *, hop_length: int = 2048
) -> SegmentExtractor:
    """Return the extractor of coefficients of every frame: a row a frame. Arguments are those of `SegmentExtractor`.

    The study's numbers are not stated. Chosen: 20 coefficients, as the MFCC baseline of Choi et al. (2017) has; a hop
    of 2048 samples, 93 ms at 22 050 Hz, because a recurrent network forgets the beginning of a thousand steps and takes
    minutes for them.

    Example
    -------
    >>> mfcc_sequences("3s", 6.0)([np.ones(6 * 22050, np.float32)]).shape     # two segments of 33 frames
    (1, 66, 20)
    """
    mfcc = partial(librosa.feature.mfcc, sr=sampling_rate, n_mfcc=N_MFCC, n_fft=N_FFT, hop_length=hop_length)
    return SegmentExtractor(
        "mfcc_sequence",
        [f"mfcc_{number:02d}" for number in range(N_MFCC)],
        lambda waveforms: np.stack([mfcc(y=waveform).T for waveform in waveforms]),
        segments=segments,
        seconds=seconds,
        sampling_rate=sampling_rate,
        settings={"n_mfcc": N_MFCC, "hop_length": hop_length},
    )


def mfcc_statistics(segments: str, seconds: float) -> SegmentExtractor:
    """Return the extractor of the classic baselines: 120 numbers a segment at 12 kHz, those of `mfcc_features`."""
    compute = lambda waveforms: np.stack([mfcc_features(waveform) for waveform in waveforms])
    return SegmentExtractor(
        "mfcc", MFCC_COLUMNS, compute, segments=segments, seconds=seconds, sampling_rate=12000, settings={}
    )


def waveform_segments(segments: str, seconds: float, sampling_rate: int) -> SegmentExtractor:
    """Return the extractor of the sound itself: a row a sample, with one column, ``amplitude``.

    A clip of 30 s takes 2.6 MB at 22 050 Hz.
    """
    compute = lambda waveforms: waveforms[..., None]
    return SegmentExtractor(
        "waveform", ["amplitude"], compute, segments=segments, seconds=seconds, sampling_rate=sampling_rate, settings={}
    )


def _extractor(sub_run: SubRun, segments: str, options: Options) -> SegmentExtractor:
    network, seconds = options.network, options.data.seconds
    if sub_run.kind == "baseline":
        return mfcc_statistics(segments, seconds)
    if sub_run.kind == "recurrent":
        if network.recurrent_input == "audio":
            return waveform_segments(segments, N_SECONDS, network.audio_rate)
        return mfcc_sequences(segments, seconds)
    if network.trainable_from.get(sub_run.network) is not None:
        # A wrong layer, wrong weights or short segments are told before any clip is read.
        build_image_network(sub_run, 2, options)
        return melspectrogram_segments(segments, seconds)
    weights = network.backbone_weights[sub_run.network]
    return backbone_vectors(sub_run.network, segments=segments, seconds=seconds, weights=weights, seed=options.run.seed)
