"""Pre-training the recurrent network of the Song 2017 study on tags: until validation AUC is stable, resumable.

Song et al. train on MagnaTagATune with Adam at a rate of 1e-5 and stop when the ROC-AUC is stable. Not stated: batch
size, and what stable means; chosen here: no epoch of the last `patience` was better than the best before by more than
`LEAST_GAIN`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.features.melspectrogram_cache import SourceClips
from mgc_keras.files import whole_file
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.studies.song2017.network import STANDARDIZATION
from mgc_keras.studies.song2017.study import TrainingOptions
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT, FitSettings, Trained
from mgc_keras.training.replicas import make_stepper
from mgc_keras.training.stepping import Scorer, check_head
from mgc_keras.training.strategies import Workers
from mgc_keras.training.tagger import AreaUnderCurve, fit_tags, write_tag_scores

LEAST_GAIN = 1e-3
NETWORK, VALIDATION = "source_network.h5", "validation.csv"


def _area(truth: np.ndarray, scores: np.ndarray) -> float:
    return macro_auc(truth, scores).score


def is_pretrained(folder: Path) -> bool:
    """Tell whether the training in a folder is over: its last file is there."""
    return (folder / VALIDATION).exists()


def train_source_tagger(
    build: Callable[[], keras.Model],
    clips: SourceClips,
    clip_ids: Sequence[str],
    *,
    folder: Path,
    training: TrainingOptions,
    seed: int,
    workers: Workers | None = None,
) -> None:
    """Pre-train a network, save it and judge it on the held-out clips; a finished one is left as it is.

    Leaves ``source_network.h5``, the network of the best epoch with its tag head; ``history.csv``, one row an epoch;
    and ``validation.csv``: clip_id, then truth_<tag> and score_<tag> of each tag, of the held-out clips.

    Parameters
    ----------
    build : callable
        Makes the untrained network.
    clips, folder, training, seed, workers
        As in `pretrain`.
    clip_ids : sequence of str
        Of `clips`.

    Raises
    ------
    ManifestError
        None of the clips to learn from, or none of those held out, could be read.
    OptionError, MgcKerasError
        As `pretrain`.
    """
    if is_pretrained(folder):
        return
    for part, mask in (("to learn from", ~clips.validation), ("held out", clips.validation)):
        if not mask.any():
            raise ManifestError(
                f"no clip {part} could be read", field="filepath", cure="see errors.csv; check --source-home"
            )
    model = pretrain(build(), clips, folder=folder, training=training, seed=seed, workers=workers).model
    with whole_file(folder / NETWORK) as temporary:
        model.save(temporary)
    held_out = np.flatnonzero(clips.validation)
    ids, truth = np.asarray(clip_ids, dtype=str)[held_out], clips.examples.targets[held_out]
    write_tag_scores(folder / VALIDATION, ids, clips.tags, truth, Scorer(model).scores(clips.examples, held_out))
    for leftover in (BEST, CHECKPOINT):
        (folder / leftover).unlink(missing_ok=True)


def pretrain(
    model: keras.Model,
    clips: SourceClips,
    *,
    folder: Path,
    training: TrainingOptions,
    seed: int = 0,
    score: AreaUnderCurve = _area,
    workers: Workers | None = None,
) -> Trained:
    """Train a tagger, or go on where an interrupted training in `folder` stopped, as `mgc_keras.training.loop.fit`.

    The network's standardisation is fitted on the training clips first.

    Parameters
    ----------
    model : keras.Model
        A `mgc_keras.studies.song2017.network.gru_network` with sigmoids, untrained. It is trained in place.
    clips : SourceClips
        Sequences (n_clips, n_frames, n_paths), 0 or 1 for every tag, and which clips are held out.
    folder : Path
        For ``checkpoint.npz``, ``best.npz`` and ``history.csv`` (epoch, loss, validation_loss, validation_auc).
    training : TrainingOptions
    seed : int
        Of the order of clips and of dropout.
    score : callable
        (truth, scores) of the validation clips to macro AUC-ROC; NaN if no tag can be scored.
    workers : Workers, optional
        Of `mgc_keras.training.strategies.open_workers`; by default the training has one device.

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
    examples, rate = clips.examples, training.source_learning_rate
    check_sequences(model, examples)
    if workers is None or workers.is_chief:
        # The others are given it with all weights.
        model.get_layer(STANDARDIZATION).set_weights(path_statistics(examples.values, examples.rows[~clips.validation]))
    return fit_tags(
        make_stepper(model, rate, True, training.batch_size, workers),
        examples,
        clips.validation,
        folder=folder,
        score=score,
        settings=FitSettings(
            training.source_epochs,
            training.batch_size,
            (seed,),
            best_by="auc",
            ties="later",
            patience=training.patience,
            patience_for="auc",
            least_gain=LEAST_GAIN,
        ),
        provenance={"learning_rate": rate},
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
