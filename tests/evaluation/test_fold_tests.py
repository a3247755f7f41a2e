"""Tests over folds and seeds, against SciPy's plain t-test and against folds without any difference."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.fold_tests import corrected_t_test, seed_interval

DIFFERENCES = np.array([0.02, 0.05, -0.01, 0.04, 0.03])


def test_seeds_give_scipys_t_interval() -> None:
    found, expected = seed_interval(DIFFERENCES), ttest_1samp(DIFFERENCES, 0)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p_value == pytest.approx(expected.pvalue) and found.difference == pytest.approx(DIFFERENCES.mean())


def test_the_correction_vanishes_where_folds_share_no_clips() -> None:
    assert corrected_t_test(DIFFERENCES, 1e-12).p_value == pytest.approx(ttest_1samp(DIFFERENCES, 0).pvalue)


def test_the_correction_widens_as_nadeau_and_bengio_say() -> None:
    plain, corrected = seed_interval(DIFFERENCES), corrected_t_test(DIFFERENCES, 1 / 4)
    widths = (corrected.high - corrected.low) / (plain.high - plain.low)
    assert widths == pytest.approx(np.sqrt(1 + 5 / 4))


def test_more_repetitions_of_the_same_folds_do_not_make_a_finding() -> None:
    """A hundred repetitions of folds whose differences only share an accident: the plain test cries out, this not."""
    generator = np.random.default_rng(0)
    repeated = 0.01 + generator.normal(0, 0.03, 1000)
    assert ttest_1samp(repeated, 0).pvalue < 1e-6 and corrected_t_test(repeated, 1 / 9).p_value > 0.05


def test_folds_without_any_difference() -> None:
    assert corrected_t_test(np.zeros(4), 0.1).p_value == 1.0
    # Folds that agree to the last digit tell nothing of how much others would differ.
    same = corrected_t_test(np.full(4, 0.1), 0.1)
    assert (same.difference, same.p_value) == (0.1, 1.0) and np.isnan([same.low, same.high]).all()


def test_differences_of_shares_end_at_one() -> None:
    wide = seed_interval(np.array([-0.4, 0.5]), largest=1)
    assert (wide.low, wide.high) == (-1, 1) and wide.p_value > 0.9


def test_differences_of_anything_else_do_not() -> None:
    """Epochs, for instance: the interval is SciPy's, and goes as far as that."""
    epochs = np.array([-4.0, 1.0, -3.0, -2.0, -1.0])
    interval = ttest_1samp(epochs, 0).confidence_interval(0.95)
    found = seed_interval(epochs)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high)) and found.low < -4
    corrected = corrected_t_test(epochs, 1 / 4)
    assert corrected.low < found.low < found.difference < found.high < corrected.high


@pytest.mark.parametrize(("differences", "share"), [([0.1], 0.1), ([0.1, np.nan], 0.1), ([0.1, 0.2], 0.0)])
def test_too_little_to_test_is_refused(differences: list, share: float) -> None:
    with pytest.raises(OptionError):
        corrected_t_test(np.array(differences), share)
