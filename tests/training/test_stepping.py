"""One compiled step of training against the same step uncompiled."""

import numpy as np
import tensorflow as tf

from mgc_keras.studies.song2017.network import gru_network
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper


def trained(compiled_for: int | None) -> tuple[list[tuple[float, np.ndarray]], list[np.ndarray], Stepper]:
    """Take three steps, the last on fewer clips; return losses and scores, the weights, and the stepper."""
    random = np.random.default_rng(1)
    values = random.standard_normal((10, 7, 5)).astype(np.float32)
    examples = Examples(values, np.arange(10), np.arange(10) % 3)
    model = gru_network(5, 3, head="genres", width=6, depth=2, dropout=1.0, dropout_meaning="kept")
    stepper = Stepper(model, 1e-2, multi_label=False, compiled_for=compiled_for)
    steps = [stepper.step(examples, np.array(clips)) for clips in ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9])]
    return steps, model.get_weights(), stepper


def test_a_compiled_step_learns_what_a_plain_one_does():
    (steps, weights, _), (compiled_steps, compiled_weights, stepper) = trained(None), trained(4)
    for (loss, scores), (compiled_loss, compiled_scores) in zip(steps, compiled_steps, strict=True):
        assert abs(loss - compiled_loss) < 1e-5
        np.testing.assert_allclose(compiled_scores, scores, atol=1e-5)
    for weight, compiled in zip(weights, compiled_weights, strict=True):
        np.testing.assert_allclose(compiled, weight, atol=1e-4)
    # One size alone is worth compiling for; there, a GPU would do without.
    if not tf.config.list_physical_devices("GPU"):
        assert stepper._compiled.experimental_get_tracing_count() == 1
        assert stepper._train.experimental_get_tracing_count() == 1
