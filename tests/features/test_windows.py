"""Where sliding windows lie."""

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.features.windows import Windows, windows_of


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [(1, [(0, 1)]), (40, [(0, 40)]), (49, [(0, 40)]), (50, [(0, 40), (10, 50)]), (65, [(0, 40), (10, 50), (20, 60)])],
)
def test_as_many_as_fit_whole_but_at_least_one(n_samples, expected):
    assert list(Windows(4.0, 1.0).bounds(n_samples, sampling_rate=10)) == expected


def test_the_hop_is_the_length_by_default():
    assert windows_of(3.0, None) == Windows(3.0, 3.0)
    assert windows_of(None, None) is None


@pytest.mark.parametrize(
    ("window", "hop"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (float("nan"), 1.0), (None, 1.0), (30.0, 1.0)]
)
def test_refuses_what_makes_no_sense(window, hop):
    with pytest.raises(OptionError, match="window|hop"):
        windows_of(window, hop, longest=29.0)
