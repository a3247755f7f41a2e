"""Steps of a training whose network has a replica on each of several devices; see `mgc_keras.training.strategies`."""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.execution import ExecutionPolicy, full_float32, layers_of
from mgc_keras.training.batches import read_blocks
from mgc_keras.training.checkpoint import Checkpoint
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper, computed_in, random_states
from mgc_keras.training.strategies import Workers


def make_stepper(
    model: keras.Model,
    optimizer: float | keras.optimizers.Optimizer,
    multi_label: bool,
    compiled_for: int | None = None,
    workers: Workers | None = None,
) -> Stepper:
    """Return the steps of a network on all replicas of the workers: where there is but one, a plain `Stepper`.

    The arguments are those of `Stepper` and `ReplicatedStepper`.
    """
    if workers is None or workers.n_replicas == 1:
        return Stepper(model, optimizer, multi_label, compiled_for)
    return ReplicatedStepper(model, optimizer, multi_label, compiled_for, workers=workers)


class ReplicatedNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` by the statistics of the global batch: of the clips of all replicas.

    Keras's own (``synchronized=True``) takes the mean of squares less the square of the mean. In float32 that loses so
    much that Adam's first six steps at a rate of 3e-3 move the losses of the Choi 2017 tagger by 2.6e-3.

    Sums are taken axis by axis. TensorFlow's own moments, by which one device trains, add a channel's numbers up one
    after the other, and are 3e-5 off for the first layer of 16 excerpts; of half the clips, as here, 1e-5: beside
    that, nothing else in a first step differs by more than from weights that are the next float32 numbers.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Return the normalised batch; in training, by its moments in float32 at least; moving statistics follow."""
        replica = tf.distribute.get_replica_context()
        if not (training and self.trainable) or replica is None:
            return super().call(inputs, training=training, mask=mask)
        values = inputs if inputs.dtype == tf.float64 else tf.cast(inputs, tf.float32)
        axes = [axis for axis in range(len(inputs.shape)) if axis != self.axis % len(inputs.shape)]
        added = partial(replica.all_reduce, tf.distribute.ReduceOp.SUM)
        number = tf.cast(tf.size(values) / inputs.shape[self.axis], values.dtype)
        total, number = added([_sum(values, axes), number])
        mean = total / number
        deviations = _sum(tf.math.squared_difference(values, mean), axes)
        mean, variance = (tf.reshape(moment, (-1,)) for moment in (mean, added(deviations) / number))
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        beta, gamma = self.beta if self.center else None, self.gamma if self.scale else None
        axis, epsilon = self.axis, self.epsilon
        normalized = keras.ops.batch_normalization(values, mean, variance, axis, beta, gamma, epsilon)
        return tf.cast(normalized, self.compute_dtype)


def _sum(values: tf.Tensor, axes: list[int]) -> tf.Tensor:
    for axis in reversed(axes):
        values = tf.reduce_sum(values, axis, keepdims=True)
    return values


def _of_replicas(layer: keras.layers.Layer) -> keras.layers.Layer:
    kind = ReplicatedNormalization if type(layer) is keras.layers.BatchNormalization else type(layer)
    return kind.from_config(layer.get_config())


class ReplicatedStepper(Stepper):
    """A network, an optimizer and a loss, and their steps on several replicas at once.

    Every worker calls the same methods with the same arguments, and all get the same numbers.

    Parameters
    ----------
    model, optimizer, multi_label, compiled_for, execution
        As of `Stepper`; an optimizer is named by its rate, since it must be made for the replicas. The replicas begin
        with the weights of `model` on the chief, and `finished` sets it to theirs.
    workers : Workers
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: float | keras.optimizers.Optimizer,
        multi_label: bool,
        compiled_for: int | None = None,
        execution: ExecutionPolicy | None = None,
        *,
        workers: Workers,
    ) -> None:
        self.workers, self._given = workers, model
        with workers.strategy.scope():
            replicated = keras.models.clone_model(model, clone_function=_of_replicas, recursive=True)
            replicated.set_weights(model.get_weights())
            if not isinstance(optimizer, (int, float)):
                optimizer = optimizer.from_config(optimizer.get_config())
            super().__init__(replicated, optimizer, multi_label, compiled_for, execution)
        if any(isinstance(layer, ReplicatedNormalization) for layer in layers_of(replicated)):
            # XLA compiles no communication between CPUs.
            self._compiled_for = None
        shares, scalar = tf.TensorSpec((workers.n_local, 2), tf.int32), tf.TensorSpec((), tf.float32)
        self._score_shares = tf.function(self._scored, input_signature=[self._inputs, shares])
        of_replica = [*self._signature, scalar]
        # Each replica has its own: a function keeps the variables of the replica that traced it.
        compiled = [
            tf.function(self._gradients, input_signature=of_replica, jit_compile=True) for _ in range(workers.n_local)
        ]
        plain = [self._gradients] * workers.n_local
        self._train, self._compiled = (
            tf.function(partial(self._trained, gradients), input_signature=[*self._signature, shares, scalar])
            for gradients in (plain, compiled)
        )

    @property
    def keeps_files(self) -> bool:
        """Whether this process writes the files of a training: the chief does."""
        return self.workers.is_chief

    def check_same(self, record: Mapping[str, Any]) -> None:
        """Raise `OptionError` on every worker where one has other settings, clips or precision."""
        self.workers.check_same(record)

    def share(self, checkpoint: Checkpoint) -> Checkpoint:
        """Give the chief's `variables` and record of finished epochs to all workers; return the record."""
        arrays = {f"variable_{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(self.variables)}
        predictions = {f"prediction_{i}": one for i, one in enumerate(checkpoint.predictions)}
        told = self.workers.tell({**arrays, **predictions, "rows": json.dumps(checkpoint.rows)})
        for number, variable in enumerate(self.variables):
            variable.assign(told[f"variable_{number}"])
        self._spread()
        n_predictions = sum(name.startswith("prediction_") for name in told)
        return Checkpoint(json.loads(str(told["rows"])), [told[f"prediction_{i}"] for i in range(n_predictions)])

    def agreed(self, row: dict[str, float]) -> dict[str, float]:
        """Return the chief's row: machines may differ in the last digits of a score, and must stop together."""
        return json.loads(str(self.workers.tell({"row": json.dumps(row)})["row"]))

    def finished(self) -> keras.Model:
        """Return the network that was given, with the weights of the chief's replica."""
        told = self.workers.tell({str(i): weights for i, weights in enumerate(self.model.get_weights())})
        self._given.set_weights([told[str(i)] for i in range(len(told))])
        return self._given

    def restart(self, weights: list[np.ndarray]) -> None:
        """Set the network to these weights, the optimizer and the random states to their beginning."""
        super().restart(weights)
        self._spread()

    @full_float32()
    def scores(self, examples: Examples, clips: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Return the network's outputs (n_clips, n_outputs), float32, for clips by position, without dropout.

        Each replica scores every so-many-th batch, and the batches are those of one device.
        """
        rounds = _rounds(len(clips), batch_size, self.workers.n_replicas)
        found = [np.empty((0, self.n_outputs), np.float32)]
        with closing(self._own(examples, clips, rounds)) as batches:
            found += [self._score_shares(values, shares).numpy() for values, _, shares in batches]
        return self._in_order(found, rounds, len(clips))

    def step(self, examples: Examples, clips: np.ndarray) -> tuple[float, np.ndarray]:
        """Train on one batch; return its mean loss, and the outputs (n_clips, n_outputs) that the loss was taken of."""
        with closing(self._batches(examples, clips, len(clips))) as batches:
            loss, scores = self._step(*next(batches))
        return loss, self._joined([scores], len(clips), len(clips))

    def _seed(self, seed: tuple[int, ...]) -> None:
        super()._seed(seed)
        self._spread()

    def _spread(self) -> None:
        """Let each replica but the first draw numbers of its own; all have the random states of the first one here."""
        for state in random_states(self.model):
            seed, count = keras.ops.convert_to_numpy(state)
            for number, own in enumerate(self.workers.strategy.experimental_local_results(state.value)):
                if replica := self.workers.first + number:
                    word = np.random.SeedSequence((int(seed), replica)).generate_state(1)[0] >> 1
                    own.assign(np.array([word, count], dtype=state.dtype))

    def _batches(self, examples: Examples, order: np.ndarray, batch_size: int) -> Generator[tuple, None, None]:
        batches = _shares(len(order), batch_size, self.workers.n_replicas)
        with closing(self._own(examples, order, batches)) as own:
            for batch, shares in zip(own, batches, strict=True):
                # Clips that each replica takes count as often.
                yield *batch, int(np.diff(shares).sum())

    def _joined(self, scores: list[np.ndarray], n_clips: int, batch_size: int) -> np.ndarray:
        return self._in_order(scores, _shares(n_clips, batch_size, self.workers.n_replicas), n_clips)

    def _of_worker(self, shares: np.ndarray, worker: int) -> np.ndarray:
        return shares[worker * self.workers.n_local : (worker + 1) * self.workers.n_local]

    def _own(self, examples: Examples, clips: np.ndarray, batches: list[np.ndarray]) -> Generator[tuple, None, None]:
        """Read this worker's clips of each batch: values, targets, and where in them each replica's share lies."""
        own = [self._of_worker(shares, self.workers.worker) for shares in batches]
        blocks = [clips[shares.min() : shares.max()] for shares in own]
        with closing(read_blocks(examples, blocks)) as read:
            for (values, targets), shares in zip(read, own, strict=True):
                yield values, targets, (shares - shares.min()).astype(np.int32)

    def _in_order(self, own: list[np.ndarray], batches: list[np.ndarray], n_clips: int) -> np.ndarray:
        """Return what all workers have computed of their shares, in the order of the clips."""
        places = [np.arange(0)]
        for worker in range(self.workers.n_workers):
            places += [np.arange(*share) for shares in batches for share in self._of_worker(shares, worker)]
        gathered = self.workers.gather(np.concatenate(own))
        ordered = np.empty((n_clips, *gathered.shape[1:]), gathered.dtype)
        ordered[np.concatenate(places)] = gathered
        return ordered

    def _step(self, *batch: Any) -> tuple[float, np.ndarray]:
        *own, n_clips = batch
        train = self._compiled if n_clips == self._compiled_for else self._train
        return self._taken(train, *own, np.float32(n_clips))

    def _trained(
        self, gradients: list[Callable], values: tf.Tensor, targets: tf.Tensor, shares: tf.Tensor, n_clips: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        def on_replica() -> tuple[tf.Tensor, tf.Tensor]:
            context, part = self._part(shares)
            loss, scores, found = gradients[self._number(context)](values[part], targets[part], n_clips)
            # It adds the gradients of all replicas up.
            self.optimizer.apply(found, self.model.trainable_variables)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, loss), scores

        loss, scores = map(self.workers.strategy.experimental_local_results, self.workers.strategy.run(on_replica))
        return loss[0], tf.concat(scores, 0)

    def _scored(self, values: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
        def on_replica() -> tf.Tensor:
            return self.model(values[self._part(shares)[1]], training=False)

        return tf.concat(self.workers.strategy.experimental_local_results(self.workers.strategy.run(on_replica)), 0)

    def _number(self, context: tf.distribute.ReplicaContext) -> int:
        return int(tf.get_static_value(context.replica_id_in_sync_group)) - self.workers.first

    def _part(self, shares: tf.Tensor) -> tuple[tf.distribute.ReplicaContext, slice]:
        context = tf.distribute.get_replica_context()
        begin, end = tf.unstack(shares[self._number(context)])
        return context, slice(begin, end)

    def _gradients(self, values: tf.Tensor, targets: tf.Tensor, n_clips: tf.Tensor) -> tuple:
        """Return a replica's part of the mean loss of a batch of `n_clips`, its outputs, and that part's gradients."""
        with tf.GradientTape() as tape, computed_in(self.execution.training_dtype, self.model):
            scores = self.model(values, training=True)
            losses = self._loss(targets, scores)
            loss = tf.reduce_sum(losses) / tf.cast(n_clips, losses.dtype)
            # What layers add is the same on each replica.
            penalties = [penalty / self.workers.n_replicas for penalty in self.model.losses]
            total = tf.add_n([loss, *penalties])
        return loss, scores, tape.gradient(total, [weight.value for weight in self.model.trainable_variables])


# Shares are (n_replicas, 2): where each replica's clips begin and end. None is empty: oneDNN gives a convolution of no
# clip the wrong shape.


def _shares(n_clips: int, batch_size: int, n_replicas: int) -> list[np.ndarray]:
    """Part each batch among the replicas; all take the whole of a last batch of fewer clips than there are replicas.

    Example
    -------
    >>> [shares.tolist() for shares in _shares(8, 7, 2)]
    [[[0, 3], [3, 7]], [[7, 8], [7, 8]]]
    """
    batches = []
    for start in range(0, n_clips, batch_size):
        size = min(batch_size, n_clips - start)
        bounds = start + np.arange(n_replicas + 1) * size // n_replicas
        whole = np.tile([start, start + size], (n_replicas, 1))
        batches.append(whole if size < n_replicas else np.stack([bounds[:-1], bounds[1:]], 1))
    return batches


def _rounds(n_clips: int, batch_size: int, n_replicas: int) -> list[np.ndarray]:
    """Give each replica a batch, round after round; in the last one those behind the end take the last batch, too.

    Example
    -------
    >>> [shares.tolist() for shares in _rounds(5, 2, 2)]
    [[[0, 2], [2, 4]], [[4, 5], [4, 5]]]
    """
    last = (n_clips - 1) // batch_size
    numbers = [np.minimum(first + np.arange(n_replicas), last) for first in range(0, last + 1, n_replicas)]
    return [np.stack([of * batch_size, np.minimum((of + 1) * batch_size, n_clips)], 1) for of in numbers if n_clips]
