"""Optimizers whose momentum can change in the middle of a training, and what makes them follow a policy.

A compiled training step keeps the momentum of `keras.optimizers.SGD` and the beta_1 of `keras.optimizers.Adam` as the
constants that they were when it was traced: setting them later changes nothing and says nothing. Here they are
variables of the optimizer, beside its learning rate: they take effect at once, and are saved with its state.
"""

from typing import Any

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.training.learning_rates import Policy


@keras.saving.register_keras_serializable("mgc_keras")
class SteerableSGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` with its momentum as a variable, `current_momentum`.

    The arguments are Keras's; `momentum` is that of the first steps: 0 here, as in Keras, and free to rise.
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, **options: Any) -> None:
        super().__init__(learning_rate, momentum=momentum, **options)
        self.current_momentum = self.add_variable((), keras.initializers.Constant(momentum), name="current_momentum")

    def build(self, variables: list[keras.Variable]) -> None:
        """Create a velocity for every variable, which Keras's SGD leaves out where momentum begins at 0."""
        if not self.built:
            super(keras.optimizers.SGD, self).build(variables)
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one variable: velocity = momentum * velocity - learning_rate * gradient."""
        velocity = self.momentums[self._get_variable_index(variable)]
        momentum = keras.ops.cast(self.current_momentum, variable.dtype)
        downhill = keras.ops.cast(gradient, variable.dtype) * keras.ops.cast(learning_rate, variable.dtype)
        moved = momentum * velocity - downhill
        self.assign(velocity, moved)
        self.assign_add(variable, momentum * moved - downhill if self.nesterov else moved)


@keras.saving.register_keras_serializable("mgc_keras")
class SteerableAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with its beta_1 as a variable, `current_momentum`.

    The arguments are Keras's; `beta_1` is that of the first steps.

    The bias correction is Keras's, with the present beta_1 to the power of the step, as if it had been so from the
    start. The exact one has the product of all so far. They differ in the first steps of a 1cycle training: by 0.3 % of
    the step in one of 10 000 steps, by 11 % in one of 100.
    """

    def __init__(self, learning_rate: float = 1e-3, beta_1: float = 0.9, **options: Any) -> None:
        super().__init__(learning_rate, beta_1=beta_1, **options)
        self.first_beta_1 = beta_1
        self.current_momentum = self.add_variable((), keras.initializers.Constant(beta_1), name="current_momentum")
        self.beta_1 = self.current_momentum

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "beta_1": self.first_beta_1}


# With Keras's defaults where a policy says nothing: beta_1 0.9 for Adam, momentum 0 for SGD.
OPTIMIZERS: dict[str, type[SteerableAdam | SteerableSGD]] = {"adam": SteerableAdam, "sgd": SteerableSGD}


def make_optimizer(name: str) -> SteerableSGD | SteerableAdam:
    """Return a new optimizer, to be steered by `follow`; raise an `OptionError` unless `OPTIMIZERS` has it."""
    return OPTIMIZERS[checked_choice("optimizer", name, tuple(OPTIMIZERS))]()


def follow(policy: Policy, optimizer: keras.optimizers.Optimizer) -> None:
    """Set an optimizer's learning rate, and momentum where the policy has one, for its next step.

    The step is read from ``optimizer.iterations``, which is saved and restored with the optimizer: nothing else needs
    to be kept for a resumed training to go on exactly.

    Raises
    ------
    OptionError
        The optimizer's rate is a schedule of its own, or its momentum cannot change.
    """
    step = int(keras.ops.convert_to_numpy(optimizer.iterations))
    try:
        optimizer.learning_rate = policy.rate(step)
    except (TypeError, AttributeError) as error:
        problem = "is set by the optimizer's own schedule"
        raise OptionError(problem, field="learning_rate", cure="make the optimizer with a number") from error
    momentum = policy.momentum(step)
    if momentum is None:
        return
    # Mixed precision wraps the optimizer in one that scales the loss.
    steered = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(steered, (SteerableSGD, SteerableAdam)):
        raise OptionError(
            f"the momentum of {type(steered).__name__} is fixed once a step is compiled",
            field="optimizer",
            cure="use SteerableSGD or SteerableAdam of mgc_keras.training.optimizers",
        )
    steered.current_momentum.assign(momentum)
