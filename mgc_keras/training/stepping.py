"""One step and one epoch of training, compiled once for as many trainings as a study needs."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.execution import ExecutionPolicy, full_float32, layers_of, policy
from mgc_keras.training.batches import read_batches
from mgc_keras.training.checkpoint import Checkpoint
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import Policy
from mgc_keras.training.optimizers import follow


class NotANumber(MgcKerasError):
    """A loss that is infinite or not a number, most often since the learning rate is too high."""


class Scorer:
    """A network, one array of any rank, (batch, …) float32, to (batch, n_outputs), and its compiled forward pass."""

    def __init__(self, model: keras.Model) -> None:
        self.model, self.n_outputs = model, model.output_shape[-1]
        self._inputs = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        self._score = tf.function(self._score_step, input_signature=[self._inputs])

    @full_float32()
    def scores(self, examples: Examples, clips: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Return the network's outputs (n_clips, n_outputs), float32, for clips by position, without dropout.

        `batch_size` clips are scored at a time; that can move the last digits of a score.
        """
        with closing(read_batches(examples, clips, batch_size)) as batches:
            blocks = [self._score(values).numpy() for values, _ in batches]
        return np.concatenate(blocks) if blocks else np.empty((0, self.n_outputs), np.float32)

    def _score_step(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.model(inputs, training=False)


class Stepper(Scorer):
    """A network, an optimizer and a loss, and their compiled steps.

    Tracing a stack of recurrent layers takes seconds, a step a fraction of one: a cross-validation therefore takes one
    `Stepper` and sets it back (`restart`) for every fold. What runs depends on a batch's size alone, so a resumed
    training runs the very operations of an uninterrupted one.

    Parameters
    ----------
    model : keras.Model
        One array of any rank, (batch, …), to sigmoids (tags) or a soft-max (classes). What its layers add to the loss
        (weight decay) is minimised with it, but is no part of the losses that are reported.
    optimizer : float or keras.optimizers.Optimizer
        A number stands for Adam at that rate.
    multi_label : bool
        Binary cross-entropy over tags; else categorical cross-entropy over class numbers.
    compiled_for : int, optional
        Steps on batches of so many clips go through XLA where `execution` says that this is quicker. To compile takes
        some seconds once. Dropout draws other numbers there.
    execution : ExecutionPolicy, optional
        Default: that of this process.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: float | keras.optimizers.Optimizer,
        multi_label: bool,
        compiled_for: int | None = None,
        execution: ExecutionPolicy | None = None,
    ) -> None:
        super().__init__(model)
        self.execution = execution or policy()
        # What the optimizer's rate and momentum follow, step by step.
        self.policy: Policy | None = None
        self.optimizer = keras.optimizers.Adam(optimizer) if isinstance(optimizer, (int, float)) else optimizer
        self.optimizer.build(model.trainable_variables)
        self._loss = keras.losses.binary_crossentropy if multi_label else keras.losses.sparse_categorical_crossentropy
        targets = tf.TensorSpec((None, self.n_outputs), tf.float32) if multi_label else tf.TensorSpec((None,), tf.int64)
        self._signature = signature = [self._inputs, targets]
        self._train = tf.function(self._train_step, input_signature=signature)
        self._compiled = tf.function(self._train_step, input_signature=signature, jit_compile=True)
        # XLA compiles for one size: the rest of an epoch would cost as much as all of it saves.
        self._compiled_for = compiled_for if self.execution.xla("training", model) else None
        self._restarted = [*self.optimizer.variables, *random_states(model)]
        self._fresh = [keras.ops.convert_to_numpy(variable) for variable in self._restarted]

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that a step changes: weights of the network, the optimizer's state, random states."""
        return [*self.model.weights, *self._restarted]

    @property
    def keeps_files(self) -> bool:
        """Whether this process writes the files of a training."""
        return True

    def check_same(self, record: Mapping[str, Any]) -> None:
        """Raise `OptionError` where others that take part in the training have other settings; here, nobody does."""

    def share(self, checkpoint: Checkpoint) -> Checkpoint:
        """Give `variables` and the record of finished epochs to all that take part; return the record."""
        return checkpoint

    def agreed(self, row: dict[str, float]) -> dict[str, float]:
        """Return an epoch's row as all that take part are to have it."""
        return row

    def finished(self) -> keras.Model:
        """Return the network as it is now, to be used without this stepper."""
        return self.model

    def restart(self, weights: list[np.ndarray]) -> None:
        """Set the network to these weights, the optimizer and the random states to their beginning."""
        self.model.set_weights(weights)
        for variable, value in zip(self._restarted, self._fresh, strict=True):
            variable.assign(value)

    def epoch(
        self,
        examples: Examples,
        order: np.ndarray,
        batch_size: int,
        seed: tuple[int, ...] | None,
        after_batch: Callable[[], Any],
        loss_dtype: str = "float64",
    ) -> tuple[float, np.ndarray]:
        """Train on clips in a given order, once each.

        Parameters
        ----------
        examples : Examples
        order : np.ndarray [shape=(n_used,), dtype=int]
            Clips, by position in `examples`.
        batch_size : int
            The last batch may be smaller.
        seed : tuple of int, optional
            Of dropout and all else that is random in the network. It depends on nothing that happened before, so an
            epoch can be run again. By default the random states go on from the epoch before.
        after_batch : callable
            Called without arguments after every batch.
        loss_dtype : {"float64", "float32"}
            In which the mean loss is computed.

        Returns
        -------
        loss : float
            Mean over clips.
        scores : np.ndarray [shape=(n_used, n_outputs)]
            The network's output for each clip, in `order`, when it learnt from it: with dropout at work.

        Raises
        ------
        NotANumber
            The loss is no longer a number; the batch is named.
        """
        if seed is not None:
            self._seed(seed)
        number = np.dtype(loss_dtype).type
        losses, scores = [], []
        with closing(self._batches(examples, order, batch_size)) as batches:
            for number_of_batch, batch in enumerate(batches):
                loss, predicted = self._step(*batch)
                if not np.isfinite(loss):
                    raise NotANumber(f"the loss is {loss} at batch {number_of_batch}")
                n_clips = min(batch_size, len(order) - number_of_batch * batch_size)
                losses.append(number(loss) * number(n_clips))
                scores.append(predicted)
                after_batch()
        return float(sum(losses) / number(len(order))), self._joined(scores, len(order), batch_size)

    def _seed(self, seed: tuple[int, ...]) -> None:
        seed_dropout(self.model, seed)

    def _batches(self, examples: Examples, order: np.ndarray, batch_size: int) -> Generator[tuple, None, None]:
        """Give the arguments of each step of an epoch."""
        return read_batches(examples, order, batch_size)

    def _joined(self, scores: list[np.ndarray], n_clips: int, batch_size: int) -> np.ndarray:
        """Return the outputs of an epoch's steps in the order of its clips."""
        return np.concatenate(scores)

    def step(self, examples: Examples, clips: np.ndarray) -> tuple[float, np.ndarray]:
        """Train on one batch; return its mean loss, and the outputs (n_clips, n_outputs) that the loss was taken of."""
        return self._step(*examples.batch(clips))

    def _step(self, *batch: Any) -> tuple[float, np.ndarray]:
        """Take a step on what `_batches` gives."""
        return self._taken(self._compiled if len(batch[0]) == self._compiled_for else self._train, *batch)

    @full_float32()
    def _taken(self, train: Callable[..., tuple[tf.Tensor, tf.Tensor]], *batch: Any) -> tuple[float, np.ndarray]:
        if self.policy is not None:
            follow(self.policy, self.optimizer)
        try:
            loss, scores = train(*batch)
        except tf.errors.UnimplementedError as error:
            problem = f"the {self.execution.device} cannot compute a step: {error.message.splitlines()[0]}"
            raise MgcKerasError(problem, field="precision", cure="try --precision fast, or without a GPU") from error
        return float(loss), scores.numpy()

    def _train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape, computed_in(self.execution.training_dtype, self.model):
            scores = self.model(inputs, training=True)
            loss = tf.reduce_mean(self._loss(targets, scores))
            penalties = self.model.losses
            total = tf.add_n([loss, *penalties]) if penalties else loss
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(total, [weight.value for weight in weights]), weights)
        return loss, scores


