"""From a multi-label manifest to the source network of a transfer study: train, calibrate, save."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.features.melspectrogram_cache import source_clips
from mgc_keras.files import whole_file
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.choi2017.calibration import calibrate
from mgc_keras.studies.choi2017.network import N_SAMPLES, convnet, excerpt_tagger, melspectrogram_layer
from mgc_keras.studies.choi2017.variants import with_variant
from mgc_keras.training.stepping import Scorer
from mgc_keras.training.tagger import TaggerSettings, train_tagger, write_tag_scores

# Enough for stable means and variances: 128 clips hold some 20 million values a channel in the first layer.
N_CALIBRATION_CLIPS = 128
# Each clip's own maximum is 0 dB: a reference taken from the batch would change with every shuffle.
_clip_tagger = partial(convnet, output="tags", decibel_reference="clip", input="melspectrogram")


@dataclass(frozen=True)
class SourceNetwork:
    """What `train_source` leaves in its folder.

    Parameters
    ----------
    published : Path
        ``source_tagger_batch_statistics.h5``: normalises by the batch at hand, as the original.
    corrected : Path
        ``source_tagger.h5``: population statistics; a clip's features do not depend on others.
    history : Path
        ``history.csv``, one row an epoch.
    validation : Path
        ``validation.csv``: clip_id, then truth_<tag> and score_<tag> of each tag, of the corrected network.
    """

    published: Path
    corrected: Path
    history: Path
    validation: Path


def train_source(
    manifest: Manifest,
    folder: str | Path,
    *,
    score: Callable[[np.ndarray, np.ndarray], float],
    settings: TaggerSettings,
    jobs: int = 2,
) -> SourceNetwork:
    """Train the tagger on a manifest with columns `label_<tag>` and `split`; a finished training is not repeated.

    Parameters
    ----------
    manifest : Manifest
        Clips marked "valid" choose the epoch, those marked "train" are learnt from; others are left out.
    folder : str or Path
        For the models, the history and, while it lasts, the mel-spectrograms (0.26 MB a clip).
    score : callable
        (truth, scores) to macro AUC-ROC.
    settings : TaggerSettings
    jobs : int
        Threads that decode.

    Returns
    -------
    SourceNetwork

    Raises
    ------
    ManifestError
        There are no tags, or no split into "train" and "valid".
    """
    folder = Path(folder)
    names = ("source_tagger_batch_statistics.h5", "source_tagger.h5", "history.csv", "validation.csv")
    network = SourceNetwork(*(folder / name for name in names))
    if network.validation.exists():
        return network
    with source_clips(manifest, folder, melspectrogram_layer(), N_SAMPLES, jobs=jobs) as clips:
        examples, validation = clips.examples, clips.validation
        build = partial(_untrained, len(clips.tags), settings)
        model = train_tagger(build, examples, validation, folder=folder, score=score, settings=settings).model
        calibration = _calibration(examples.values, examples.rows[~validation], settings.seed)
        tagger = calibrate(_whole_clip_tagger(model, len(clips.tags)), calibration)
        published = with_variant(tagger, normalization="batch", decibel_reference="batch", input="waveform")
        _save(published, network.published)
        _save(with_variant(tagger, input="waveform"), network.corrected)
        held_out = np.flatnonzero(validation)
        write_tag_scores(
            network.validation,
            np.asarray(manifest.clip_ids)[examples.rows[held_out]],
            clips.tags,
            examples.targets[held_out],
            Scorer(tagger).scores(examples, held_out, batch_size=16),
        )
    return network


def _untrained(n_tags: int, settings: TaggerSettings) -> keras.Model:
    if settings.excerpt_frames:
        return excerpt_tagger(n_tags, seed=settings.seed)
    return _clip_tagger(n_tags=n_tags, normalization="population", seed=settings.seed)


def _whole_clip_tagger(model: keras.Model, n_tags: int) -> keras.Model:
    """Move the weights into the network for whole clips; its statistics are still to be calibrated."""
    tagger = _clip_tagger(n_tags=n_tags, normalization="batch")
    set_tensors(tagger, tensors_of(model))
    return tagger


def _calibration(values: np.ndarray, rows: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:N_CALIBRATION_CLIPS])
    for start in range(0, len(chosen), 4):
        yield values[chosen[start : start + 4]].astype(np.float32)


def _save(model: keras.Model, path: Path) -> None:
    with whole_file(path) as temporary:
        model.save(temporary)
