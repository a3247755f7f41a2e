"""The search: the best support vector machine on some features, over a grid of parameters, and its score.

It finds what scikit-learn's `GridSearchCV` finds, candidate by candidate and prediction by prediction, about ten times
as fast (see ``benchmarks/search.py``). Three ideas make the difference.

* Kernels are shared. The inner product of two clips over several blocks of features is the sum of those over each. One
  matrix a block is enough for every feature set, fold and gamma (`kernels`).
* Candidates are dropped. A score is one minus a sum of losses, so the clips predicted so far bound it from above. A
  candidate that cannot be selected any more is fitted no further (`selection`).
* The solver is our own. It takes libsvm's own steps, sum by sum, on the shared matrix and in several threads (`smo`).

From the call downwards:

==============  ========================================================================================
`sweeps`        `sweep`: the search of many feature sets; finished ones are kept and read again
`grid_search`   `search`: the search of one feature set
`grid`          `Candidate` and `candidates`: the parameter grid; `SearchSettings`: how it is searched
`splits`        target, folds and groups; the train/test splits of the plain and the nested cross-validation
`selection`     scores and bounds of all candidates, and which one is selected
`fits`          candidates fitted on splits, several at a time
`kernels`       inner products of blocks, and the kernel matrices made of them
`smo`           libsvm's training; `smo_loop` is its compiled part
`result`        `SearchResult`, and its record on disk
`estimator`     `refit`, `save_estimator`, `load_estimator`: the best candidate as a scikit-learn estimator
==============  ========================================================================================

Example
-------
>>> import numpy as np
>>> from mgc_keras.datasets.splits import published_stratified_folds
>>> from mgc_keras.search import PUBLISHED, refit, search
>>> labels = np.repeat(["rock", "jazz"], 20)
>>> blocks = {"1": np.random.default_rng(0).normal(size=(40, 32)) + (labels == "jazz")[:, None]}
>>> result = search(blocks, labels, published_stratified_folds(labels), settings=PUBLISHED)
>>> result.score
1.0
>>> result.best
Candidate(kernel='rbf', C=0.1, gamma=0.03125)
>>> refit(result, blocks, labels).predict(blocks["1"][:1]).tolist()
['rock']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "grid": ["Candidate", "candidates", "SearchSettings", "PUBLISHED", "CORRECTED"],
        "result": ["SearchResult"],
        "grid_search": ["search"],
        "sweeps": ["sweep"],
        "estimator": ["refit", "save_estimator", "load_estimator"],
    },
)
