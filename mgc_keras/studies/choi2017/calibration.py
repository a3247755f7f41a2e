"""What "corrected" means for features: they depend on the weights and on that clip, and on no other clip of a task.

A network that holds statistics normalises by them. One that holds none, as the authors' of 2017, takes each clip as a
batch of its own, or is given the statistics of other clips first (`calibrate`) and is then a network that holds them.
Statistics of the clips that are measured are no third way, although they need no labels: clips that test would shape
the features of clips that train, a table would change whenever a clip joins it, and what was learnt from it would not
hold for the next clip.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import keras
import numpy as np

from mgc_keras.errors import OptionError
from mgc_keras.features.clips import list_clips
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.pipeline import checked_jobs, read_ahead, reader
from mgc_keras.features.plan import Source
from mgc_keras.layers.normalization import BatchStatisticsNormalization
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.progress import progress_bar
from mgc_keras.studies.choi2017.layerwise import run_layerwise
from mgc_keras.studies.choi2017.network import LAYERS, SAMPLING_RATE, convnet, is_convnet, options_of, with_variant
from mgc_keras.work import FailedClip

# Enough for stable means and variances: 128 clips hold some 20 million values a channel in the first layer.
N_CALIBRATION_CLIPS = 128
_CHUNK_SIZE = 4


def calibrate(model: keras.Model, waveforms: np.ndarray | Iterable[np.ndarray], *, chunk_size: int = 4) -> keras.Model:
    """Give a batch-statistics convnet the statistics of a calibration set for good.

    The statistics of a layer are taken behind the calibrated layers before it, over all clips at once, with the decibel
    reference of the result: each clip's own maximum. On the calibration set as one batch, both models agree.

    Parameters
    ----------
    model : keras.Model
        A `convnet` with ``normalization="batch"``, trained, loaded or random.
    waveforms : np.ndarray or iterable of np.ndarray
        The calibration clips, as the model takes them: whole, or as chunks that are read once. For a model that takes
        mel-spectrograms, these must be referred to each clip's own maximum. Some 100 clips of the intended kind do.
    chunk_size : int
        Clips run together.

    Returns
    -------
    keras.Model
        The same network with ``normalization="population"`` and ``decibel_reference="clip"``.

    Raises
    ------
    OptionError
        `model` is another network or has population statistics already; there is no clip, or one of
        samples that are no sound; a model for mel-spectrograms was built for the batch's decibel reference.
    """
    options = options_of(model)
    if options.normalization != "batch":
        raise OptionError("the model has population statistics already", field="model", cure="use it as it is")
    if (options.input, options.decibel_reference) == ("melspectrogram", "batch"):
        raise OptionError(
            "mel-spectrograms referred to their batch cannot be referred to each clip",
            field="decibel_reference",
            cure="calibrate with_variant(model, input='waveform') from waveforms",
        )
    _, moments = run_layerwise(model, waveforms, chunk_size, "clip")
    tensors = tensors_of(model)
    for layer in LAYERS:
        if not (np.isfinite(moments[layer].mean).all() and np.isfinite(moments[layer].variance).all()):
            cure = "find the clip whose samples are no sound: mgc-keras check DIR"
            raise OptionError("the statistics of the clips are not finite", field=f"layer {layer}", cure=cure)
        tensors[f"bn{layer}/moving_mean"] = moments[layer].mean
        tensors[f"bn{layer}/moving_variance"] = moments[layer].variance
    changed = {"normalization": "population", "decibel_reference": "clip"}
    return set_tensors(convnet(**asdict(options) | changed), tensors)


def independent_extractor(
    model: keras.Model, calibration: Source | None = None, *, jobs: int | None = None, **options: Any
) -> NetworkExtractor:
    """Return the extractor of a network's corrected features: a clip's depend on the weights and on that clip alone.

    A network with batch statistics takes each clip as a batch of its own, unless there are clips to calibrate it on;
    any other is taken as it is, but that decibels refer to each clip's own maximum.

    Parameters
    ----------
    model : keras.Model
        (batch, n_samples) waveforms to (batch, n_features).
    calibration : optional
        Other clips than those whose features are wanted, for `batch_independent`.
    jobs : int, optional
        Threads that decode these; by default one a core.
    **options
        Of `NetworkExtractor`: all but the order of batches.
    """
    if calibration is not None:
        model, about = batch_independent(model, calibration, fit=options.get("fit", "repeat"), jobs=jobs)
        options["calibration"] = about
    elif is_convnet(model) and options_of(model).decibel_reference != "clip":
        model = with_variant(model, decibel_reference="clip")
    alone = has_batch_statistics(model)
    return NetworkExtractor(model, batch_order="single" if alone else "file", **options)


def has_batch_statistics(model: keras.Model) -> bool:
    """Tell whether a network normalises by the batch at hand."""
    return any(isinstance(layer, BatchStatisticsNormalization) for layer in model.layers)


def batch_independent(
    model: keras.Model, source: Source, *, fit: str = "repeat", jobs: int | None = None
) -> tuple[keras.Model, dict[str, Any] | None]:
    """Return a convnet that gives each clip the same features whatever shares its batch, and what it is calibrated on.

    Its weights are the same. Batch statistics are replaced by the statistics of some clips of `source`, spread evenly
    over it (`mgc_keras.calibrate`), and decibels refer to each clip's own maximum. A model that has stored statistics
    keeps them.

    Parameters
    ----------
    model : keras.Model
        A `convnet` that takes waveforms. Any other network without batch statistics is returned as it is.
    source
        Clips of the intended kind: see `mgc_keras.features.export.export_features`. Labels are not looked at.
    fit : str
        How clips of another length are brought to the network's.
    jobs : int, optional
        Threads that decode; by default one a core.

    Returns
    -------
    model : keras.Model
    calibration : dict or None
        Name, number of clips and hash of `source`, how many of them were used (``n_used``), and those that could not be
        read: ``failed``, a list of clip_id, filepath, cause and cure. None where nothing was calibrated.

    Raises
    ------
    OptionError
        `model` is another network with batch statistics, or no clip can be read.
    """
    if not is_convnet(model) and not has_batch_statistics(model):
        return model, None
    options = options_of(model)
    if options.normalization == "population":
        return model if options.decibel_reference == "clip" else with_variant(model, decibel_reference="clip"), None
    clips = list_clips(source)
    n_clips = min(N_CALIBRATION_CLIPS, len(clips))
    positions = np.unique(np.linspace(0, len(clips) - 1, n_clips).round().astype(int)).tolist()
    duration = None if fit == "crop" else options.n_samples / SAMPLING_RATE
    read = reader(clips, SAMPLING_RATE, duration, options.n_samples, fit)
    with read_ahead(read, positions, checked_jobs(jobs), 4 * _CHUNK_SIZE) as readings:
        bar = progress_bar(readings, description="calibrating", total=len(positions))
        failed: list[FailedClip] = []

        def good() -> Iterator[np.ndarray]:
            for position, reading in zip(positions, bar, strict=True):
                if isinstance(reading, np.ndarray):
                    yield reading
                else:
                    failed.append(FailedClip.of(clips.clip_ids[position], clips.filepaths[position], reading))

        model = calibrate(model, _chunks(good()), chunk_size=_CHUNK_SIZE)
    about = {"name": clips.name, "n_clips": len(clips), "sha256": clips.sha256()}
    return model, {**about, "n_used": n_clips - len(failed), "failed": [asdict(clip) for clip in failed]}


def _chunks(clips: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    n_read = 0
    while chunk := list(islice(clips, _CHUNK_SIZE)):
        n_read += len(chunk)
        yield np.stack(chunk)
    if not n_read:
        raise OptionError("no clip can be read to calibrate on", field="source", cure="run: mgc-keras check DIR")
