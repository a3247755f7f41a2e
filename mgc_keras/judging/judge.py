"""Judging features and predictions: scores under every protocol with intervals, paired tests, and what leaks."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mgc_keras.datasets.gtzan import committed_path, gtzan_ids
from mgc_keras.errors import ManifestError
from mgc_keras.files import sha256_of
from mgc_keras.judging.choices import Choice, tally
from mgc_keras.judging.classifiers import CLASSIFIERS, Classifier
from mgc_keras.judging.columns import Features, Remark, features_of
from mgc_keras.judging.differences import Difference, against_random, differences, interval_of
from mgc_keras.judging.duplicates import LEAST_COLUMNS, LEAST_ROWS, MOST_ROWS, Pair, equal_and_near_rows, joined
from mgc_keras.judging.gtzan import describe_copy
from mgc_keras.judging.matching import LabelledClips, labelled, labels_file, own_columns
from mgc_keras.judging.names import Names
from mgc_keras.judging.protocols import N_DRAWS, Protocol, protocols
from mgc_keras.judging.tables import ClipTable, read_table

# Behind the details of what was found there.
IN_SECOND = " (in the second table)"
# More of what is tested may not have a suspected duplicate in training: fewer may be chance, or a small fault.
SUSPECTED = 0.02
# Takes an iterable and its length, and shows how far it is.
Progress = Callable[[Sequence], Iterable]


@dataclass(frozen=True)
class Options:
    """How to judge.

    Attributes
    ----------
    n_folds, n_repeats, seed : int
    classifier : {"svm", "logistic", "knn"}
    drop, keep : tuple of str
        Columns to leave out; to keep though they look as if they leaked.
    jobs : int
        Threads; the result is the same for any number.
    n_draws : int
        Random splits to draw beside a given one.
    """

    n_folds: int = 10
    n_repeats: int = 1
    seed: int = 0
    classifier: str = "svm"
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    jobs: int = 1
    n_draws: int = N_DRAWS


@dataclass(frozen=True)
class Score:
    """The accuracy under one protocol; `low` and `high` are NaN where no interval can be trusted."""

    protocol: str
    title: str
    accuracy: float
    low: float
    high: float
    chance: float  # the share of the largest class among what is tested
    n_clips: int  # different clips tested
    n_units: int  # of these, independent: artists, recordings
    n_splits: int
    shared: float  # of tested rows, whose artist, album, song or clip is trained on as well; NaN: none is known
    strictness: int = 0
    artists_known: bool = False  # or songs, or recordings: else `n_units` is the most there can be, `shared` the least
    suspected: float = 0.0  # the same of suspected duplicates, which this very table's rows tell


@dataclass(frozen=True, eq=False)
class Judgement:
    """All that was found.

    Attributes
    ----------
    scores : tuple of Score
        From the laxest protocol to the strictest.
    differences : tuple of Difference
    remarks : tuple of Remark
        What leaks: columns, then pairs of clips.
    predictions : pd.DataFrame
        protocol, repeat, fold, clip_id, truth, prediction (and prediction_against).
    copies, notes : tuple of str
        Which copy of a known dataset this is; what could not be done.
    about : dict
        What was judged and how.
    choices : tuple of Choice
        Hyperparameters.
    against_random : tuple of Difference
        Random splits of a given split's clips, against it.
    """

    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[Remark, ...]
    predictions: pd.DataFrame
    copies: tuple[str, ...]
    notes: tuple[str, ...]
    about: dict[str, object] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    against_random: tuple[Difference, ...] = ()

    @property
    def strictest(self) -> Score:
        """The score to quote: that of the strictest protocol, the last among equals."""
        return max(reversed(self.scores), key=lambda score: score.strictness)


def judge_features(
    features: str,
    labels: str | None = None,
    against: str | None = None,
    options: Options = Options(),
    progress: Progress = iter,
) -> Judgement:
    """Judge a table of features by what a classifier makes of them, under every protocol that its clips allow.

    Parameters
    ----------
    features : str
        The table; see `mgc_keras.judging.tables.read_table`.
    labels : str or None
        See `mgc_keras.judging.matching.labelled`.
    against : str or None
        Another table of the same clips.
    options : Options
    progress : callable
        Wraps the list of fits.

    Raises
    ------
    ManifestError
        A table or manifest that cannot be used.
    OptionError
        Options that make no sense, classes of one clip.
    """
    classifier = Classifier(options.classifier, options.seed, options.jobs)
    table = read_table(features)
    clips = labelled(table, labels)
    notes = list(clips.notes)
    tables = [table]
    if against is not None:
        tables.append(read_table(against))
        clips, rows = common(clips, tables[1], notes)
    found = [features_of(table, clips.rows, clips.labels, clips.used, options.drop, options.keep)]
    if against is not None:
        other = own_columns(tables[1]).used
        names = set(map(str, tables[1].frame.columns))
        drop = tuple(name for name in options.drop if name in names)
        keep = tuple(name for name in options.keep if name in names)
        found.append(features_of(tables[1], rows, clips.labels, other, drop, keep))
    pairs = equal_and_near_rows(found[0].values, clips.clips)
    unsought = _not_sought(found[0])
    notes += [*_unused(found[0]), *unsought]
    plans, more = protocols(clips, pairs, options.n_folds, options.n_repeats, options.seed, options.n_draws)
    predictions, chosen = _predict(plans, found, clips, classifier, progress)
    units = _units(clips, pairs)
    scores = [_score(plan, predictions[predictions["protocol"] == plan.key], clips, units, pairs) for plan in plans]
    return Judgement(
        tuple(scores),
        differences(plans, predictions, units) if against is not None else (),
        (*_column_remarks(found), *_pair_remarks(pairs, clips)),
        predictions.drop(columns="row"),
        _copies(table, clips, pairs),
        (*notes, *more),
        {
            **described("features", features, against, labels, clips),
            "n_features": len(found[0].columns),
            "near_rows_sought": not unsought,
            "n_features_against": len(found[1].columns) if against is not None else None,
            "classifier": CLASSIFIERS[options.classifier],
            "options": {
                key: getattr(options, key) for key in ("n_folds", "n_repeats", "seed", "classifier", "n_draws")
            },
        },
        tally(chosen),
        against_random(plans, predictions, units),
    )


def described(
    kind: str, first: str, against: str | None, labels: str | None, clips: LabelledClips
) -> dict[str, object]:
    """Return what was judged, features or predictions, as plain JSON values."""
    files = [Path(name) for name in (first, against) if name]
    if labels and (source := labels_file(labels)):
        files.append(source)
    if clips.fault_filtered is not None and committed_path() not in files:
        files.append(committed_path())
    return {
        "kind": kind,
        "features": str(first),
        "against": against,
        "sha256": {str(path): sha256_of(path) for path in files},
        "labels": labels or "the table's own column",
        "n_rows": len(clips),
        "n_clips": len(set(clips.clips)),
        "n_classes": len(clips.classes),
        "n_unmatched": clips.n_unmatched,
        "guesses": list(clips.guesses),
        "in_common": list(clips.in_common()),
        "incomplete": clips.incomplete,
        "contradictory": clips.contradictory,
    }


def common(clips: LabelledClips, other: ClipTable, notes: list[str]) -> tuple[LabelledClips, np.ndarray]:
    """Return the clips that both tables hold, and their rows in the other one; ids, else names of files, are compared.

    Raises
    ------
    ManifestError
        They share no clip, or none of two classes.
    """
    rows, guesses = _rows_in(clips, other)
    both = np.flatnonzero(rows >= 0)
    if not len(both):
        begins = f"it begins with {other.names[0]!r}, that with {str(clips.row_ids[0])!r}"
        problem = f"holds none of the first table's clips; {begins}"
        raise ManifestError(problem, path=other.path, field=other.name_column, cure="name clips alike in both tables")
    if len(both) < max(len(clips), len(other)):
        notes.append(
            f"Judged are the {len(both)} clips that both tables hold, of {len(clips)} in the first and {len(other)} in "
            "the second."
        )
    shared = replace(clips.subset(both), guesses=(*clips.guesses, *guesses))
    if len(shared.classes) < 2:
        problem = f"shares {len(shared)} clips with the first table, of fewer than two classes"
        raise ManifestError(problem, path=other.path, cure="give a table of the same clips")
    return shared, rows[both]


def _rows_in(clips: LabelledClips, other: ClipTable) -> tuple[np.ndarray, list[str]]:
    """Return each clip's row in another table (-1 for none or several), and those that are a guess."""
    ids, names = other.row_ids, clips.row_ids.tolist()
    rows, cut, guessed = Names(ids, ids, [""] * len(ids)).match(names)
    times = Counter(rows.tolist())
    rows[cut | (rows < 0) | np.array([times[row] > 1 for row in rows.tolist()])] = -1
    guesses = np.flatnonzero(guessed & (rows >= 0))
    return rows, [f"{names[row]} is taken for {ids[rows[row]]} of {other.path.name}" for row in guesses]


