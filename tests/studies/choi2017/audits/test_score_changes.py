"""The scaling and fold-weighting audits."""

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.studies.choi2017.audits.score_changes import fold_weighting, scaling


def _scores(scores, **more):
    return pd.DataFrame(
        [{"task": "gtzan_genre", "feature": name, "score": score, **more} for name, score in scores.items()]
    )


def test_scaling_side_by_side():
    # The recorded scores, without and with a scaler that scales.
    unscaled = _scores({"mfcc": 0.660, "mfcc+12345": 0.781, "12345": 0.898, "1": 0.775}, published=0.5)
    result = scaling(unscaled, _scores({"mfcc": 0.670, "mfcc+12345": 0.887, "12345": 0.893, "5": 0.9}))
    table = result.table.set_index("feature")
    assert list(table.index) == ["mfcc", "mfcc+12345", "12345"]
    assert table.loc["mfcc+12345", "change"] == pytest.approx(0.106)
    assert "-0.117 unscaled and -0.006 scaled on gtzan_genre" in result.conclusion
    assert "most for mfcc+12345" in result.conclusion
    without = scaling(unscaled.drop(columns="published"), _scores({"mfcc": 0.67})).table
    assert without["published"].isna().all()


def test_scaling_needs_common_features():
    with pytest.raises(OptionError):
        scaling(_scores({"1": 0.5}), _scores({"2": 0.5}))


def test_fold_weighting_of_speech_and_music():
    # 128 clips in ten folds of 13 or 12, one error in a fold of 12: published as 127/128, not the mean of ten.
    folds = np.sort(np.arange(128) % 10)
    truth = np.arange(128) % 2
    prediction = truth.copy()
    prediction[np.flatnonzero(folds == 9)[0]] ^= 1
    table = pd.DataFrame(
        {"clip_id": np.arange(128).astype(str), "fold": folds, "truth": truth, "prediction": prediction}
    )
    result = fold_weighting({("gtzan_speechmusic", "12345"): table}, {"gtzan_speechmusic": "accuracy"})
    row = result.table.iloc[0]
    assert row["size_weighted"] == pytest.approx(127 / 128, abs=1e-12)
    assert row["plain_mean"] == pytest.approx(1 - 1 / 120, abs=1e-12)
    assert row["pooled"] == 127 / 128
    assert (row["n_folds"], row["smallest_fold"], row["largest_fold"]) == (10, 12, 13)
    assert "-0.0005" in result.conclusion


def test_fold_weighting_of_regression_tells_pooled_from_fold_by_fold():
    generator = np.random.default_rng(0)
    truth = np.concatenate([generator.normal(0, 1, 50), generator.normal(5, 1, 50)])
    guess = truth + generator.normal(0, 1, 100)
    table = pd.DataFrame({"clip_id": range(100), "fold": np.repeat([0, 1], 50), "truth": truth, "prediction": guess})
    row = fold_weighting({("arousal", "mfcc"): table}, {"arousal": "r2"}).table.iloc[0]
    assert row["size_weighted"] == pytest.approx(row["plain_mean"])
    assert row["pooled"] > row["plain_mean"] + 0.5


def test_equal_folds_change_nothing():
    truth = np.arange(30) % 3
    table = pd.DataFrame({"clip_id": range(30), "fold": np.arange(30) % 10, "truth": truth, "prediction": truth * 2})
    result = fold_weighting({("t", "f"): table}, {"t": "accuracy"})
    assert result.table["change"].item() == 0.0
    assert "changes none of 1 scores" in result.conclusion


def test_no_predictions():
    assert fold_weighting({}, {}).table.empty
