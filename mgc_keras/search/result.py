"""What a search found, and its record on disk."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.files import DAMAGES
from mgc_keras.search.grid import Candidate, SearchSettings
from mgc_keras.work import finished_record, write_record


@dataclass(frozen=True)
class SearchResult:
    """The outcome of one search.

    Attributes
    ----------
    estimator : {"SVC", "SVR"}
    metric : {"accuracy", "r2"}
    settings : SearchSettings
    score : float
        Under the settings' weighting of the folds. Not nested: of the best candidate, on the clips that selected it.
    best : Candidate
        The best candidate, the first in grid order among equals. Nested: the one selected most often.
    chosen : tuple of Candidate
        For each fold, the candidate that predicted it.
    fold_scores : tuple of float
        The metric on each fold's clips alone.
    predictions : pd.DataFrame
        Out-of-fold predictions, one row a tested clip: `clip` (its index), `fold`, `truth`, `prediction`.
    cv_results : pd.DataFrame
        One row a candidate (nested: and fold): `fold` (-1: all), `kernel`, `C`, `gamma`, `score`, `status`: "complete",
        "dropped (bound)" (it could not be selected any more; no score) or "cut off" (iteration budget; no score).
    cut_off : tuple of str
        Names of the candidates that the iteration budget cut off in some fit; they could not be selected there.
    n_fits : int
        How many support vector machines (not counting one-versus-one pairs) were solved.
    """

    estimator: str
    metric: str
    settings: SearchSettings
    score: float
    best: Candidate
    chosen: tuple[Candidate, ...]
    fold_scores: tuple[float, ...]
    predictions: pd.DataFrame
    cv_results: pd.DataFrame
    cut_off: tuple[str, ...]
    n_fits: int


def write_result(result: SearchResult, path: str | Path, fingerprint: str = "") -> Path:
    """Write a result as JSON, whole or not at all, with what tells what it was computed from."""
    fields = asdict(result)
    for name in ("predictions", "cv_results"):
        # JSON knows no NaN; pandas reads None back as NaN.
        fields[name] = fields[name].astype(object).where(fields[name].notna(), None).to_dict("list")
    return write_record(path, {"fingerprint": fingerprint, **fields}, indent=None)


def read_result(path: str | Path, fingerprint: str = "") -> SearchResult | None:
    """Read a result that `write_result` wrote; None where there is none, it is damaged, or of something else."""
    fields = finished_record(path, fingerprint)
    if fields is None:
        return None
    try:
        return _result_of(fields)
    except DAMAGES:
        return None


def _result_of(fields: dict[str, Any]) -> SearchResult:
    del fields["fingerprint"]
    fields["predictions"] = pd.DataFrame(fields["predictions"])
    cv_results = pd.DataFrame(fields["cv_results"])
    fields["cv_results"] = cv_results.astype({"C": float, "gamma": float, "score": float})
    fields["settings"], fields["best"] = SearchSettings(**fields["settings"]), Candidate(**fields["best"])
    fields["chosen"] = tuple(Candidate(**candidate) for candidate in fields["chosen"])
    for name in ("fold_scores", "cut_off"):
        fields[name] = tuple(fields[name])
    return SearchResult(**fields)
