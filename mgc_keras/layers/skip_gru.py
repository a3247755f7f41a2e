"""SkipGRU: a GRU whose hidden state also receives the state k steps back (Asgharivaskasi et al. 2019, the skip-RNN).

With h_t the result of a GRU step from input x_t and the state s_(t-1) that the step before passed on::

    s_t = h_t + s_(t-k)           addition
    s_t = (h_t + s_(t-k)) / 2     mean

s_t is what the layer gives out and what the next step starts from; states before the first step are zeros. Not stated
in the paper is whether s_(t-k) or h_(t-k) is added. The state passed on is: the skips then join into one path through
the whole sequence along which a gradient is never multiplied by a weight, as in a residual network.

Sums have no bound: a unit whose update gate keeps the old state grows by a constant factor each step, at worst until
float32 overflows after 128 steps for k = 1, 275 for k = 4, 425 for k = 8. "add" is for short sequences, as the study's
30 steps; "mean" stays in the range of the activation on any length, and is the default.
"""

from typing import Any

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError

COMBINATIONS = ("add", "mean")
# What `keras.layers.GRU` keeps of its options; the others are its cell's.
_SEQUENCE_OPTIONS = {"return_sequences", "return_state", "go_backwards", "stateful", "unroll", "name"}


def SkipGRU(
    units: int, k: int = 0, combination: str = "mean", *, dtype: Any = None, **options: Any
) -> keras.layers.RNN:
    """Make the layer. It is used as `keras.layers.GRU`, masks included; a masked step leaves all states as they are.

    Parameters
    ----------
    units, k : int
        Size of the state; how many steps back the added state lies. 0: none, and the layer IS a `keras.layers.GRU`.
    combination : {"mean", "add"}
        See the module.
    dtype, **options
        As of `keras.layers.GRU`: `return_sequences`, `dropout`, `reset_after`, `kernel_initializer`, …

    Returns
    -------
    keras.layers.RNN
        (batch, n_steps, n_inputs) to (batch, units), or (batch, n_steps, units) with `return_sequences`. Its weights
        are those of `keras.layers.GRU`, in the same order and shapes: kernel, recurrent_kernel, bias. With
        `return_state` the last k states follow, (batch, units) each, the latest first.

    Raises
    ------
    OptionError
        `k` is negative or no whole number, or `combination` is unknown. When built: `k` is not below the number of
        steps, where that is fixed.

    Example
    -------
    >>> SkipGRU(8, k=4, return_sequences=True)(keras.ops.zeros((2, 30, 13))).shape
    TensorShape([2, 30, 8])
    """
    checked_choice("combination", combination, COMBINATIONS)
    if k == 0:
        return keras.layers.GRU(units, dtype=dtype, **options)
    of_sequence = {name: options.pop(name) for name in _SEQUENCE_OPTIONS & options.keys()}
    cell = SkipGRUCell(units, k, combination, name="gru_cell", dtype=dtype, **options)
    return SkipRNN(cell, dtype=dtype, **of_sequence)


@keras.saving.register_keras_serializable("mgc_keras")
class SkipGRUCell(keras.layers.GRUCell):
    """One step of a `SkipGRU` with k > 0, for `keras.layers.RNN`.

    States: s_(t-1) … s_(t-k), (batch, units) each. They are passed on as they are, from place to place; in one tensor
    side by side they would be copied in every step, and training with k = 8 takes up to 1.4 times as long.

    Raises
    ------
    OptionError
        `k` is below 1 or no whole number, or `combination` is unknown.
    """

    def __init__(self, units: int, k: int = 1, combination: str = "mean", **gru_options: Any) -> None:
        if k < 1 or int(k) != k:
            raise OptionError(f"must be a whole number of steps back, not {k}", field="k", cure="0 is a plain GRU")
        super().__init__(units, **gru_options)
        self.k, self.combination = int(k), checked_choice("combination", combination, COMBINATIONS)
        self.state_size = [units] * self.k

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:
        """Return s_t, and the states for the next step."""
        stepped, _ = super().call(inputs, states[0], training=training)
        state = stepped + states[-1]
        if self.combination == "mean":
            state = 0.5 * state
        return state, [state, *states[:-1]]

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return zeros."""
        return [keras.ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "k": self.k, "combination": self.combination}


@keras.saving.register_keras_serializable("mgc_keras")
class SkipRNN(keras.layers.RNN):
    """A `keras.layers.RNN` over a `SkipGRUCell` that refuses sequences on which the skip has no effect.

    Raises
    ------
    OptionError
        When built: the cell's `k` is not below the number of steps, where that is fixed.
    """

    def build(self, sequences_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> None:
        """Check the number of steps and create the weights."""
        n_steps = sequences_shape[1]
        if n_steps is not None and self.cell.k >= n_steps:
            raise OptionError(
                f"{self.cell.k} steps back lie before the first of {n_steps} steps", field="k", cure="give a smaller k"
            )
        super().build(sequences_shape, initial_state_shape)
