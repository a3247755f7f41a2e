"""Learning-rate policies: cyclical rates and 1cycle, as pure functions of the number of the step.

No maintained library offers them for Keras 3: `keras.optimizers.schedules` has decays and warm-up but neither cycles
nor momentum, and TensorFlow Addons, which had cyclical rates, has ended and needs Keras 2. Their formulas are short.

References: Smith, Cyclical learning rates for training neural networks (WACV 2017); Smith and Topin, Super-convergence
(2018); Smith, A disciplined approach to neural network hyper-parameters (2018), for momentum. Which policies the study
of Asgharivaskasi et al. ran with which bounds is not stated; every bound is an option.

`mgc_keras.training.optimizers` makes an optimizer follow a policy.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from mgc_keras.checks import check_positive, checked_choice
from mgc_keras.errors import OptionError


class Policy:
    """What every policy offers. The first step is step 0."""

    kind: ClassVar[str]
    fixed_momentum: float | None = None

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        raise NotImplementedError

    def momentum(self, step: int) -> float | None:
        """Return the momentum of a step (Adam: beta_1); None leaves the optimizer's own."""
        return self.fixed_momentum

    def config(self) -> dict[str, Any]:
        """Return plain JSON values: the kind as ``policy``, and the options by name."""
        return {"policy": self.kind, **vars(self)}


@dataclass(frozen=True)
class ConstantRate(Policy):
    """One rate, and where given one momentum, for all steps.

    Raises
    ------
    OptionError
        A value out of its range.
    """

    kind = "constant"
    learning_rate: float = 1e-3
    fixed_momentum: float | None = None

    def __post_init__(self) -> None:
        check_positive(self, "learning_rate")
        _check_momenta(self, "fixed_momentum")

    def rate(self, step: int) -> float:
        """Return the rate."""
        return self.learning_rate


@dataclass(frozen=True)
class CyclicalRate(Policy):
    """Rates that rise and fall in a straight line, again and again (Smith 2017, Section 3.2).

    Parameters
    ----------
    lowest_rate, highest_rate : float
        The bounds of the first cycle.
    step_size : int
        Steps from one bound to the other: half a cycle. Smith advises 2 to 10 epochs.
    mode : {"triangular", "triangular2", "exp_range"}
        Every cycle alike; the distance of the bounds halved after each cycle; or both bounds times gamma^step, as the
        paper has it (widely copied programs shrink only the distance, and never fall below the lowest rate).
    gamma, fixed_momentum : float
        Of "exp_range"; of all steps.

    Raises
    ------
    OptionError
        Bounds that are not positive or in the wrong order, an unknown mode, another value out of its range.

    Example
    -------
    >>> policy = CyclicalRate(0.25, 1.0, step_size=2)
    >>> [policy.rate(step) for step in range(5)]
    [0.25, 0.625, 1.0, 0.625, 0.25]
    """

    kind = "cyclical"
    lowest_rate: float = 1e-4
    highest_rate: float = 1e-2
    step_size: int = 200
    mode: str = "triangular"
    gamma: float = 0.9999
    fixed_momentum: float | None = None

    def __post_init__(self) -> None:
        check_positive(self, "lowest_rate", "highest_rate", "step_size")
        if self.lowest_rate > self.highest_rate:
            raise OptionError(f"{self.lowest_rate} is above highest_rate, {self.highest_rate}", field="lowest_rate")
        checked_choice("mode", self.mode, ("triangular", "triangular2", "exp_range"))
        if not 0 < self.gamma <= 1:
            raise OptionError(f"must be above 0 and at most 1, not {self.gamma}", field="gamma")
        _check_momenta(self, "fixed_momentum")

    def rate(self, step: int) -> float:
        """Return the rate of a step."""
        cycle = math.floor(1 + step / (2 * self.step_size))
        height = 1 - abs(step / self.step_size - 2 * cycle + 1)
        if self.mode == "triangular2":
            height /= 2 ** (cycle - 1)
        rate = self.lowest_rate + (self.highest_rate - self.lowest_rate) * height
        return rate * self.gamma**step if self.mode == "exp_range" else rate