def _predict(
    plans: list[Protocol], found: list[Features], clips: LabelledClips, classifier: Classifier, progress: Progress
) -> tuple[pd.DataFrame, list[Choice]]:
    chosen = []
    work = [(plan, split) for plan in plans for split in plan.splits]
    parts = []
    for plan, split in progress(work):
        columns = {"protocol": plan.key, "repeat": split.repeat, "fold": split.fold, "row": split.test}
        part = pd.DataFrame({**columns, "clip_id": clips.row_ids[split.test], "truth": clips.labels[split.test]})
        for table, name, features in zip(("first", "against"), ("prediction", "prediction_against"), found):
            part[name], best = classifier.predict(features.values, clips.labels, split, plan.groups)
            edges = classifier.edges(best, features.values, split)
            chosen.append(Choice(plan.key, table, tuple(best.items()), edges))
        parts.append(part)
    return pd.concat(parts, ignore_index=True), chosen


def _units(clips: LabelledClips, pairs: list[Pair]) -> np.ndarray:
    """Number what is independent: rows of one clip, artist or recording are one piece of evidence."""
    return joined(len(clips), clips.clips, *clips.bonds(), pairs=pairs)


def _score(plan: Protocol, part: pd.DataFrame, clips: LabelledClips, units: np.ndarray, pairs: list[Pair]) -> Score:
    truth, prediction = part["truth"].to_numpy(str), part["prediction"].to_numpy(str)
    rows = part["row"].to_numpy(int)
    interval = interval_of(truth, prediction, units[rows], rows)
    shared = _trained_on(plan, clips.in_common().values())
    suspected = _trained_on(plan, [joined(len(clips), pairs=pairs)])
    return Score(
        plan.key,
        plan.title,
        interval.score,
        interval.low,
        interval.high,
        max(Counter(truth.tolist()).values()) / len(truth),
        len(set(clips.clips[rows])),
        len(set(units[rows])),
        len(plan.splits),
        shared if clips.in_common() else math.nan,
        # A given split with the same artists on both sides is no better than a random one.
        0 if plan.key.startswith("own_") and (shared or suspected > SUSPECTED) else plan.strictness,
        clips.knows_artists,
        suspected,
    )


