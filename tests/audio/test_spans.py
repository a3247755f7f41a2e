"""Where sliding windows lie."""

import numpy as np
import pytest

from mgc_keras.audio.files import fit_waveform
from mgc_keras.audio.spans import Excerpts, Windows, windows_of
from mgc_keras.datasets.cutting import Cutting
from mgc_keras.errors import OptionError


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


@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 19, 20, 25, 30, 47])
@pytest.mark.parametrize("drop", [0.0, 3.0, 8.0])
def test_excerpts_as_the_study_reads_them(n_samples, drop):
    """Brute force: samples behind the dropped ones, cut as often as a whole excerpt fits; else the centre."""
    kept = list(range(n_samples))[int(drop) : n_samples - int(drop)]
    expected = [kept[start : start + 10] for start in range(0, len(kept) - 9, 10)]
    excerpts = Excerpts(10.0, drop=drop)
    found = [list(range(start, end)) for start, end in excerpts.bounds(n_samples, sampling_rate=1)]
    if expected:
        assert found == expected and excerpts.note(n_samples) == ""
    else:
        centre = fit_waveform(np.arange(n_samples), min(10, n_samples), "crop").tolist()
        assert found == [centre] and excerpts.note(n_samples)
    alone = list(Excerpts(10.0, drop=drop, centre=True).bounds(n_samples, sampling_rate=1))
    assert [list(range(*span)) for span in alone] == [
        fit_waveform(np.arange(n_samples), min(10, n_samples), "crop").tolist()
    ]


@pytest.mark.parametrize(
    ("field", "options"), [("seconds", {"seconds": 0.0}), ("drop", {"drop": -1.0}), ("drop", {"drop": float("nan")})]
)
def test_excerpts_that_make_no_sense(field, options):
    with pytest.raises(OptionError, match=field):
        Excerpts(**options)


@pytest.mark.parametrize("hop", [1e-9, 1e-7, 0.0059])
def test_steps_that_would_never_end_are_refused(hop: float) -> None:
    with pytest.raises(OptionError, match="hop: .* makes more than 10000 a minute .*give 0.006 s or more"):
        Windows(5.0, hop)
    with pytest.raises(OptionError, match="window: "):
        Windows(hop, hop)
    with pytest.raises(OptionError, match="hop: "):
        Cutting(30.0, hop)
    with pytest.raises(OptionError, match="seconds: "):
        Cutting(hop)
    assert len(list(Windows(5.0, 0.006).bounds(60 * 8000, 8000))) == (60 - 5) * 8000 // 48 + 1
