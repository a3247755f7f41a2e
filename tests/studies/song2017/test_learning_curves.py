"""Learning curves: which epoch counts, and how soon a level is reached."""

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.studies.song2017.learning_curves import chosen_epoch, epochs_to, epochs_to_share

CURVE = pd.DataFrame({
    "validation_accuracy": [0.2, 0.6, 0.6, 0.5],
    "validation_loss": [2.0, 1.2, 1.1, 1.0],
    "test_accuracy": [0.3, 0.7, 0.4, 0.7],
})  # fmt: skip


def test_the_rules_choose_different_epochs() -> None:
    assert [chosen_epoch(CURVE, rule) for rule in ("best", "last", "validation")] == [2, 4, 3]


def test_the_corrected_choice_does_not_know_the_test_clips() -> None:
    generator = np.random.default_rng(0)
    choices = {chosen_epoch(CURVE.assign(test_accuracy=generator.random(4)), "validation") for _ in range(20)}
    assert choices == {3}


def test_a_choice_without_validation_clips_is_refused() -> None:
    with pytest.raises(OptionError, match="no validation clips"):
        chosen_epoch(CURVE.assign(validation_accuracy=np.nan), "validation")
    with pytest.raises(OptionError, match="'luckiest' is unknown"):
        chosen_epoch(CURVE, "luckiest")


def test_epochs_to_a_level() -> None:
    assert epochs_to([0.1, 0.5, 0.9], 0.5) == 2 and np.isnan(epochs_to([0.1, 0.2], 0.5))
    # 0.9 x 0.5 is reached in spite of rounding, and by the last epoch at the latest.
    assert epochs_to_share([0.1, 0.45, 0.5]) == 2 and epochs_to_share([0.1, 0.2, 0.5]) == 3
