"""The report's headline sentences, computed from the paired tests."""

from dataclasses import dataclass

import pandas as pd

from mgc_keras.reporting.run import RunFolder
from mgc_keras.reporting.tables import p_text

NAMES = {
    "12345": "the convnet (all five layers)",
    "random_12345": "the same convnet with random weights",
    "mfcc": "MFCC",
    "mfcc+12345": "convnet and MFCC together",
}


@dataclass(frozen=True)
class Finding:
    """One sentence, and whether its planned claim (a above b) holds: "yes", "no" or "open"."""

    text: str
    holds: str


def findings(run: RunFolder, protocol: str = "corrected") -> list[Finding]:
    """Say for each task whether the convnet beats its untrained twin and MFCCs under `protocol`, either way.

    "yes" or "no" needs a Holm-corrected p-value below 0.05; otherwise the clips do not decide it.
    """
    table = run.comparisons
    return [_finding(row) for row in table[table["protocol"] == protocol].itertuples(index=False)]


def _finding(row: pd.Series) -> Finding:
    a, b = (NAMES.get(name, name) for name in (row.feature_a, row.feature_b))
    numbers = (
        f"{row.difference:+.3f} in {'r²' if row.metric == 'r2' else row.metric}, 95 % interval {row.ci_low:+.3f} to "
        f"{row.ci_high:+.3f}, paired test p {_equal(row.p_holm)} after Holm's correction, {row.n_clips} clips"
    )
    if row.p_holm >= 0.05:
        return Finding(f"{row.task}: whether {a} differs from {b} is not decided by these clips ({numbers}).", "open")
    if row.difference > 0:
        return Finding(f"{row.task}: {a} is better than {b} ({numbers}).", "yes")
    return Finding(f"{row.task}: {a} is NOT better than {b}, it is worse ({numbers}).", "no")


def _equal(p_value: float) -> str:
    text = p_text(p_value)
    return text if text.startswith("<") else f"= {text}"
