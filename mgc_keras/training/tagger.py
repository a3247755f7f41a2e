"""Training the source tagger of the Choi 2017 study: the convnet learns tags, its features are what is kept.

Choi et al. (ISMIR 2017, Section 3.1) train on last.fm tags of the Million Song Dataset with Adam and binary
cross-entropy and report AUC-ROC. Not stated in the paper: batch size, epochs and stopping; chosen here as options with
defaults that fit the built-in corpus, the best epoch by validation AUC kept. Not in the paper: excerpts; see
`excerpt_tagger`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import whole_file, write_text
from mgc_keras.progress import progress_bar

HISTORY_COLUMNS = ("epoch", "loss", "validation_loss", "validation_auc")


@dataclass(frozen=True)
class TaggerSettings:
    """How to train the tagger.

    Parameters
    ----------
    epochs, batch_size : int
        Passes over the training clips; clips (or excerpts) a step.
    learning_rate : float
        Adam's.
    momentum : float
        Of the moving statistics of batch normalisation.
    excerpt_frames : int
        Length in frames of the random excerpt that stands for a clip in each epoch; 0 takes whole clips, as the paper.
    seed : int
        Of the weights, the order and the excerpts.
    """

    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 3e-3
    momentum: float = 0.9
    excerpt_frames: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for field in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, field) <= 0:
                raise OptionError(f"must be above 0, not {getattr(self, field)}", field=field)


class TagBatches(keras.utils.PyDataset):
    """Batches of (mel-spectrogram, tags) in a given order, cast to float32 only when asked for.

    Parameters
    ----------
    melspectrograms : np.ndarray [shape=(n_clips, n_mels, n_frames)]
        In decibels; may be a memory-mapped float16 array larger than memory.
    targets : np.ndarray [shape=(n_clips, n_tags)]
        0 or 1.
    order : np.ndarray [shape=(n_used,), dtype=int]
        The clips to use, in this order.
    batch_size : int
        Clips a batch; the last batch may be smaller.
    excerpt_frames : int
        Give an excerpt of this many frames of each clip; 0: all of it.
    random : np.random.Generator, optional
        Where the excerpts lie; by default in the middle.
    """

    def __init__(
        self,
        melspectrograms: np.ndarray,
        targets: np.ndarray,
        order: np.ndarray,
        batch_size: int,
        excerpt_frames: int = 0,
        random: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.melspectrograms, self.targets, self.order, self.batch_size = melspectrograms, targets, order, batch_size
        room = melspectrograms.shape[2] - excerpt_frames
        middle = np.full(len(order), room // 2)
        self.starts = middle if random is None else random.integers(room + 1, size=len(order))
        self.excerpt_frames = excerpt_frames

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        here = slice(index * self.batch_size, (index + 1) * self.batch_size)
        rows = self.order[here]
        values = self.melspectrograms[rows]
        if self.excerpt_frames:
            pairs = zip(values, self.starts[here], strict=True)
            values = np.stack([clip[:, start : start + self.excerpt_frames] for clip, start in pairs])
        return values.astype(np.float32)[..., None], self.targets[rows].astype(np.float32)


class _Progress(keras.callbacks.Callback):
    def __init__(self, bar: object) -> None:
        super().__init__()
        self.bar = bar

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update()
        if not np.isfinite(logs["loss"]):
            raise MgcKerasError(
                f"the loss is {logs['loss']} at batch {batch}", field="learning_rate", cure="try a tenth of it"
            )


def train_tagger(
    build: Callable[[], keras.Model],
    melspectrograms: np.ndarray,
    targets: np.ndarray,
    validation: np.ndarray,
    *,
    folder: str | Path,
    score: Callable[[np.ndarray, np.ndarray], float],
    settings: TaggerSettings = TaggerSettings(),
) -> tuple[keras.Model, pd.DataFrame]:
    """Train a tagger, or go on where an interrupted training in `folder` stopped.

    Every epoch ends with `last.keras` (optimizer included) and `history.csv` written whole, so that a killed training
    loses at most one epoch and then ends as an uninterrupted one would: each epoch's order depends on seed and epoch alone.

    Parameters
    ----------
    build : callable
        Makes the untrained network: mel-spectrograms (batch, n_mels, n_frames, 1) in dB to (batch, n_tags) sigmoids.
    melspectrograms : np.ndarray [shape=(n_clips, n_mels, n_frames)]
        Training and validation clips, in dB.
    targets : np.ndarray [shape=(n_clips, n_tags)]
        0 or 1.
    validation : np.ndarray [shape=(n_clips,), dtype=bool]
        Which clips are held out.
    folder : str or Path
        For `last.keras`, `best.keras`, `history.csv` and `settings.json`.
    score : callable
        (truth, prediction) to macro AUC-ROC; the best epoch by it is kept.
    settings : TaggerSettings
        See there.

    Returns
    -------
    model : keras.Model
        The network of the epoch with the best validation AUC.
    history : pd.DataFrame
        One row an epoch: epoch, loss, validation_loss, validation_auc.

    Raises
    ------
    OptionError
        No clip is left for training or validation, or `folder` holds a training with other settings.
    MgcKerasError
        The loss is no longer a number.
    """
    folder = Path(folder)
    training_clips, validation_clips = np.flatnonzero(~validation), np.flatnonzero(validation)
    if not len(training_clips) or not len(validation_clips):
        raise OptionError("the source task needs clips for training and for validation", field="split")
    length = settings.excerpt_frames
    held_out = TagBatches(melspectrograms, targets, validation_clips, settings.batch_size, length)
    model, rows = _start(build, folder, settings)
    n_batches = -(-len(training_clips) // settings.batch_size)
    with progress_bar(
        description="training", unit="batch", total=settings.epochs * n_batches, initial=len(rows) * n_batches
    ) as bar:
        for epoch in range(len(rows), settings.epochs):
            random = np.random.default_rng((settings.seed, epoch))
            order = random.permutation(training_clips)
            batches = TagBatches(melspectrograms, targets, order, settings.batch_size, length, random)
            loss = model.fit(batches, shuffle=False, verbose=0, callbacks=[_Progress(bar)]).history["loss"][0]
            prediction = model.predict(held_out, verbose=0)
            validation_loss = float(np.mean(keras.losses.binary_crossentropy(targets[validation_clips], prediction)))
            auc = float(score(targets[validation_clips], prediction))
            rows.append(dict(zip(HISTORY_COLUMNS, (epoch + 1, float(loss), validation_loss, auc))))
            bar.set_postfix(validation_auc=f"{auc:.3f}")
            _save_epoch(model, rows, folder)
    return keras.models.load_model(folder / "best.keras", compile=False), pd.DataFrame(rows)


def _start(build: Callable[[], keras.Model], folder: Path, settings: TaggerSettings) -> tuple[keras.Model, list[dict]]:
    """Give the network and the finished epochs: of the interrupted training in `folder`, or new ones."""
    keras.utils.set_random_seed(settings.seed)
    record = json.dumps(asdict(settings), indent=2)
    if (folder / "history.csv").exists():
        if (folder / "settings.json").read_text(encoding="utf-8") != record:
            raise OptionError(
                "holds a training with other settings", path=folder, cure="choose another --out or remove that folder"
            )
        return keras.models.load_model(folder / "last.keras"), pd.read_csv(folder / "history.csv").to_dict("records")
    write_text(folder / "settings.json", record)
    model = build()
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # Keras' 0.99 needs thousands of steps before the moving statistics follow the weights.
            layer.momentum = settings.momentum
    model.compile(keras.optimizers.Adam(settings.learning_rate), "binary_crossentropy")
    return model, []


def _save_epoch(model: keras.Model, rows: list[dict], folder: Path) -> None:
    history = pd.DataFrame(rows)
    if history["validation_auc"].idxmax() == len(rows) - 1:
        with whole_file(folder / "best.keras") as temporary:
            model.save(temporary)
    with whole_file(folder / "last.keras") as temporary:
        model.save(temporary)
    # The history is written last: a row in it says that the models of that epoch are on disk.
    write_text(folder / "history.csv", history.to_csv(index=False, lineterminator="\n"))
