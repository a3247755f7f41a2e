"""The rows of a run's tables."""

from dataclasses import dataclass, fields
from typing import NamedTuple


@dataclass(frozen=True)
class ScoreRow:
    """A row of ``scores.csv``: a feature (or network) on a task under a protocol.

    Parameters
    ----------
    metric : {"accuracy", "r2", "auc"}
    score, ci_low, ci_high : float
        With the ends of its 95 % interval.
    published : float
        What the paper prints for this very task; NaN where it prints nothing.
    """

    study: str
    task: str
    feature: str
    protocol: str
    metric: str
    score: float
    ci_low: float
    ci_high: float
    published: float
    n_clips: int

    @property
    def cell(self) -> "Cell":
        """What tells the row from others of the run."""
        return Cell(self.task, self.feature, self.protocol)


class Cell(NamedTuple):
    """Task, feature and protocol: a run has one row of each."""

    task: str
    feature: str
    protocol: str


@dataclass(frozen=True)
class ComparisonRow:
    """A row of ``comparisons.csv``: feature_a minus feature_b on the same clips.

    Parameters
    ----------
    difference, ci_low, ci_high : float
        With the ends of its 95 % interval.
    p_value, p_holm : float
        By itself, and corrected for all comparisons of the protocol.
    test : str
        What tests; empty in runs of before it was kept.
    """

    task: str
    protocol: str
    feature_a: str
    feature_b: str
    metric: str
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    n_clips: int
    test: str = ""


@dataclass(frozen=True)
class TaskRow:
    """A row of ``tasks.csv``: which clips of a task a protocol trains on and tests.

    Parameters
    ----------
    n_clips, n_tested : int
        Of those that could be used.
    folds : str
        Whose folds or split they are, and how many.
    artists, fault_filtered : {"yes", "no"}
        Whether artists (songs, recordings) are known; whether the clips come with GTZAN's split of 2015.
    """

    task: str
    protocol: str
    n_clips: int
    n_tested: int
    folds: str
    artists: str
    fault_filtered: str


SCORE_COLUMNS = tuple(column.name for column in fields(ScoreRow))
TASK_COLUMNS = tuple(column.name for column in fields(TaskRow))
COMPARISON_COLUMNS = tuple(column.name for column in fields(ComparisonRow))