@dataclass(frozen=True)
class OneCycle(Policy):
    """One rise and fall of the rate over a whole training, then a fall far below; momentum the other way round.

    The rate rises from ``highest_rate / first_division`` to `highest_rate`, falls back in as many steps, and in what is
    left of the training falls to ``highest_rate / last_division`` (Smith and Topin 2018). Momentum falls while the rate
    rises, rises while it falls, and stays high in the end. Steps after the last keep its values.

    Parameters
    ----------
    n_steps : int
        Of the whole training: epochs times batches an epoch.
    highest_rate : float
        For example a rate somewhat below where the rate finder's loss begins to grow.
    first_division, last_division : float
        What `highest_rate` is divided by in the first and in the last step. Smith (2018) advises 10 to 20 for the
        first; the last rate shall lie several orders of magnitude below it: 10 000 here.
    rise : float
        Share of the steps in which the rate rises, and again in which it falls back: above 0, at most 0.5. Not stated
        in the papers; 0.45 leaves a tenth for the end.
    shape : {"linear", "cosine"}
        Straight lines, as in the papers; or half cosines between the same corners, as other programs draw them.
    highest_momentum, lowest_momentum : float
        The papers' examples: 0.95 and 0.85.

    Raises
    ------
    OptionError
        A value out of its range, bounds in the wrong order, an unknown shape.

    Example
    -------
    >>> policy = OneCycle(n_steps=101, highest_rate=1.0, rise=0.4)
    >>> [round(policy.rate(step), 6) for step in (0, 40, 80, 100)]
    [0.1, 1.0, 0.1, 0.0001]
    """

    kind = "one_cycle"
    n_steps: int
    highest_rate: float = 1e-2
    first_division: float = 10.0
    last_division: float = 1e4
    rise: float = 0.45
    shape: str = "linear"
    highest_momentum: float = 0.95
    lowest_momentum: float = 0.85

    def __post_init__(self) -> None:
        check_positive(self, "n_steps", "highest_rate", "first_division", "last_division")
        if not 1 <= self.first_division <= self.last_division:
            raise OptionError(
                f"must lie between 1 and last_division, not {self.first_division}", field="first_division"
            )
        if not 0 < self.rise <= 0.5:
            raise OptionError(f"must be above 0 and at most 0.5, not {self.rise}", field="rise")
        checked_choice("shape", self.shape, ("linear", "cosine"))
        _check_momenta(self, "highest_momentum", "lowest_momentum")
        if self.lowest_momentum > self.highest_momentum:
            raise OptionError("is above highest_momentum", field="lowest_momentum")

    def rate(self, step: int) -> float:
        """Return the rate of a step."""
        first, last = self.highest_rate / self.first_division, self.highest_rate / self.last_division
        return self._between(step, (first, self.highest_rate, first, last))

    def momentum(self, step: int) -> float:
        """Return the momentum of a step."""
        high, low = self.highest_momentum, self.lowest_momentum
        return self._between(step, (high, low, high, high))

    def _between(self, step: int, values: tuple[float, float, float, float]) -> float:
        """Interpolate between values at the start, the peak, the end of the fall, and the last step."""
        place = min(step, self.n_steps - 1) / max(self.n_steps - 1, 1)
        corners = (0.0, self.rise, 2 * self.rise, 1.0)
        phase = 0 if place < corners[1] else 1 if place < corners[2] or self.rise == 0.5 else 2
        share = (place - corners[phase]) / (corners[phase + 1] - corners[phase])
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return values[phase] + (values[phase + 1] - values[phase]) * share


def _check_momenta(policy: Policy, *fields: str) -> None:
    for field in fields:
        value = getattr(policy, field)
        if value is not None and not 0 <= value < 1:
            raise OptionError(f"must be at least 0 and below 1, not {value}", field=field)
