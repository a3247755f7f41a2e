"""Pre-training the recurrent network of the Song 2017 study on tags: until validation AUC is stable, resumable.

Song et al. train on MagnaTagATune with Adam at a rate of 1e-5 and stop when the ROC-AUC is stable. Not stated: batch
size, and what stable means; chosen here: no epoch of the last `patience` was better than the best before by more than
`least_gain`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mgc_keras.checks import check_positive
from mgc_keras.datasets.manifest import LABEL_PREFIX
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.files import whole_file
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.studies.song2017.network import STANDARDIZATION
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT, FitSettings, Trained
from mgc_keras.training.stepping import Scorer, Stepper, check_head
from mgc_keras.training.tagger import HISTORY, AreaUnderCurve, fit_tags, write_tag_scores


@dataclass(frozen=True)
class PretrainingSettings:
    """How to pre-train.

    Parameters
    ----------
    epochs : int
        At most this many passes over the training clips.
    batch_size : int
        Clips a step.
    learning_rate : float
        Adam's. The paper: 1e-5, far too slow for the few steps that the built-in corpus' few hundred clips give.
    patience : int
        Epochs without gain after which the AUC counts as stable.
    least_gain : float
        What an epoch must add to the best AUC so far to count as gain.
    seed : int
        Of the order of clips and of dropout.

    Raises
    ------
    OptionError
        Epochs, batch size, rate or patience are not positive.
    """

    epochs: int = 60
    batch_size: int = 16
    learning_rate: float = 1e-3
    patience: int = 8
    least_gain: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive(self, "epochs", "batch_size", "learning_rate", "patience")


@dataclass(frozen=True)
class SourceTagger:
    """What `train_source_tagger` leaves in its folder.

    Parameters
    ----------
    network : Path
        ``source_network.h5``: the network of the best epoch, with its tag head.
    history : Path
        ``history.csv``, one row an epoch.
    validation : Path
        ``validation.csv``: clip_id, then truth_<tag> and score_<tag> of each tag, of the held-out clips.
    """

    network: Path
    history: Path
    validation: Path

    @classmethod
    def of(cls, folder: str | Path) -> "SourceTagger":
        """Name the files of a folder."""
        return cls(*(Path(folder) / name for name in ("source_network.h5", HISTORY, "validation.csv")))

    def is_finished(self) -> bool:
        """Tell whether the training is over: the last file is there."""
        return self.validation.exists()


def train_source_tagger(
    build: Callable[[], keras.Model],
    examples: Examples,
    validation: np.ndarray,
    *,
    folder: str | Path,
    clip_ids: Sequence[str],
    tags: Sequence[str],
    score: AreaUnderCurve,
    settings: PretrainingSettings = PretrainingSettings(),
) -> SourceTagger:
    """Pre-train a network, save it and judge it on the held-out clips; a finished one is left as it is.

    Parameters
    ----------
    build : callable
        Makes the untrained network.
    examples, validation, score, settings
        As in `pretrain`.
    folder : str or Path
        For the files of `SourceTagger` and, while the training lasts, those of `pretrain`.
    clip_ids : sequence of str
        Of the clips in `examples`.
    tags : sequence of str
        Columns of the manifest, with or without their prefix.

    Returns
    -------
    SourceTagger

    Raises
    ------
    ManifestError
        None of the clips to learn from, or none of those held out, could be read.
    OptionError, MgcKerasError
        As `pretrain`.
    """
    tagger = SourceTagger.of(folder)
    if tagger.is_finished():
        return tagger
    for part, mask in (("to learn from", ~validation), ("held out", validation)):
        if not mask.any():
            raise ManifestError(
                f"no clip {part} could be read", field="filepath", cure="see errors.csv; check --source-home"
            )
    model = pretrain(build(), examples, validation, folder=folder, score=score, settings=settings).model
    with whole_file(tagger.network) as temporary:
        model.save(temporary)
    held_out = np.flatnonzero(validation)
    write_tag_scores(
        tagger.validation,
        np.asarray(clip_ids, dtype=str)[held_out],
        [tag.removeprefix(LABEL_PREFIX) for tag in tags],
        examples.targets[held_out],
        Scorer(model).scores(examples, held_out),
    )
    for leftover in (BEST, CHECKPOINT):
        (Path(folder) / leftover).unlink(missing_ok=True)
    return tagger


def pretrain(
    model: keras.Model,
    examples: Examples,
    validation: np.ndarray,
    *,
    folder: str | Path,
    score: AreaUnderCurve,
    settings: PretrainingSettings = PretrainingSettings(),
) -> Trained:
    """Train a tagger, or go on where an interrupted training in `folder` stopped.

    The network's standardisation is fitted on the training clips first. After a kill the training goes on as
    `mgc_keras.training.loop.fit` does.

    Parameters
    ----------
    model : keras.Model
        A `mgc_keras.studies.song2017.network.gru_network` with sigmoids, untrained. It is trained in place.
    examples : Examples
        With 0 or 1 for every tag.
    validation : np.ndarray [shape=(n_clips,), dtype=bool]
        Which clips are held out.
    folder : str or Path
        For ``checkpoint.npz``, ``best.npz`` and ``history.csv`` (epoch, loss, validation_loss, validation_auc).
    score : callable
        (truth, scores) of the validation clips to macro AUC-ROC; NaN if no tag can be scored.
    settings : PretrainingSettings

    Returns
    -------
    Trained
        With the weights of the epoch with the best validation AUC, of equals the later.

    Raises
    ------
    OptionError
        No clip for training or validation, a head of another size, or `folder` holds another training.
    MgcKerasError
        The loss is no longer a number (the last good epoch stays in ``checkpoint.npz``), or no tag can be scored.
    """
    check_sequences(model, examples)
    model.get_layer(STANDARDIZATION).set_weights(path_statistics(examples.values, examples.rows[~validation]))
    return fit_tags(
        Stepper(model, settings.learning_rate, multi_label=True, compiled_for=settings.batch_size),
        examples,
        validation,
        folder=folder,
        score=score,
        settings=FitSettings(
            settings.epochs,
            settings.batch_size,
            (settings.seed,),
            best_by="auc",
            ties="later",
            patience=settings.patience,
            patience_for="auc",
            least_gain=settings.least_gain,
        ),
        provenance={"learning_rate": settings.learning_rate},
    )


def check_sequences(model: keras.Model, examples: Examples) -> None:
    """Raise `OptionError` unless the network takes these sequences and has one output a tag (or for every class)."""
    (n_frames, n_paths), given = model.input_shape[1:], examples.shape
    if n_frames not in (None, given[0]) or n_paths != given[1]:
        raise OptionError(
            f"the network takes {n_frames or 'any number of'} frames of {n_paths} paths, these sequences have "
            f"{given[0]} frames of {given[1]}",
            field="n_paths" if n_paths != given[1] else "n_frames",
            cure="export them with the scattering options that the network was trained on",
        )
    check_head(model, examples)
