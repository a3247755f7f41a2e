"""From a multi-label manifest to a MusicTaggerCRNN, where no published weights are given."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.features.melspectrogram_cache import source_clips
from mgc_keras.files import whole_file
from mgc_keras.studies.jimenez2017.network import SAMPLING_RATE, melspectrogram_layer
from mgc_keras.studies.jimenez2017.variants import from_short, short_crnn
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
    with source_clips(manifest, folder, melspectrogram_layer(), 29 * SAMPLING_RATE, jobs=jobs) as clips:
        model = train_tagger(
            lambda: short_crnn(len(clips.tags), n_frames=settings.excerpt_frames, seed=settings.seed),
            clips.examples,
            clips.validation,
            folder=folder,
            score=score,
            settings=settings,
        ).model
        with whole_file(folder / MODEL) as temporary:
            from_short(model, clips.tags).save(temporary)
    return folder / MODEL
