"""The rules of the loop: which epoch is the best, when to stop, and which settings make sense."""

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.training.loop import FitSettings, best_epoch, has_stopped


def epochs(**figures: list[float]) -> list[dict[str, float]]:
    """Return one row an epoch from each figure's values."""
    names = [f"validation_{name}" for name in figures]
    return [dict(zip(names, values, strict=True)) for values in zip(*figures.values(), strict=True)]


def test_the_best_epoch_and_who_wins_a_tie() -> None:
    areas = epochs(auc=[0.5, 0.75, 0.75, 0.625])
    assert [best_epoch(areas, "auc", ties) for ties in ("earlier", "later")] == [1, 2]
    both = epochs(accuracy=[0.5, 0.75, 0.75, 0.75], loss=[0.25, 2.0, 1.0, 1.0])
    assert [best_epoch(both, "accuracy", ties) for ties in ("earlier", "later")] == [2, 3]
    assert best_epoch(both, "loss") == 0
    assert [best_epoch(both, "last", ties) for ties in ("earlier", "later")] == [3, 3]


def test_it_stops_after_so_many_epochs_without_gain() -> None:
    areas = epochs(auc=[0.5, 0.75, 0.625, 0.875, 0.75])
    settings = FitSettings(9, 1, patience=2, patience_for="auc", least_gain=0.125)
    # The gain of the fourth epoch, 0.125, is not above the least gain.
    assert [has_stopped(areas[:n], settings) for n in range(6)] == [False, False, False, False, True, True]
    assert not has_stopped(areas, FitSettings(9, 1, patience=2, patience_for="auc", least_gain=0.0625))
    assert not has_stopped(areas, FitSettings(9, 1, patience_for="auc"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0), ("batch_size", -1), ("patience", 0), ("scored_at_once", 0), ("best_by", "luck"),
        ("ties", "both"), ("patience_for", "last"), ("dropout_seed", "never"), ("loss_dtype", "float16"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(field: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"^{field}: "):
        FitSettings(**{"epochs": 1, "batch_size": 1, field: value})
