"""The transformer against the command's tables, in pipelines, copies and caches."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from toy_extractor import write_clips

from mgc_keras import ConvnetFeatures, read_features
from mgc_keras.cli.main import main
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.features import pipeline
from mgc_keras.studies.choi2017.network import convnet


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "batch.keras"
    convnet(seed=3).save(path)
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_clips(tmp_path_factory.mktemp("clips"), 6, seconds=1.0)


@pytest.mark.parametrize("over", ["song", "start"])
def test_rows_are_those_of_the_command(weights: Path, clips: list[Path], tmp_path: Path, over: str) -> None:
    out = tmp_path / "table.csv"
    words = ["--features", "convnet", "--over", over, "--weights", str(weights)]
    assert main(["features", str(clips[0].parent), "-o", str(out), *words]) == 0
    expected = read_features(out)
    transformer = ConvnetFeatures(weights, over=over).set_output(transform="pandas")
    frame = pd.DataFrame({"filepath": map(str, clips), "label": "x"}, index=list("abcdef"))
    found = transformer.fit_transform(frame)
    assert found.index.tolist() == list("abcdef") and found.columns.tolist() == expected.columns.tolist()
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    # One clip alone, and one twice, have the same bits.
    column = np.array([[str(clips[3])], [str(clips[0])], [str(clips[3])]])
    np.testing.assert_array_equal(transformer.transform(column).to_numpy(), expected.to_numpy()[[3, 0, 3]])
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(clips[:2]).to_numpy(), expected.to_numpy()[:2])


def test_statistics_of_the_clips_that_train(weights: Path, clips: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    (tmp_path / "train").mkdir()
    for clip in clips[:4]:
        (tmp_path / "train" / clip.name).write_bytes(clip.read_bytes())
    words = ["--weights", str(weights), "--calibrate-on", str(tmp_path / "train")]
    assert main(["features", str(clips[0].parent), "-o", str(out), *words]) == 0
    transformer = ConvnetFeatures(weights, over="start", calibrate_on="fit").fit(clips[:4])
    np.testing.assert_array_equal(transformer.transform(clips), read_features(out).to_numpy())


def test_it_is_an_estimator(weights: Path, clips: list[Path], tmp_path: Path) -> None:
    # Of those checks that ask for numbers, scikit-learn itself says that they do not apply.
    results = check_estimator(ConvnetFeatures(weights), on_fail=None)
    assert results and all(result["status"] in ("passed", "skipped") for result in results)
    assert clone(ConvnetFeatures(weights, hop=3.0)).get_params()["hop"] == 3.0
    model = make_pipeline(ConvnetFeatures(weights, cache=tmp_path / "cache"), LogisticRegression(max_iter=5000))
    assert cross_val_score(model, clips, ["soft", "soft", "soft", "loud", "loud", "loud"], cv=3).shape == (3,)


def test_a_cache_computes_each_clip_once_until_it_changes(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, computed = write_clips(tmp_path / "clips", 3, seconds=1.0), []
    compute = pipeline._compute
    monkeypatch.setattr(pipeline, "_compute", lambda *given: computed.append(len(given[1])) or compute(*given))
    cached, plain = (ConvnetFeatures(weights, cache=where).fit(clips) for where in (tmp_path / "cache", None))
    first = cached.transform(clips)
    np.testing.assert_array_equal(first, plain.transform(clips))
    computed.clear()
    np.testing.assert_array_equal(cached.transform(clips[::-1]), first[::-1])
    assert not computed
    clips[1].write_bytes(clips[2].read_bytes())
    np.testing.assert_array_equal(cached.transform(clips)[1:], first[[2, 2]])
    assert sum(computed) == 1
    other = ConvnetFeatures(weights, cache=tmp_path / "cache", summary="max").fit(clips)
    other.transform(clips)
    assert sum(computed) == 4 and len(list((tmp_path / "cache").glob("*.npy"))) == 7


def test_what_cannot_be_read(weights: Path, clips: list[Path], tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    some = [clips[0], tmp_path / "text.wav", tmp_path / "missing.wav"]
    with pytest.raises(AudioError, match="text.wav"):
        ConvnetFeatures(weights).fit_transform(some)
    found = ConvnetFeatures(weights, on_error="nan", cache=tmp_path / "cache").fit_transform(some)
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, False]
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 1


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        ({"over": "end"}, ["a.wav"], "over"),
        ({"over": "start", "hop": 1.0}, ["a.wav"], "hop, summary"),
        ({"on_error": "ignore"}, ["a.wav"], "on_error"),
        ({"summary": "median"}, ["a.wav"], "'median' is unknown"),
        ({}, [], "holds no list of paths"),
        ({}, np.zeros((3, 2)), r"an array \(3, 2\) holds no list of paths"),
        ({}, [1.0, 2.0], "holds no list of paths"),
    ],
)
def test_options_and_inputs_that_make_no_sense(weights: Path, options: dict, given: object, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        ConvnetFeatures(weights, **options).fit(given)
