"""The words of verdicts and how they look: one vocabulary for all reports."""

from collections.abc import Iterable

import pandas as pd

from mgc_keras.reporting.style import BLUE, GREEN, MIDDLE_GREY, ORANGE, VERMILION
from mgc_keras.runs.claims import CONFIRMED, NOT_DECIDED, REFUTED

BETTER, WORSE, MIXED, CHECKED = "better", "worse", "mixed", "checked"
# What the referee says of a score.
CLAIM, NO_CLAIM, MIND = "claim", "do not claim", "mind"
# A difference is decided where p after Holm's correction is below this level.
LEVEL = 0.05
# Of these quantities the smaller is the better; of all others the greater.
SMALLER_IS_BETTER = ("epochs_to_90", "gap")


# The colours of verdicts: claims of a paper, then comparisons of two features, counts, and what the referee says.
COLOURS = {
    CONFIRMED: GREEN,
    REFUTED: VERMILION,
    BETTER: GREEN,
    WORSE: VERMILION,
    MIXED: ORANGE,
    NOT_DECIDED: MIDDLE_GREY,
    CHECKED: BLUE,
    CLAIM: GREEN,
    NO_CLAIM: VERMILION,
    MIND: ORANGE,
}


def comparison_verdict(row: pd.Series) -> str:
    """Return whether the first of two features is better or worse, or whether that is not decided.

    The row holds difference (first minus second), p_holm and, unless the greater is the better, metric.

    Example
    -------
    >>> comparison_verdict(pd.Series({"difference": -0.1, "p_holm": 0.01}))
    'worse'
    """
    if not row["p_holm"] < LEVEL:
        return NOT_DECIDED
    return BETTER if (row["difference"] > 0) != (row.get("metric") in SMALLER_IS_BETTER) else WORSE


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """Count verdicts, in the order of `COLOURS`.

    Example
    -------
    >>> tally(["not decided", "confirmed", "not decided"])
    {'confirmed': 1, 'not decided': 2}
    """
    found = list(verdicts)
    return {verdict: found.count(verdict) for verdict in COLOURS if verdict in found}