def _trained_on(plan: Protocol, bonds: Iterable[np.ndarray]) -> float:
    """Return the share of a protocol's tests for which a row of equal value in any of the bonds was trained on."""
    found = []
    for split in plan.splits:
        of_split = np.zeros(len(split.test), bool)
        for bond in bonds:
            of_split |= np.isin(bond[split.test], bond[split.fitted])
        found.append(of_split)
    return float(np.mean(np.concatenate(found)))


def _column_remarks(found: list[Features]) -> Iterator[Remark]:
    yield from found[0].remarks
    for features in found[1:]:
        for remark in features.remarks:
            yield replace(remark, detail=remark.detail + IN_SECOND)


def _pair_remarks(pairs: list[Pair], clips: LabelledClips) -> list[Remark]:
    remarks = []
    for pair in pairs:
        first, second = clips.labels[pair.first], clips.labels[pair.second]
        kind = "equal rows" if pair.nearness == 0 else "near rows"
        detail = f"nearness {pair.nearness:.3f}"
        if first != second:
            detail += f"; labelled {first} and {second}"
        remarks.append(Remark(kind, str(clips.row_ids[pair.first]), str(clips.row_ids[pair.second]), detail))
    return remarks


def _unused(features: Features) -> list[str]:
    texts = [remark.subject for remark in features.remarks if remark.kind == "text column"]
    if not texts:
        return []
    shown = ", ".join(texts[:5]) + (", …" if len(texts) > 5 else "")
    return [f"Columns of text that say nothing here: {shown} (artists are read from a column artist, and so on)."]


def _not_sought(features: Features) -> list[str]:
    n_rows, n_columns = features.values.shape
    if n_rows > MOST_ROWS:
        return [f"Equal rows were sought, near ones not: {n_rows} rows are more than {MOST_ROWS}."]
    if n_rows < LEAST_ROWS or n_columns < LEAST_COLUMNS:
        return [
            f"Equal rows were sought, near ones not: with {n_rows} rows and {n_columns} columns some are near by "
            f"chance ({LEAST_ROWS} rows and {LEAST_COLUMNS} columns are needed)."
        ]
    return []


def _copies(table: ClipTable, clips: LabelledClips, pairs: list[Pair]) -> tuple[str, ...]:
    if clips.fault_filtered is None:
        return ()
    equal = {frozenset((clips.clips[pair.first], clips.clips[pair.second])) for pair in pairs if pair.nearness == 0}
    names = [table.names[row] for row in clips.rows]
    has_segments = any(segment for _, segment in gtzan_ids(names) or [])
    return tuple(describe_copy(names, None if has_segments else equal))
