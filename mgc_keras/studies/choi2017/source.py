"""From a multi-label manifest to the source network of a transfer study: train, calibrate, save."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest, check_source_manifest
from mgc_keras.features.melspectrogram_cache import cache_melspectrograms
from mgc_keras.files import whole_file
from mgc_keras.networks.tensors import set_tensors, tensors_of
from mgc_keras.studies.choi2017.calibration import calibrate
from mgc_keras.studies.choi2017.network import N_SAMPLES, convnet, excerpt_tagger, melspectrogram_layer
from mgc_keras.studies.choi2017.variants import with_variant
from mgc_keras.training.tagger import TagBatches, TaggerSettings, train_tagger

# Enough for stable means and variances: 128 clips hold some 20 million values a channel in the first layer.
N_CALIBRATION_CLIPS = 128
# Each clip's own maximum is 0 dB: a reference taken from the batch would change with every shuffle.
_CLIP_TAGGER = {"output": "tags", "decibel_reference": "clip", "input": "melspectrogram"}


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
        ``validation.csv``: clip_id, artist where known, then truth and score of each tag, of the corrected network.
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
    settings: TaggerSettings = TaggerSettings(),
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
    check_source_manifest(manifest)
    cached = cache_melspectrograms(
        manifest, folder / "melspectrograms.npy", melspectrogram_layer(), N_SAMPLES, jobs=jobs
    )
    split = manifest.table["split"].to_numpy(str)
    usable = np.isin(split, ("train", "valid"))
    usable[list(cached.problems)] = False
    rows = np.flatnonzero(usable)
    targets = manifest.table[manifest.label_columns].to_numpy(np.float32)[rows]
    model, _ = train_tagger(
        lambda: _untrained(targets.shape[1], settings),
        _Rows(cached.values, rows),
        targets,
        split[rows] == "valid",
        folder=folder,
        score=score,
        settings=settings,
    )
    training_rows = rows[split[rows] == "train"]
    tagger = calibrate(
        _whole_clip_tagger(model, targets.shape[1]), _calibration(cached.values, training_rows, settings.seed)
    )
    _save(with_variant(tagger, normalization="batch", decibel_reference="batch", input="waveform"), network.published)
    _save(with_variant(tagger, input="waveform"), network.corrected)
    _write_validation(tagger, cached.values, manifest, rows[split[rows] == "valid"], network.validation)
    for leftover in ("melspectrograms.npy", "melspectrograms.npy.journal", "last.keras", "best.keras"):
        (folder / leftover).unlink(missing_ok=True)
    return network


class _Rows:
    """Some rows of a memory-mapped array, read when they are asked for."""

    def __init__(self, values: np.ndarray, rows: np.ndarray) -> None:
        self.values, self.rows, self.shape = values, rows, (len(rows), *values.shape[1:])

    def __getitem__(self, wanted: np.ndarray) -> np.ndarray:
        return self.values[self.rows[wanted]]


def _untrained(n_tags: int, settings: TaggerSettings) -> keras.Model:
    if settings.excerpt_frames:
        return excerpt_tagger(n_tags, seed=settings.seed)
    return convnet(n_tags=n_tags, normalization="population", seed=settings.seed, **_CLIP_TAGGER)


def _whole_clip_tagger(model: keras.Model, n_tags: int) -> keras.Model:
    """Move the weights into the network for whole clips; its statistics are still to be calibrated."""
    tagger = convnet(n_tags=n_tags, normalization="batch", **_CLIP_TAGGER)
    set_tensors(tagger, tensors_of(model))
    return tagger


def _calibration(values: np.ndarray, rows: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:N_CALIBRATION_CLIPS])
    for start in range(0, len(chosen), 4):
        yield values[chosen[start : start + 4]].astype(np.float32)[..., None]


def _save(model: keras.Model, path: Path) -> None:
    with whole_file(path) as temporary:
        model.save(temporary)


def _write_validation(model: keras.Model, values: np.ndarray, manifest: Manifest, rows: np.ndarray, path: Path) -> None:
    truth = manifest.table[manifest.label_columns].to_numpy(np.float32)
    scores = model.predict(TagBatches(values, truth, rows, 16), verbose=0)
    tags = [column.removeprefix(LABEL_PREFIX) for column in manifest.label_columns]
    columns = {"clip_id": np.asarray(manifest.clip_ids)[rows]}
    columns |= {f"truth_{tag}": truth[rows, number].astype(int) for number, tag in enumerate(tags)}
    columns |= {f"score_{tag}": scores[:, number] for number, tag in enumerate(tags)}
    with whole_file(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False, lineterminator="\n")
