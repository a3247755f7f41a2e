"""Whether one can read from a clip's features which batch it was extracted in.

Where batch normalisation uses the statistics of the batch at hand, features depend on which clips shared the batch. If
clips are extracted in file order, sorted by class, the batch then names the class. This audit asks it of the features
themselves.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mgc_keras.checks import check_sizes
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.evaluation.intervals import score_interval
from mgc_keras.threads import one_thread

BATCH_BORDER, SHIFTED, SAME_BATCH = "batch border", "shifted border", "inside one batch"


def batch_border(
    features: Mapping[str, np.ndarray], labels: np.ndarray, *, batch_size: int = 256, n_folds: int = 10
) -> AuditResult:
    """Tell the two sides of a batch border apart within one class, against borders that mean nothing.

    For each class that a batch border cuts (rows ``k * batch_size``), with at least `n_folds` clips on either side, a
    logistic regression (C = 1) learns which side a clip lies on. Controls: the same class cut in the middle of either
    side instead ("shifted border"; the true border still lies within), and only the clips of one batch cut in the
    middle ("inside one batch").

    Parameters
    ----------
    features : mapping of str to np.ndarray [shape=(n_clips, n_features)]
        Rows in the order of extraction. Give MFCCs beside the convnet's features: they know no batches.
    labels : np.ndarray [shape=(n_clips,)]
        Class of each row.
    batch_size : int
        Clips in a batch: 256 in Choi et al. (2017).
    n_folds : int
        Folds of scikit-learn's StratifiedKFold, unshuffled; the score is the mean of the folds' balanced accuracies.

    Returns
    -------
    AuditResult
        Columns feature, label, kind, border_row, n_before, n_after, balanced_accuracy (0.5: chance).

    Raises
    ------
    OptionError
        Features and labels of different lengths, or no clip in a batch.

    Notes
    -----
    Measured on the published GTZAN features with the defaults: country at row 256 0.992, pop at row 768 0.976, jazz at
    row 512 (12 clips before it) 0.850; shifted borders 0.63 to 0.84, borders inside one batch 0.59 to 0.79; MFCC at
    row 256 0.728. With columns standardised on the training folds: convnet 0.992 for country and 1.000 for pop, MFCC
    0.61. Neighbours in file order are often by one artist, so controls too can be told apart above chance: compare the
    border with them, not with 0.5.
    """
    check_sizes(batch_size=batch_size)
    rows = []
    for name, table in features.items():
        table = clip_rows(name, table, len(labels))
        for cut in _cuts(np.asarray(labels), batch_size, n_folds):
            members = cut.pop("rows")
            after = members >= cut["border_row"]
            counts = {"n_before": int(np.sum(~after)), "n_after": int(np.sum(after))}
            found = _balanced_accuracy(table[members], after, n_folds)
            rows.append({"feature": name, **cut, **counts, "balanced_accuracy": found})
    columns = ["feature", "label", "kind", "border_row", "n_before", "n_after", "balanced_accuracy"]
    table = pd.DataFrame(rows, columns=columns)
    return AuditResult("batch_border", table, _border_conclusion(table))


def batch_number(features: np.ndarray, labels: np.ndarray, *, batch_size: int = 256, n_folds: int = 10) -> AuditResult:
    """Measure what the mere number of its batch tells about a clip's class: append it to MFCCs, which lack it.

    An RBF SVM (C = 8, scikit-learn's default gamma, standardised columns, unshuffled StratifiedKFold) classifies by the
    MFCCs alone, by the batch number alone (one column a batch), and by both.

    Parameters
    ----------
    features : np.ndarray [shape=(n_clips, n_features)]
        The MFCCs, rows in the order of extraction.
    labels, batch_size, n_folds
        As in `batch_border`.

    Returns
    -------
    AuditResult
        Columns feature, n_batches, accuracy, ci_low, ci_high, n_clips.

    Raises
    ------
    OptionError
        Features and labels of different lengths.

    Notes
    -----
    Measured on the published GTZAN MFCCs: 0.670 alone, 0.853 with the batch number appended.
    """
    features = clip_rows("mfcc", features, len(labels))
    batch = np.arange(len(labels)) // batch_size
    indicators = np.eye(batch.max() + 1)[batch]
    joined = np.hstack([features, indicators])
    rows = []
    for kind, table in {"mfcc": features, "batch number": indicators, "mfcc + batch number": joined}.items():
        model = make_pipeline(StandardScaler(), SVC(C=8.0))
        found = score_interval(labels, cross_val_predict(model, table, labels, cv=StratifiedKFold(n_folds)))
        ends = {"accuracy": found.score, "ci_low": found.low, "ci_high": found.high}
        rows.append({"feature": kind, "n_batches": indicators.shape[1], **ends, "n_clips": len(labels)})
    text = (
        f"Appending nothing but the number of the batch (of {batch_size} clips in file order) to mfcc moves the "
        f"accuracy from {rows[0]['accuracy']:.3f} to {rows[2]['accuracy']:.3f}."
    )
    return AuditResult("batch_number", pd.DataFrame(rows), text)


def clip_rows(name: str, table: np.ndarray, n_clips: int) -> np.ndarray:
    """Return a table of features as float64, or raise `OptionError` unless it has one finite row a clip."""
    table = np.asarray(table, np.float64)
    if table.ndim != 2 or len(table) != n_clips or not np.isfinite(table).all():
        problem = f"shape {table.shape} for {n_clips} clips, or values not finite"
        raise OptionError(problem, field=name, cure="give one finite row a clip")
    return table


def _cuts(labels: np.ndarray, batch_size: int, least: int) -> Iterator[dict]:
    """Yield each class's cuts: rows to use, the row at which they are cut, and the kind of cut."""
    borders = np.arange(batch_size, len(labels), batch_size)
    for label in dict.fromkeys(labels.tolist()):
        rows = np.flatnonzero(labels == label)
        for border in borders:
            before, after = rows[rows < border], rows[rows >= border]
            if min(len(before), len(after)) < least:
                continue
            yield {"label": label, "kind": BATCH_BORDER, "border_row": int(border), "rows": rows}
            for part in (before, after):
                if len(part) < 2 * least:
                    continue
                middle = int(part[len(part) // 2])
                yield {"label": label, "kind": SHIFTED, "border_row": middle, "rows": rows}
                inside = part[part // batch_size == middle // batch_size]
                if len(inside) >= 2 * least:
                    middle = int(inside[len(inside) // 2])
                    yield {"label": label, "kind": SAME_BATCH, "border_row": middle, "rows": inside}


def _balanced_accuracy(table: np.ndarray, after: np.ndarray, n_folds: int) -> float:
    # This solver reaches the optimum also for unscaled MFCCs, where the default one needs thousands of steps.
    model = LogisticRegression(solver="newton-cholesky")
    # Matrices this small are ten times slower on several threads that wait for each other.
    with one_thread():
        scores = cross_val_score(model, table, after, cv=StratifiedKFold(n_folds), scoring="balanced_accuracy")
    return float(scores.mean())


def _border_conclusion(table: pd.DataFrame) -> str:
    if table.empty:
        return "No class is cut by a batch border with enough clips on both sides, so nothing can be told."
    parts = []
    for feature, cells in table.groupby("feature", sort=False):
        at_border = cells.loc[cells["kind"] == BATCH_BORDER, "balanced_accuracy"].mean()
        controls = cells.loc[cells["kind"] != BATCH_BORDER, "balanced_accuracy"]
        against = f" against {controls.mean():.3f} at borders that mean nothing" if len(controls) else ""
        parts.append(f"{feature} {at_border:.3f}{against}")
    question = "Mean balanced accuracy at telling the two sides of a batch border apart within a class (chance 0.5)"
    return f"{question}: {'; '.join(parts)}."
