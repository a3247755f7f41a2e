"""The SVM search over layer sets, with shared kernels.

Example
-------
>>> import numpy as np
>>> from mgc_keras.datasets.splits import published_stratified_folds
>>> from mgc_keras.search import PUBLISHED, search
>>> labels = np.repeat(["rock", "jazz"], 20)
>>> blocks = {"1": np.random.default_rng(0).normal(size=(40, 32)) + (labels == "jazz")[:, None]}
>>> result = search(blocks, labels, published_stratified_folds(labels), protocol=PUBLISHED)
>>> result.score
1.0
"""

from importlib import import_module
from typing import Any

_HOME_OF = {
    "Protocol": "mgc_keras.protocols",
    "PUBLISHED": "mgc_keras.protocols",
    "CORRECTED": "mgc_keras.protocols",
    "Candidate": "mgc_keras.search.grid",
    "candidates": "mgc_keras.search.grid",
    "SearchResult": "mgc_keras.search.result",
    "search": "mgc_keras.search.search",
    "sweep": "mgc_keras.search.sweep",
}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mgc_keras.search' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
