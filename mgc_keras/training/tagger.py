"""Training a tagger: any number of tags a clip, whole clips or random excerpts, the epoch of the best AUC-ROC kept.

Choi et al. (ISMIR 2017, Section 3.1) train on last.fm tags of the Million Song Dataset with Adam and binary
cross-entropy and report AUC-ROC. Not stated in the paper: batch size, epochs and stopping; chosen here as options with
defaults that fit the built-in corpus, the best epoch by validation AUC kept. Not in the paper: excerpts; see
`mgc_keras.training.examples.Excerpts`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.checks import check_positive
from mgc_keras.errors import OptionError
from mgc_keras.files import write_text
from mgc_keras.training.examples import Examples, Excerpts, judge_tags
from mgc_keras.training.loop import CHECKPOINT, FitSettings, Trained, fit
from mgc_keras.training.replicas import make_stepper
from mgc_keras.training.stepping import Stepper
from mgc_keras.training.strategies import Workers

HISTORY = "history.csv"
# (truth, scores), both (n_clips, n_tags), to macro AUC-ROC.
AreaUnderCurve = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class TaggerSettings:
    """How to train a convolutional tagger.

    Parameters
    ----------
    epochs, batch_size : int
        Passes over the training clips; clips (or excerpts) a step.
    learning_rate, momentum : float
        Adam's; that of the moving statistics of batch normalisation.
    excerpt_frames : int
        Length in frames of the random excerpt that stands for a clip in each epoch; 0 takes whole clips, as the paper.
    seed : int
        Of the weights, the order and the excerpts.

    Raises
    ------
    OptionError
        Epochs, batch size or rate are not positive.
    """

    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 3e-3
    momentum: float = 0.9
    excerpt_frames: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive(self, "epochs", "batch_size", "learning_rate")


def train_tagger(
    build: Callable[[], keras.Model],
    examples: Examples,
    validation: np.ndarray,
    *,
    folder: str | Path,
    score: AreaUnderCurve,
    settings: TaggerSettings = TaggerSettings(),
    workers: Workers | None = None,
) -> Trained:
    """Train a convolutional tagger, or go on where an interrupted training in `folder` stopped.

    The numbers are those of ``keras.Model.fit``: dropout runs on from epoch to epoch, and the mean loss is computed in
    float32.

    Parameters
    ----------
    build : callable
        Makes the untrained network: mel-spectrograms (batch, n_mels, n_frames, 1) in dB to (batch, n_tags) sigmoids.
    examples : Examples
        Mel-spectrograms (n_clips, n_mels, n_frames, 1) in dB, and 0 or 1 for every tag.
    validation : np.ndarray [shape=(n_clips,), dtype=bool]
        Which clips are held out.
    folder : str or Path
        For ``checkpoint.npz``, ``best.npz`` and ``history.csv``.
    score : callable
        (truth, scores) of the validation clips to macro AUC-ROC; the best epoch by it is kept, of equals the earlier.
    workers : Workers, optional
        Of `mgc_keras.training.strategies.open_workers`; by default the training has one device.

    Returns
    -------
    Trained
        With the weights of the epoch with the best validation AUC. Its curve has the columns epoch, loss,
        validation_loss and validation_auc.

    Raises
    ------
    OptionError
        No clip is left for training or validation, or `folder` holds a training with other settings.
    MgcKerasError
        The loss is no longer a number, or no tag can be scored.
    """
    keras.utils.set_random_seed(settings.seed)
    if settings.excerpt_frames:
        examples = Excerpts(examples.values, examples.rows, examples.targets, settings.excerpt_frames)
    model = build()
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # Keras' 0.99 needs thousands of steps before the moving statistics follow the weights.
            layer.momentum = settings.momentum
    return fit_tags(
        make_stepper(model, settings.learning_rate, True, settings.batch_size, workers),
        examples,
        validation,
        folder=folder,
        score=score,
        settings=FitSettings(
            settings.epochs,
            settings.batch_size,
            (settings.seed,),
            best_by="auc",
            scored_at_once=settings.batch_size,
            dropout_seed="running",
            loss_dtype="float32",
        ),
        provenance={"learning_rate": settings.learning_rate, "momentum": settings.momentum},
    )


def fit_tags(
    stepper: Stepper,
    examples: Examples,
    validation: np.ndarray,
    *,
    folder: str | Path,
    score: AreaUnderCurve,
    settings: FitSettings,
    provenance: dict[str, float] | None = None,
) -> Trained:
    """Train on some clips' tags and judge on the others', with `mgc_keras.training.loop.fit`; else as `train_tagger`.

    The `stepper` is of a network with sigmoids, with binary cross-entropy; `provenance` is what else fixes the numbers.
    """
    if validation.all() or not validation.any():
        raise OptionError("the source task needs clips for training and for validation", field="split")
    return fit(
        stepper,
        examples.select(np.flatnonzero(~validation)),
        {"validation": examples.select(np.flatnonzero(validation))},
        judge=judge_tags(score),
        checkpoint_file=Path(folder) / CHECKPOINT,
        curve_file=Path(folder) / HISTORY,
        settings=settings,
        provenance=provenance,
    )


def write_tag_scores(
    path: Path, clip_ids: Sequence[str] | np.ndarray, tags: Sequence[str], truth: np.ndarray, scores: np.ndarray
) -> None:
    """Write a CSV table of clips: clip_id, then ``truth_<tag>``, 0 or 1, and ``score_<tag>``, float32, of each tag.

    `truth` and `scores` are (n_clips, n_tags).
    """
    columns = {"clip_id": np.asarray(clip_ids, dtype=str)}
    columns |= {f"truth_{tag}": truth[:, number].astype(int) for number, tag in enumerate(tags)}
    columns |= {f"score_{tag}": scores[:, number] for number, tag in enumerate(tags)}
    write_text(path, pd.DataFrame(columns).to_csv(index=False, lineterminator="\n"))