def seed_dropout(model: keras.Model, seed: tuple[int, ...]) -> None:
    """Set every random state of the network, at any depth, to one that follows from `seed` and its place alone.

    A dropout layer's place is its place among the layers. The other states (networks inside the network, recurrent
    dropout, noise, augmentation) come behind, in the order of ``model.variables``.
    """
    states = random_states(model)
    dropouts = {
        id(layer.seed_generator.state): place
        for place, layer in enumerate(model.layers)
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0
    }
    for behind, state in enumerate(states, len(model.layers)):
        words = np.random.SeedSequence((*seed, dropouts.get(id(state), behind))).generate_state(2)
        # The second word counts draws and must have room to.
        state.assign(np.array([words[0] >> 1, words[1] >> 2], dtype=state.dtype))


@contextmanager
def computed_in(dtype_policy: str | None, model: keras.Model) -> Iterator[None]:
    """Compute Keras' own layers, and pools, under another policy, all but the last; others know what they need."""
    of_keras = lambda layer: type(layer).__module__.startswith("keras.") or isinstance(layer, keras.layers.MaxPooling2D)
    layers = [layer for layer in layers_of(model) if of_keras(layer)]
    changed = [layer for layer in layers if dtype_policy and layer is not model.layers[-1]]
    own = [layer.dtype_policy for layer in changed]
    try:
        for layer in changed:
            layer.dtype_policy = dtype_policy
        yield
    finally:
        for layer, before in zip(changed, own, strict=True):
            layer.dtype_policy = before


def random_states(model: keras.Model) -> list[keras.Variable]:
    """Return what the random numbers of a network's layers follow from, at any depth: (2,) each, a seed and a count."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def check_head(model: keras.Model, examples: Examples) -> None:
    """Raise `OptionError` unless the network takes these examples and has one output a tag (or for every class)."""
    wanted, given = tuple(model.input_shape[1:]), examples.shape
    if len(wanted) != len(given) or any(size not in (None, other) for size, other in zip(wanted, given)):
        raise OptionError(
            f"the network takes {wanted}, these examples are {given} (None: any number)",
            field="input_shape",
            cure="make them with the options that the network was built for",
        )
    n_outputs, needed = model.output_shape[-1], examples.n_outputs
    if n_outputs < needed or (examples.is_multi_label and n_outputs != needed):
        raise OptionError(
            f"the head has {n_outputs} outputs, the task has {needed}",
            field=model.layers[-1].name,
            cure="give the network a new one",
        )
