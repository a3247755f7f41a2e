"""Judging predictions that somebody made: no classifier, only counting."""

import numpy as np
import pandas as pd

from mgc_keras.datasets.gtzan import committed
from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.judging.differences import adjusted, compared, difference_of, interval_of
from mgc_keras.judging.duplicates import joined
from mgc_keras.judging.gtzan import describe_copy
from mgc_keras.judging.judge import Judgement, Score, common, described
from mgc_keras.judging.matching import LABEL_COLUMNS, LabelledClips, labelled
from mgc_keras.judging.tables import ClipTable, read_table

PREDICTION_COLUMNS = (
    "prediction",
    "predicted",
    "pred",
    "y_pred",
    "predicted_label",
    "predicted_genre",
    "predicted_class",
)


def judge_predictions(predictions: str, labels: str | None = None, against: str | None = None) -> Judgement:
    """Judge predicted labels, or scores of every class, of clips whose labels are known.

    Parameters
    ----------
    predictions : str
        A table with a column prediction (or the like), or with one column of scores a class.
    labels : str or None
        As of `mgc_keras.judging.matching.labelled`. None: the table's own column truth, label, genre …
    against : str or None
        Predictions of the same clips, to compare with.

    Raises
    ------
    ManifestError
        No column of predictions, a clip without, predictions that are no class.
    """
    table = read_table(predictions)
    truths = [name for name in ("truth", *LABEL_COLUMNS) if table.column(name)]
    if labels is None and truths:
        labels_of = table.column(truths[0])
    else:
        labels_of = labels
    clips = labelled(table, labels_of)
    notes = list(clips.notes)
    found = {"prediction": predicted(table, clips, clips.rows, labels is not None, notes)}
    if against is not None:
        other = read_table(against)
        clips, rows = common(clips, other, notes)
        found = {"prediction": predicted(table, clips, clips.rows, labels is not None, [])}
        found["prediction_against"] = predicted(other, clips, rows, labels is not None, notes)
    units = joined(len(clips), clips.clips, *clips.bonds())
    scores, differences, parts = [], [], []
    for key, title, rows, strictness in _parts(clips, notes):
        truth = clips.labels[rows]
        interval = interval_of(truth, found["prediction"][rows], units[rows], rows)
        chance = float(np.unique(truth, return_counts=True)[1].max() / len(truth))
        n_clips, n_units = len(set(clips.clips[rows])), len(set(units[rows]))
        ends = interval.score, interval.low, interval.high
        scores.append(
            Score(key, title, *ends, chance, n_clips, n_units, 1, float("nan"), strictness, clips.knows_artists)
        )
        columns = {name: answers[rows] for name, answers in found.items()}
        named = {"protocol": key, "repeat": 0, "fold": 0, "clip_id": clips.row_ids[rows], "truth": truth}
        parts.append(pd.DataFrame({**named, **columns}))
        if against is not None:
            pair = columns["prediction"], columns["prediction_against"]
            outcome, test = compared(truth, *pair, units[rows], rows)
            means = float(np.mean(truth == pair[0])), float(np.mean(truth == pair[1]))
            differences.append(difference_of(key, title, *means, outcome, test, strictness))
    names = [table.names[row] for row in clips.rows]
    return Judgement(
        tuple(scores),
        adjusted(differences),
        (),
        pd.concat(parts, ignore_index=True),
        tuple(describe_copy(names)) if clips.fault_filtered is not None else (),
        tuple(notes),
        described("predictions", predictions, against, labels, clips),
    )


def predicted(
    table: ClipTable, clips: LabelledClips, rows: np.ndarray, labels_elsewhere: bool, notes: list[str]
) -> np.ndarray:
    """Return the predicted label of each clip, (n_rows,) str: what the table says, or the class of the highest score.

    `labels_elsewhere`: the true labels are in a manifest, so that a column `label` or `genre` may be the prediction.
    """
    names = [*PREDICTION_COLUMNS, *(("label", "genre", "class") if labels_elsewhere else ())]
    column = next((there for name in names if (there := table.column(name)) is not None), None)
    if column is None:
        return _highest(table, clips, rows)
    answers = table.texts(column)[rows]
    for row in np.flatnonzero(answers == "")[:1]:
        problem = f"no prediction for {table.names[rows[row]]!r}; {int((answers == '').sum())} in all"
        cure = "a clip without a prediction is a wrong one: write any word that is no class, or leave the clip out"
        raise ManifestError(problem, path=table.path, field=column, cure=cure)
    strangers = sorted(set(answers.tolist()) - set(clips.classes))
    if strangers and set(answers.tolist()).isdisjoint(clips.classes):
        problem = f"{strangers[0]!r} and the other predictions are none of the classes {', '.join(clips.classes[:5])} …"
        raise ManifestError(problem, path=table.path, field=column, cure="write classes as the labels do")
    if strangers:
        count = int(np.isin(answers, strangers).sum())
        notes.append(f"{count} predictions are none of the classes ({', '.join(strangers[:3])}); they count as wrong.")
    return answers


def _highest(table: ClipTable, clips: LabelledClips, rows: np.ndarray) -> np.ndarray:
    columns = [table.score_column(name) for name in clips.classes]
    missing = [name for name, column in zip(clips.classes, columns) if column is None]
    if len(missing) == len(columns):
        cure = "name it prediction, or give one column of scores a class, named as the class"
        raise ManifestError("no column of predictions", path=table.path, field="prediction", cure=cure)
    if missing:
        problem = f"no scores of class {missing[0]!r}, but of {len(columns) - len(missing)} others"
        raise ManifestError(problem, path=table.path, field=missing[0], cure="give one column of scores a class")
    scores = table.frame.loc[:, [column for column in columns if column]].iloc[rows]
    values = scores.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    for row, place in np.argwhere(~np.isfinite(values))[:1]:
        problem = f"{scores.iat[row, place]!r} for {table.names[rows[row]]!r} is no finite number"
        raise ManifestError(problem, path=table.path, field=str(scores.columns[place]), cure="mend or remove this row")
    return np.array(clips.classes, str)[values.argmax(axis=1)]


def _filtered_title(clips: LabelledClips) -> str:
    """Say how many of the partition's clips are there, if not all: somebody chose them."""
    title = "the test part of the fault-filtered partition"
    if clips.fault_filtered is None:
        return title
    n_all = int((committed().table["split"] == "test").sum())
    n_here = len(set(clips.clips[clips.fault_filtered == "test"].tolist()))
    return title if n_here == n_all else f"{n_here} of the {n_all} clips of {title}"


def _parts(clips: LabelledClips, notes: list[str]) -> list[tuple[str, str, np.ndarray, int]]:
    """Return the sets of clips that are scored: all, and the test parts that are known."""
    every = np.arange(len(clips))
    if len(every) < 2:
        raise OptionError("one clip gives no interval", field="predictions", cure="give predictions of more clips")
    parts = [("all", "all clips", every, 0)]
    given = [("own_split", "the test part that the clips come with", clips.known.get("split"), 6)]
    given.append(("fault_filtered", _filtered_title(clips), clips.fault_filtered, 7))
    for key, title, split, strictness in given:
        if split is None:
            continue
        test = np.flatnonzero(np.asarray(split) == "test")
        if len(test) < 2:
            notes.append(f"Nothing to score in {title}: it has {len(test)} of these clips.")
        elif len(test) < len(every):
            parts.append((key, title, test, strictness))
        else:
            parts = [(key, f"all clips: {title}", test, strictness)]
    return parts
