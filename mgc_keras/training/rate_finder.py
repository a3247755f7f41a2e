"""The rate finder: which learning rates a network can be trained with.

Smith (Cyclical learning rates, WACV 2017, Section 3.3) lets the rate rise over a short training and watches where the
loss begins to fall and where it grows. He raises it in a straight line; exponentially, as in most programs since, one
training covers many powers of ten.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.files import write_text
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper, check_head, seed_dropout


@dataclass(frozen=True)
class RateSearchSettings:
    """How to search.

    Parameters
    ----------
    lowest_rate, highest_rate, n_steps : float, float, int
        Rates of the first and of the last step; steps from one to the other.
    batch_size : int
        Clips a step.
    smoothing : float
        Weight of the past in the exponential mean of the losses, at least 0 and below 1.
    divergence : float
        The search stops where the smoothed loss is so many times its lowest value so far.
    seed : int
        Of the order of clips and of dropout.

    Raises
    ------
    OptionError
        A value out of its range.
    """

    lowest_rate: float = 1e-7
    highest_rate: float = 10.0
    n_steps: int = 100
    batch_size: int = 16
    smoothing: float = 0.9
    divergence: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {
            "lowest_rate": (
                0 < self.lowest_rate < self.highest_rate,
                f"above 0 and below highest_rate, {self.highest_rate}",
            ),
            "n_steps": (self.n_steps >= 2, "at least 2"),
            "batch_size": (self.batch_size >= 1, "at least 1"),
            "smoothing": (0 <= self.smoothing < 1, "at least 0 and below 1"),
            "divergence": (self.divergence > 1, "above 1"),
        }
        for field, (is_good, wanted) in ranges.items():
            if not is_good:
                raise OptionError(f"must be {wanted}, not {getattr(self, field)}", field=field)

    def rate(self, step: int) -> float:
        """Return the rate of a step: equal ratios from the lowest to the highest."""
        return self.lowest_rate * (self.highest_rate / self.lowest_rate) ** (step / (self.n_steps - 1))


@dataclass(frozen=True, eq=False)
class RateSearch:
    """What a search found: a table, and the rate that `suggest_rate` returns, or None where the loss falls nowhere.

    The table has a row a step: step, rate, loss (nats a clip), smoothed, and suggested, 1 at the suggestion and else 0.
    """

    table: pd.DataFrame
    suggestion: float | None

    def write(self, path: str | Path) -> Path:
        """Write the table as CSV, from which `mgc_keras.reporting.training` draws the plot."""
        return write_text(path, self.table.to_csv(index=False, lineterminator="\n"))


def find_rate(stepper: Stepper, examples: Examples, settings: RateSearchSettings = RateSearchSettings()) -> RateSearch:
    """Train for a few steps with a rising rate, and put network and optimizer back as they were.

    Parameters
    ----------
    stepper : Stepper
        Network, optimizer and loss. Its policy is set aside; momentum is what it is in the optimizer.
    examples : Examples
        Training clips.

    Returns
    -------
    RateSearch
        It ends early where the loss diverges.

    Raises
    ------
    OptionError
        There are no clips, or the network does not fit them.
    MgcKerasError
        The loss is no number from the first step on.

    Example
    -------
    >>> from mgc_keras.training.optimizers import SteerableSGD
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    >>> examples = Examples(np.eye(3)[[0, 1, 0, 1]], np.arange(4), np.array([0, 1, 0, 1]))
    >>> search = find_rate(Stepper(model, SteerableSGD(), multi_label=False), examples)
    >>> list(search.table.columns)
    ['step', 'rate', 'loss', 'smoothed', 'suggested']
    """
    if not len(examples):
        raise OptionError("holds no clips", field="training")
    check_head(stepper.model, examples)
    variables = [*stepper.model.variables, *stepper.optimizer.variables]
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in variables]
    policy, stepper.policy = stepper.policy, None
    try:
        losses = _losses(stepper, examples, settings)
    finally:
        stepper.policy = policy
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    if not losses:
        raise MgcKerasError("the loss is no number in the first step", field="loss", cure="look for NaN in the clips")
    table = pd.DataFrame({"step": range(len(losses)), "rate": [settings.rate(step) for step in range(len(losses))]})
    table["loss"], table["smoothed"] = losses, smoothed_losses(losses, settings.smoothing)
    suggestion = suggest_rate(table["rate"].to_numpy(), table["smoothed"].to_numpy(), settings.smoothing)
    table["suggested"] = (table["rate"] == suggestion).astype(int)
    return RateSearch(table, suggestion)


def smoothed_losses(losses: list[float], smoothing: float) -> np.ndarray:
    """Return the exponential mean of the losses up to each step, with its start corrected: of equal losses, that loss.

    Example
    -------
    >>> smoothed_losses([2.0, 2.0, 5.0], 0.5).round(6).tolist()
    [2.0, 2.0, 3.714286]
    """
    means = accumulate(losses, lambda mean, loss: smoothing * mean + (1 - smoothing) * loss, initial=0.0)
    return np.array([mean / (1 - smoothing**step) for step, mean in enumerate(means) if step])


def suggest_rate(rates: np.ndarray, smoothed: np.ndarray, smoothing: float) -> float | None:
    """Return the rate at which the smoothed loss falls most steeply against the logarithm of the rate.

    Only steps up to the lowest loss count, and not the first 1 / (1 - smoothing), where the mean is over too few
    losses. The rate lies below the one at which the loss begins to grow; of these rules of thumb, this one is Gugger's.

    `rates` and `smoothed` are (n_steps,); `smoothing` is what `smoothed` was made with. None where the loss falls
    nowhere.

    Example
    -------
    >>> suggest_rate(np.array([1e-4, 1e-3, 1e-2, 1e-1]), np.array([2.0, 1.9, 1.0, 1.5]), 0.0)
    0.001
    """
    first, lowest = round(1 / (1 - smoothing)), int(np.argmin(smoothed))
    if lowest < first or len(smoothed) < 2:
        return None
    slopes = np.gradient(smoothed, np.log(rates))[first : lowest + 1]
    steepest = int(np.argmin(slopes))
    return float(rates[first + steepest]) if slopes[steepest] < 0 else None


def _losses(stepper: Stepper, examples: Examples, settings: RateSearchSettings) -> list[float]:
    """Train; return the losses up to the last step, or up to where they diverge."""
    losses: list[float] = []
    seed_dropout(stepper.model, (settings.seed,))
    for step, clips in zip(range(settings.n_steps), _batches(len(examples), settings)):
        stepper.optimizer.learning_rate = settings.rate(step)
        loss, _ = stepper.step(examples, clips)
        if not np.isfinite(loss):
            break
        losses.append(loss)
        smoothed = smoothed_losses(losses, settings.smoothing)
        if smoothed[-1] > settings.divergence * smoothed.min():
            break
    return losses


def _batches(n_clips: int, settings: RateSearchSettings) -> Iterator[np.ndarray]:
    """Give batches for ever: every clip once, in an order of chance, and again."""
    for epoch in count():
        order = np.random.default_rng((settings.seed, epoch)).permutation(n_clips)
        for start in range(0, n_clips, settings.batch_size):
            yield order[start : start + settings.batch_size]
