"""One step and one epoch of training, compiled once for as many trainings as a study needs."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.training.examples import Examples


class Stepper:
    """A network, Adam and a loss, and their compiled steps.

    Tracing a stack of recurrent layers takes seconds, a step a fraction of one: a cross-validation therefore takes one
    `Stepper` and sets it back (`restart`) for every fold. Batches of any size share one trace, so a resumed training
    runs the very operations of an uninterrupted one.

    Parameters
    ----------
    model : keras.Model
        (batch, n_frames, n_paths) to sigmoids (tags) or a soft-max (classes).
    learning_rate : float
        Adam's.
    multi_label : bool
        Binary cross-entropy over tags; else categorical cross-entropy over class numbers.
    """

    def __init__(self, model: keras.Model, learning_rate: float, multi_label: bool) -> None:
        self.model, self.n_outputs = model, model.output_shape[-1]
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build(model.trainable_variables)
        self._loss = keras.losses.binary_crossentropy if multi_label else keras.losses.sparse_categorical_crossentropy
        sequences = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        targets = tf.TensorSpec((None, self.n_outputs), tf.float32) if multi_label else tf.TensorSpec((None,), tf.int64)
        self._train = tf.function(self._train_step, input_signature=[sequences, targets])
        self._score = tf.function(self._score_step, input_signature=[sequences])
        self._fresh = [keras.ops.convert_to_numpy(variable) for variable in self.optimizer.variables]

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that a step changes: weights of the network, then the optimizer's state."""
        return [*self.model.weights, *self.optimizer.variables]

    def restart(self, weights: list[np.ndarray]) -> None:
        """Set the network to these weights and the optimizer to its beginning."""
        self.model.set_weights(weights)
        for variable, value in zip(self.optimizer.variables, self._fresh, strict=True):
            variable.assign(value)

    def epoch(
        self, examples: Examples, order: np.ndarray, batch_size: int, seed: tuple[int, ...], after_batch: Callable
    ) -> tuple[float, np.ndarray]:
        """Train on clips in a given order, once each.

        Parameters
        ----------
        examples : Examples
        order : np.ndarray [shape=(n_used,), dtype=int]
            Clips, by position in `examples`.
        batch_size : int
            The last batch may be smaller.
        seed : tuple of int
            Of dropout. It depends on nothing that happened before, so an epoch can be run again.
        after_batch : callable
            Called without arguments after every batch.

        Returns
        -------
        loss : float
            Mean over clips.
        scores : np.ndarray [shape=(n_used, n_outputs)]
            What the network said of each clip, in `order`, when it learnt from it: with dropout at work.

        Raises
        ------
        MgcKerasError
            The loss is no longer a number; the batch is named.
        """
        seed_dropout(self.model, seed)
        losses, scores = [], []
        for number, start in enumerate(range(0, len(order), batch_size)):
            loss, said = self._train(*examples.batch(order[start : start + batch_size]))
            if not np.isfinite(loss):
                raise MgcKerasError(
                    f"the loss is {float(loss)} at batch {number}", field="learning_rate", cure="try a tenth of it"
                )
            losses.append(float(loss) * len(said))
            scores.append(said.numpy())
            after_batch()
        return sum(losses) / len(order), np.concatenate(scores)

    def scores(self, examples: Examples, clips: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Return what the network says of some clips, (n_clips, n_outputs) float32, without dropout."""
        blocks = [
            self._score(examples.batch(clips[start : start + batch_size])[0]).numpy()
            for start in range(0, len(clips), batch_size)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, self.n_outputs), np.float32)

    def _train_step(self, sequences: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            scores = self.model(sequences, training=True)
            loss = tf.reduce_mean(self._loss(targets, scores))
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
        return loss, scores

    def _score_step(self, sequences: tf.Tensor) -> tf.Tensor:
        return self.model(sequences, training=False)


def seed_dropout(model: keras.Model, seed: tuple[int, ...]) -> None:
    """Set the random state of every dropout layer to one that follows from `seed` and the layer's place alone."""
    for place, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            state = layer.seed_generator.state
            words = np.random.SeedSequence((*seed, place)).generate_state(2)
            # The second word counts draws and must have room to.
            state.assign(np.array([words[0] >> 1, words[1] >> 2], dtype=state.dtype))


def check_head(model: keras.Model, examples: Examples) -> None:
    """Raise `OptionError` unless the network takes these sequences and has one output a tag (or for every class)."""
    frames, paths = model.input_shape[1:]
    if paths != examples.values.shape[2] or frames not in (None, examples.values.shape[1]):
        raise OptionError(
            f"the network takes {frames or 'any number of'} frames of {paths} paths, these sequences have "
            f"{examples.values.shape[1]} frames of {examples.values.shape[2]}",
            field="n_paths" if paths != examples.values.shape[2] else "n_frames",
            cure="export them with the scattering options that the network was trained on",
        )
    n_outputs, wanted = model.output_shape[-1], examples.n_outputs
    if n_outputs < wanted or (examples.targets.ndim == 2 and n_outputs != wanted):
        raise OptionError(
            f"the head has {n_outputs} outputs, the task has {wanted}",
            field=model.layers[-1].name,
            cure="give the network a new one with mgc_keras.models.song2017.replace_head",
        )
