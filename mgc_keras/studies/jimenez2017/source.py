"""From a multi-label manifest to a MusicTaggerCRNN, where no published weights are given."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest, check_source_manifest
from mgc_keras.features.melspectrogram_cache import cache_melspectrograms
from mgc_keras.files import whole_file
from mgc_keras.studies.jimenez2017.network import SAMPLING_RATE, melspectrogram_layer
from mgc_keras.studies.jimenez2017.variants import from_short, short_crnn
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT
from mgc_keras.training.tagger import TaggerSettings, train_tagger

MODEL = "source_tagger.h5"


def train_source_crnn(
    manifest: Manifest,
    folder: str | Path,
    *,
    score: Callable[[np.ndarray, np.ndarray], float],
    settings: TaggerSettings,
    jobs: int = 2,
) -> Path:
    """Train the tagger on random excerpts of clips with columns `label_<tag>` and `split`; a finished one is kept.

    Parameters
    ----------
    manifest : Manifest
        Clips marked "valid" choose the epoch, those marked "train" are learnt from; others are left out.
    folder : str or Path
        For the model, ``history.csv`` and, while it lasts, the mel-spectrograms (0.26 MB a clip).
    score : callable
        (truth, scores) to macro AUC-ROC.
    settings : TaggerSettings
        Its `excerpt_frames` is the length of the excerpts.
    jobs : int
        Threads that decode.

    Returns
    -------
    Path
        ``source_tagger.h5``: waveforms of 29.12 s in, tags out.

    Raises
    ------
    ManifestError
        There are no tags, or no split into "train" and "valid".
    """
    folder = Path(folder)
    if (folder / MODEL).exists():
        return folder / MODEL
    check_source_manifest(manifest)
    cached = cache_melspectrograms(
        manifest, folder / "melspectrograms.npy", melspectrogram_layer(), 29 * SAMPLING_RATE, jobs=jobs
    )
    split = manifest.table["split"].to_numpy(str)
    usable = np.isin(split, ("train", "valid"))
    usable[list(cached.problems)] = False
    rows = np.flatnonzero(usable)
    columns = manifest.label_columns
    examples = Examples(cached.values[..., None], rows, manifest.table[columns].to_numpy(np.float32)[rows])
    model = train_tagger(
        lambda: short_crnn(len(columns), n_frames=settings.excerpt_frames, seed=settings.seed),
        examples,
        split[rows] == "valid",
        folder=folder,
        score=score,
        settings=settings,
    ).model
    tags = tuple(column.removeprefix(LABEL_PREFIX) for column in columns)
    with whole_file(folder / MODEL) as temporary:
        from_short(model, tags).save(temporary)
    for leftover in ("melspectrograms.npy", "melspectrograms.npy.journal", CHECKPOINT, BEST):
        (folder / leftover).unlink(missing_ok=True)
    return folder / MODEL
