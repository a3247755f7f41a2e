"""Which columns of a table are features, and which tell the label, the file or the order of the rows."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.judging.column_groups import Group, code_group, score_groups
from mgc_keras.judging.tables import ClipTable, bare

# Of the file, not of its sound: copies of a collection differ in them from class to class.
_OF_THE_FILE = set("length duration nsamples numsamples samples filesize size bytes bitrate samplerate sr".split())
_IDENTIFIER = re.compile(r"(.*[\W_])?(id|uid|uuid|isrc|md5|hash|group)", re.IGNORECASE)
_ROW_NUMBERS = re.compile(r"unnamed\d*|index|idx|row|rownumber|number|no|")
_LARGEST = 1e100
# So many rows in rising order are no chance.
_LEAST_ROWS = 12
# A column that is asked alone, by the largest class in each of its values (or of twice as many groups as there are
# classes), names so much of what always naming the largest class leaves. Of honest features none does: of 10 classes
# of GTZAN and UrbanSound8K, and the 13 of the Extended Ballroom, the best of all MFCCs and convnet layers reaches
# 0.29; of classical, metal and hip hop 0.64; of two classes (speech and music; classical and metal) 0.94.
_TELLING = {2: 0.98, 3: 0.85}
_TELLING_OF_MANY = 0.5
# Sounds as different as two classes may be are parted by one feature, if there are few clips.
_LEAST_TO_PART = 100
# Of columns of few values (codes, flags), of three classes and more; and the correlation of one value and one class.
_TELLING_CODES, _TELLING_FLAG = 0.4, 0.7
# So many rows more than classes, and one value in each class, are no chance.
_SURE = 20
# The same of a threshold in any column, of four classes and more: of honest features the best is 0.87 (metal among four
# genres; classical among ten 0.85).
_TELLING_THRESHOLD = 0.93
# The same of several classes together against the others: the best threshold of an honest feature reaches 0.85 with ten
# classes and 0.94 with four to six. And of a column of two or three values.
_TELLING_SET, _TELLING_SET_FLAG = 0.95, 0.87
# Smaller groups have a largest class by chance; and so has a correlation of less evidence.
_LEAST_IN_GROUP, _LEAST_CHI_SQUARE = 8, 25.0
# Kinds of `Remark`: nothing is quoted until these columns are dropped or vouched for.
TELLING, TELLING_TOGETHER = "telling column", "telling columns"


@dataclass(frozen=True)
class Remark:
    """Something found in a table: its kind, what it is about (a column or a clip, and another clip), and details."""

    kind: str
    subject: str
    other: str
    detail: str


@dataclass(frozen=True, eq=False)
class Features:
    """The features of a table.

    Attributes
    ----------
    values : np.ndarray [shape=(n_rows, n_columns), dtype=float64]
        Finite, without constant columns.
    columns : tuple of str
    remarks : tuple of Remark
        The columns that were left out, and why.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    remarks: tuple[Remark, ...]


