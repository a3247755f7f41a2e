"""The estimator of a search: refitted on all clips, saved without pickle, and loaded again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from mgc_keras.errors import WeightsError
from mgc_keras.files import whole_file, why_no_file
from mgc_keras.search.result import SearchResult


def refit(result: SearchResult, features_by_block: Mapping[str, np.ndarray], target: Sequence | np.ndarray) -> Pipeline:
    """Fit the best candidate of a search on all clips, as `GridSearchCV` does for its `best_estimator_`.

    Parameters
    ----------
    result : SearchResult
    features_by_block, target
        Those that were searched, in the same order.

    Returns
    -------
    sklearn.pipeline.Pipeline
        A StandardScaler where the search standardised, and the SVC or SVR. It predicts from an array
        (n_clips, n_columns) that joins the blocks side by side in their order.
    """
    best = result.best
    width = {} if best.gamma is None else {"gamma": best.gamma}
    svm = {"SVC": SVC, "SVR": SVR}[result.estimator](C=best.C, kernel=best.kernel, **width)
    scaler = [("scaler", StandardScaler())] if result.settings.standardize else []
    features = np.concatenate([np.asarray(block, np.float64) for block in features_by_block.values()], axis=1)
    return Pipeline([*scaler, ("svm", svm)]).fit(features, np.asarray(target))


def save_estimator(estimator: Pipeline, path: str | Path) -> Path:
    """Write an estimator in the format of skops, whole or not at all. Return the path, such as genre.skops."""
    # Here, since skops takes three seconds to import, and `refit` does without.
    import skops.io

    with whole_file(path) as temporary:
        skops.io.dump(estimator, temporary)
    return Path(path)


def load_estimator(path: str | Path) -> Pipeline:
    """Load an estimator that `save_estimator` wrote. Nothing is unpickled, so a file from a stranger runs no code.

    Raises
    ------
    WeightsError
        There is no such file, it was not written by skops, it holds types that skops does not know to be safe, or it
        is another estimator.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    if not Path(path).is_file():
        raise WeightsError(why_no_file(path), path=path, cure="save one with save_estimator")
    try:
        estimator = skops.io.load(path, trusted=[])
    except UntrustedTypesFoundException as error:
        raise WeightsError(f"holds types that may run code: {error}", path=path, cure="do not use it") from error
    except (BadZipFile, KeyError, ValueError) as error:
        raise WeightsError("is not a file of skops", path=path, cure="save one with save_estimator") from error
    steps = estimator.named_steps.values() if isinstance(estimator, Pipeline) else (estimator,)
    if not all(isinstance(step, StandardScaler | SVC | SVR) for step in steps):
        raise WeightsError("is not an estimator of a search", path=path, cure="save one with save_estimator")
    return estimator
