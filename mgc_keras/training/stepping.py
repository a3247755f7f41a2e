"""One step and one epoch of training, compiled once for as many trainings as a study needs."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import Policy
from mgc_keras.training.optimizers import follow


class Stepper:
    """A network, an optimizer and a loss, and their compiled steps.

    Tracing a stack of recurrent layers takes seconds, a step a fraction of one: a cross-validation therefore takes one
    `Stepper` and sets it back (`restart`) for every fold. What runs depends on a batch's size alone, so a resumed training
    runs the very operations of an uninterrupted one.

    Parameters
    ----------
    model : keras.Model
        One array of any rank, (batch, …), to sigmoids (tags) or a soft-max (classes). What its layers add to the loss
        (weight decay) is minimised with it, but is no part of the losses that are reported.
    optimizer : float or keras.optimizers.Optimizer
        A number stands for Adam at that rate.
    multi_label : bool
        Binary cross-entropy over tags; else categorical cross-entropy over class numbers.
    policy : Policy, optional
        What the optimizer's rate and momentum follow, step by step.
    compiled_for : int, optional
        Steps on batches of so many clips go through XLA, which takes some seconds once and then half the time, or less,
        of a recurrent network's. On a GPU this has no effect: recurrent layers have kernels of their own there.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: float | keras.optimizers.Optimizer,
        multi_label: bool,
        policy: Policy | None = None,
        compiled_for: int | None = None,
    ) -> None:
        self.model, self.n_outputs, self.policy = model, model.output_shape[-1], policy
        self.optimizer = keras.optimizers.Adam(optimizer) if isinstance(optimizer, (int, float)) else optimizer
        self.optimizer.build(model.trainable_variables)
        self._loss = keras.losses.binary_crossentropy if multi_label else keras.losses.sparse_categorical_crossentropy
        inputs = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        targets = tf.TensorSpec((None, self.n_outputs), tf.float32) if multi_label else tf.TensorSpec((None,), tf.int64)
        self._train = tf.function(self._train_step, input_signature=[inputs, targets])
        self._compiled = tf.function(self._train_step, input_signature=[inputs, targets], jit_compile=True)
        # XLA compiles for one size: the rest of an epoch would cost as much as all of it saves.
        self._compiled_for = None if tf.config.list_physical_devices("GPU") else compiled_for
        self._score = tf.function(self._score_step, input_signature=[inputs])
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
            Of dropout and all else that is random in the network. It depends on nothing that happened before, so an
            epoch can be run again.
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
            loss, said = self.step(examples, order[start : start + batch_size])
            if not np.isfinite(loss):
                problem = f"the loss is {loss} at batch {number}"
                raise MgcKerasError(problem, field="learning_rate", cure="try a tenth of it")
            losses.append(loss * len(said))
            scores.append(said)
            after_batch()
        return sum(losses) / len(order), np.concatenate(scores)

    def step(self, examples: Examples, clips: np.ndarray) -> tuple[float, np.ndarray]:
        """Train on one batch; return its mean loss and what the network said, (n_clips, n_outputs), when it learnt."""
        if self.policy is not None:
            follow(self.policy, self.optimizer)
        train = self._compiled if len(clips) == self._compiled_for else self._train
        loss, said = train(*examples.batch(clips))
        return float(loss), said.numpy()

    def scores(self, examples: Examples, clips: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Return what the network says of some clips, (n_clips, n_outputs) float32, without dropout."""
        blocks = [
            self._score(examples.batch(clips[start : start + batch_size])[0]).numpy()
            for start in range(0, len(clips), batch_size)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, self.n_outputs), np.float32)

    def _train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            scores = self.model(inputs, training=True)
            loss = tf.reduce_mean(self._loss(targets, scores))
            penalties = self.model.losses
            total = tf.add_n([loss, *penalties]) if penalties else loss
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(total, [weight.value for weight in weights]), weights)
        return loss, scores

    def _score_step(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.model(inputs, training=False)


def seed_dropout(model: keras.Model, seed: tuple[int, ...]) -> None:
    """Set every random state of the network, at any depth, to one that follows from `seed` and its place alone.

    A dropout layer's place is its place among the layers. The other states (networks inside the network, recurrent
    dropout, noise, augmentation) come behind, in the order of ``model.variables``.
    """
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    dropouts = {
        id(layer.seed_generator.state): place
        for place, layer in enumerate(model.layers)
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0
    }
    for behind, state in enumerate(states, len(model.layers)):
        words = np.random.SeedSequence((*seed, dropouts.get(id(state), behind))).generate_state(2)
        # The second word counts draws and must have room to.
        state.assign(np.array([words[0] >> 1, words[1] >> 2], dtype=state.dtype))


def check_head(model: keras.Model, examples: Examples) -> None:
    """Raise `OptionError` unless the network takes these examples and has one output a tag (or for every class)."""
    wanted, given = tuple(model.input_shape[1:]), examples.values.shape[1:]
    if len(wanted) != len(given) or any(size not in (None, other) for size, other in zip(wanted, given)):
        raise _other_inputs(wanted, given)
    n_outputs, needed = model.output_shape[-1], examples.n_outputs
    if n_outputs < needed or (examples.targets.ndim == 2 and n_outputs != needed):
        raise OptionError(
            f"the head has {n_outputs} outputs, the task has {needed}",
            field=model.layers[-1].name,
            cure="give the network a new one",
        )


def _other_inputs(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> OptionError:
    if len(wanted) != 2 or len(given) != 2:
        return OptionError(
            f"the network takes {wanted}, these examples are {given} (None: any number)",
            field="input_shape",
            cure="make them with the options that the network was built for",
        )
    return OptionError(
        f"the network takes {wanted[0] or 'any number of'} frames of {wanted[1]} values, these sequences have "
        f"{given[0]} frames of {given[1]}",
        field="n_frames" if wanted[1] == given[1] else "n_values",
        cure="export them with the options that the network was trained on",
    )