def features_of(
    table: ClipTable,
    rows: np.ndarray,
    labels: np.ndarray,
    used: Sequence[str] = (),
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Features:
    """Take the columns of numbers; leave out what leaks, and say so.

    Parameters
    ----------
    table : ClipTable
    rows : np.ndarray [dtype=int]
        The rows to take.
    labels : np.ndarray [shape=(n_rows,), dtype=str]
    used, drop, keep : sequence of str
        Columns that describe the clips; to leave out; to keep whatever they look like.

    Raises
    ------
    OptionError
        `drop` or `keep` names no column.
    ManifestError
        A cell that is no finite number, or no feature is left.
    """
    for option, names in (("--drop", drop), ("--keep", keep)):
        for name in set(names) - set(map(str, table.frame.columns)):
            raise OptionError(f"{table.path.name} has no column {name!r}", field=option, cure="see its first line")
    remarks, left_out = [], {*used, *drop}
    remarks += [Remark("dropped column", name, "", "as asked") for name in drop]
    remarks += [Remark("column of the clip", name, "", "labels or describes it and is no feature") for name in used]
    frame = table.frame.iloc[rows]
    columns = [name for name in frame.columns.tolist() if str(name) not in left_out]
    numeric = frame[columns].select_dtypes(include=["number"]).columns.tolist()
    texts = [name for name, is_number in zip(columns, np.isin(columns, numeric)) if not is_number]
    numbers = [frame[numeric].to_numpy(np.float64)]
    names = list(map(str, numeric))
    for name in texts:
        column = _numbers_or_text(frame[name], table, rows)
        if column is None:
            remarks.append(Remark("text column", str(name), "", "holds no numbers and is left out"))
        else:
            numbers.append(column[:, None])
            names.append(str(name))
    values = np.hstack(numbers)
    _check_finite(values, names, table, rows)
    constant = values.max(axis=0) == values.min(axis=0) if len(values) else np.ones(len(names), bool)
    leaks = _leaks(values, names, labels, constant)
    for name in keep:
        leaks.pop(name, None)
    remarks += [
        Remark("leaking column", name, "", f"{why}; left out (--keep {shlex.quote(name)} keeps it)")
        for name, why in leaks.items()
    ]
    remarks += [Remark("constant column", names[place], "", "tells nothing") for place in np.flatnonzero(constant)]
    remarks += _telling_remarks(
        table, values, names, labels, {*leaks, *keep, *map(names.__getitem__, np.flatnonzero(constant))}
    )
    kept = [place for place, name in enumerate(names) if not constant[place] and name not in leaks]
    if not kept:
        problem = f"no column of features is left of {len(table.frame.columns)}"
        cure = "give columns of numbers that vary from clip to clip"
        raise ManifestError(problem, path=table.path, cure=cure)
    return Features(values[:, kept], tuple(names[place] for place in kept), tuple(remarks))


def _numbers_or_text(cells: pd.Series, table: ClipTable, rows: np.ndarray) -> np.ndarray | None:
    """Return a column of text as numbers if most of it is; None for words. One odd cell is an error."""
    if cells.dtype == bool:
        return cells.to_numpy(np.float64)
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    if np.isfinite(numbers).mean() < 0.5:
        pointed = pd.to_numeric(cells.astype(str).str.replace(",", ".", regex=False), errors="coerce")
        if np.isfinite(pointed).mean() < 0.5:
            return None
        # Decimal commas: a feature is not dropped for them in silence.
    for place in np.flatnonzero(np.isnan(numbers))[:1]:
        _refuse(table, str(cells.name), table.names[rows[place]], repr(cells.iloc[place]), int(np.isnan(numbers).sum()))
    return numbers


def _check_finite(values: np.ndarray, names: list[str], table: ClipTable, rows: np.ndarray) -> None:
    # Squares of larger ones are no numbers any more.
    wrong = ~(np.abs(values) < _LARGEST)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        cell = str(values[row, column])
        cell += f" (beyond {_LARGEST:g})" if np.isfinite(values[row, column]) else ""
        _refuse(table, names[column], table.names[rows[row]], cell, int(wrong.sum()))


def _refuse(table: ClipTable, column: str, name: str, cell: str, count: int) -> None:
    problem = f"{cell} for {name!r} is no finite number; {count} such cell(s) in all"
    cure = f"mend or remove these rows, or leave the column out with --drop {shlex.quote(column)}"
    raise ManifestError(problem, path=table.path, field=column, cure=cure)


def _leaks(values: np.ndarray, names: list[str], labels: np.ndarray, constant: np.ndarray) -> dict[str, str]:
    """Return the columns that tell the row's number, the file or the label, and why they are thought to."""
    found = {}
    classes = np.unique(labels, return_inverse=True)[1]
    steps = np.diff(values, axis=0)
    rising = np.asarray((steps > 0).all(axis=0) | (steps < 0).all(axis=0))
    for place, name in enumerate(names):
        if constant[place]:
            continue
        if bare(name) in _OF_THE_FILE:
            found[name] = "tells of the file, not of its sound: copies of a collection differ in it from class to class"
        elif len(values) >= _LEAST_ROWS and rising[place]:
            found[name] = "rises or falls from row to row: it is the number of the row, and rows are sorted by class"
        elif _ROW_NUMBERS.fullmatch(bare(name)) and (values[:, place] == np.round(values[:, place])).all():
            found[name] = "looks like the number of the row"
        elif _IDENTIFIER.fullmatch(name):
            found[name] = "is the name of something, not its sound"
        elif _is_label(values[:, place], classes):
            found[name] = "is the label in other words: each class has one value"
    return found


def _is_label(column: np.ndarray, classes: np.ndarray) -> bool:
    """Tell a code of the class, or a flag of some classes: one value for all clips of a class."""
    counts = np.bincount(classes)
    firsts = np.full(len(counts), np.nan)
    firsts[classes] = column
    if (firsts[classes] != column).any():
        return False
    # Classes that share a value could by chance, if they are small.
    return bool(len(set(firsts)) == len(firsts) and counts.max() > 2 or len(column) - len(counts) >= _SURE)


def _telling_remarks(
    table: ClipTable, values: np.ndarray, names: list[str], labels: np.ndarray, known: set[str]
) -> Iterator[Remark]:
    """Tell which columns, alone or together, tell the class; those `known` are not asked."""
    classes, of_row = np.unique(labels, return_inverse=True)
    rest = [place for place, name in enumerate(names) if name not in known]
    groups = list(score_groups(table, values[:, rest], [names[place] for place in rest], labels))
    in_groups = {name for group in groups for name in group.columns}
    silent = []
    for place in [place for place in rest if names[place] not in in_groups]:
        if why := _telling(values[:, place], of_row, classes.tolist()):
            yield _telling_remark(Group((names[place],), why))
        else:
            silent.append(place)
    codes = code_group(values[:, silent], [names[place] for place in silent], labels)
    for group in [*groups, *([codes] if codes else [])]:
        yield _telling_remark(group)


def _telling_remark(group: Group) -> Remark:
    kind, were = (TELLING, "it was") if len(group.columns) == 1 else (TELLING_TOGETHER, "they were")
    cure = (
        f"leave out with --drop {group.words} if {were} made from the labels, or keep with --keep {group.words} if not"
    )
    return Remark(kind, str(group), "", f"{group.why}; {cure}")


def _telling(column: np.ndarray, classes: np.ndarray, names: list[str]) -> str:
    """Say how well a column tells the classes all by itself, where no feature of sound does; "" elsewhere.

    `classes` (n_rows,) int are places in `names`.
    """
    n_rows, n_classes = len(classes), len(names)
    distinct, group = np.unique(column, return_inverse=True)
    is_code = len(distinct) <= 2 * n_classes + 2
    if not is_code:
        if n_classes == 2 and n_rows < _LEAST_TO_PART:
            return ""
        edges = np.linspace(0, 1, min(2 * n_classes, n_rows // _LEAST_IN_GROUP) + 1)[1:-1]
        group = np.searchsorted(np.unique(np.quantile(column, edges)), column, side="right")
    table = np.bincount(group * n_classes + classes, minlength=(group.max() + 1) * n_classes).reshape(-1, n_classes)
    in_group, in_class = table.sum(axis=1), table.sum(axis=0)
    right, largest = table.max(axis=1).sum() / n_rows, in_class.max() / n_rows
    least = _TELLING.get(n_classes, _TELLING_CODES if is_code else _TELLING_OF_MANY)
    if n_rows >= _LEAST_IN_GROUP * np.count_nonzero(in_group) and right - largest >= least * (1 - largest):
        return f"alone names the class of {right:.0%} of the rows (the largest class is {largest:.0%})"
    if is_code:
        both = np.outer(in_group, in_class)
        spread = np.sqrt(both * np.outer(n_rows - in_group, n_rows - in_class))
        phi, least = ((n_rows * table - both) / np.maximum(spread, 1)).max(axis=0), _TELLING_FLAG
    elif n_classes >= 4 and n_rows >= _LEAST_TO_PART:
        phi, least = _best_thresholds(column, classes), _TELLING_THRESHOLD
    else:
        return ""
    if n_rows * phi.max() ** 2 >= _LEAST_CHI_SQUARE and phi.max() >= least:
        return f"alone tells {names[phi.argmax()]!r} from the other classes (correlation {phi.max():.2f})"
    of_set, members = _best_set(column, classes)
    if n_classes < 4 or of_set < (_TELLING_SET_FLAG if len(distinct) <= 3 else _TELLING_SET):
        return ""
    some = ", ".join(repr(names[place]) for place in members[:3]) + (", …" if len(members) > 3 else "")
    return f"alone tells the classes {some} from the others (correlation {of_set:.2f})"


def _best_set(column: np.ndarray, classes: np.ndarray) -> tuple[float, list[int]]:
    """Return the largest correlation of being above some threshold and being of a class mostly above; these classes."""
    order = np.argsort(column, kind="stable")
    n_rows, total = len(order), np.bincount(classes)
    below = np.cumsum(classes[order][:, None] == np.arange(len(total)), axis=0)[:-1]
    n_below, is_above = np.arange(1, n_rows), 2 * below < total
    both, of_set = ((total - below) * is_above).sum(axis=1), (total * is_above).sum(axis=1)
    spread = np.sqrt(n_below * (n_rows - n_below) * of_set.astype(np.float64) * (n_rows - of_set))
    correlation = (n_rows * both - (n_rows - n_below) * of_set) / np.maximum(spread, 1)
    correlation[np.diff(column[order]) <= 0] = 0
    best = int(correlation.argmax())
    return float(correlation[best]), np.flatnonzero(is_above[best]).tolist()


def _best_thresholds(column: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return for each class the largest correlation (n_classes,) of belonging to it and being above some threshold."""
    order = np.argsort(column, kind="stable")
    below = np.arange(1, len(order))
    found = np.cumsum(classes[order][:, None] == np.arange(classes.max() + 1), axis=0)
    total, found = found[-1].astype(np.float64), found[:-1]
    apart = np.diff(column[order]) > 0
    spread = np.sqrt(np.outer(below * (len(order) - below), total * (len(order) - total)))
    return np.asarray(np.abs((len(order) * found - np.outer(below, total)) / spread)[apart].max(axis=0))
