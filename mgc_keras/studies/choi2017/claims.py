"""Choi et al.'s claims (2017), judged from scores and, where they were saved, from predictions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from mgc_keras.evaluation.intervals import percentiles
from mgc_keras.evaluation.resampling import average_folds, bootstrap_counts, unit_sums
from mgc_keras.reporting.tables import change_text, metric_name
from mgc_keras.reporting.verdicts import BETTER, WORSE
from mgc_keras.runs.claims import CONFIRMED, NOT_DECIDED, REFUTED
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.summary import columns_for, groups_of
from mgc_keras.studies.choi2017.feature_sets import layer_sets
from mgc_keras.studies.choi2017.order import RANDOM, feature_order
from mgc_keras.studies.choi2017.paper import (
    AROUSAL,
    BALLROOM,
    EVENTS,
    GENRE,
    LOWEST_OF_BALLROOM,
    TOP_OF_GENRE,
    VALENCE,
    VOCAL,
)
from mgc_keras.studies.choi2017.study import weighting_of
from mgc_keras.studies.common.claims import (
    INCLUDES_ZERO,
    Judge,
    Judgement,
    differences,
    judged_difference,
    judged_interval,
    study_of,
)

N_RESAMPLES = 1000
# The 28 sets that the paper ran: its sentences speak of no others.
PAPER_SETS = tuple(layer_sets("published"))
# A top and a bottom of seven sets each need more sets than this.
_FEW_SETS = 14
# A statement about ranks is decided where it holds, or fails, in this share of resamples.
_SURE = 0.975
_NO_INTERVAL = "Scores alone: no predictions were saved, so there is no interval."
Statement = Callable[[pd.Series], bool]


@dataclass(frozen=True, eq=False)
class TaskScores:
    """Scores of a task's features under one protocol, and the same of resampled clips.

    Parameters
    ----------
    task, protocol, metric : str
    scores : pd.Series
        By feature.
    resample : function of () to pd.DataFrame [shape=(n_resamples, n_features)] or None
        Returns scores of bootstrap resamples of clips (corrected: of artists), the same draws for all features; None
        where a feature's predictions were not saved.
    """

    task: str
    protocol: str
    metric: str
    scores: pd.Series
    resample: Callable[[], pd.DataFrame | None]

    @cached_property
    def resampled(self) -> pd.DataFrame | None:
        """What `resample` returns, drawn when first asked for."""
        return self.resample()

    def judge(self, evidence: str, holds: Statement) -> Judgement:
        """Judge a statement about the scores: decided where the scores and nearly all resamples agree."""
        found = holds(self.scores)
        if self.resampled is None:
            verdict = CONFIRMED if found else REFUTED
            return Judgement(self.task, self.protocol, f"{evidence} {_NO_INTERVAL}", verdict)
        share = float(np.mean([holds(row) for _, row in self.resampled.iterrows()]))
        why = f"The sentence holds in {share:.0%} of {len(self.resampled)} resamples of the clips."
        if found == (share >= 0.5) and max(share, 1 - share) >= _SURE:
            return Judgement(self.task, self.protocol, f"{evidence} {why}", CONFIRMED if found else REFUTED)
        return Judgement(self.task, self.protocol, evidence, NOT_DECIDED, why)

    def judge_difference(self, words: str, difference: Callable[[pd.Series], float]) -> Judgement:
        """Judge a difference of scores by its sign, and by its 95 % interval where there is one."""
        found = difference(self.scores)
        if self.resampled is None:
            verdict = CONFIRMED if found >= 0 else REFUTED
            evidence = f"{words} is {found:+.3f} in {metric_name(self.metric)}. {_NO_INTERVAL}"
            return Judgement(self.task, self.protocol, evidence, verdict)
        low, high = percentiles(np.array([difference(row) for _, row in self.resampled.iterrows()]))
        verdict = judged_interval(low, high)
        evidence = f"{words} is {change_text(found, low, high)} in {metric_name(self.metric)}."
        return Judgement(self.task, self.protocol, evidence, verdict, INCLUDES_ZERO if verdict == NOT_DECIDED else "")

    def sets(self) -> list[str]:
        """The trained convnet's layer sets."""
        return [name for name in self.scores.index if name in PAPER_SETS]


def task_scores(run: RunFolder, tasks: Iterable[str] | None = None) -> list[TaskScores]:
    """Return the scores of the run's tasks, or of those named, under each of its protocols."""
    names = [name for name in run.tasks if (tasks is None or name in set(tasks)) and run.metric(name) != "auc"]
    found = []
    for task in names:
        for protocol in run.protocols:
            cells = run.scores[(run.scores["task"] == task) & (run.scores["protocol"] == protocol)]
            scores = cells.set_index("feature")["score"]
            scores = scores[feature_order(list(scores.index))]
            if len(scores):
                resample = partial(_resampled, run, task, protocol, list(scores.index))
                found.append(TaskScores(task, protocol, run.metric(task), scores, resample))
    return found


def ranked(scores: pd.Series) -> list[str]:
    """Return the trained convnet's layer sets from the highest score to the lowest, the smaller first among equals."""
    sets = scores[[name for name in scores.index if name in PAPER_SETS]]
    return list(sets.sort_values(ascending=False, kind="stable").index)


def _resampled(run: RunFolder, task: str, protocol: str, features: list[str]) -> pd.DataFrame | None:
    metric, found = run.metric(task), [run.predictions(task, feature, protocol) for feature in features]
    tables = [table for table in found if table is not None]
    if len(tables) < len(features):
        return None
    clips = tables[0]["clip_id"]
    if any(set(table["clip_id"]) != set(clips) for table in tables):
        return None
    rules = study_of(run).protocol(protocol)
    weighting, sums = weighting_of(rules), []
    for table in tables:
        table = table.set_index("clip_id").loc[clips].reset_index()
        groups = groups_of(table) if rules.keeps_artists_together and "group" in table else None
        sums.append(unit_sums(*columns_for(table, metric), metric, table["fold"].to_numpy(), weighting, groups))
    stacked = np.stack(sums, axis=1)
    flat = stacked.reshape(len(stacked), -1)
    blocks = [
        average_folds((counts @ flat).reshape(len(counts), *stacked.shape[1:]), metric, weighting)
        for counts in bootstrap_counts(len(stacked), N_RESAMPLES, seed=0)
    ]
    return pd.DataFrame(np.concatenate(blocks), columns=features)


def _sets_beat_mfcc(run: RunFolder) -> list[Judgement]:
    found = []
    for cell in task_scores(run):
        sets = cell.sets()
        if len(sets) < 2 or "mfcc" not in cell.scores:
            continue

        n_better = _n_better(cell.scores)
        evidence = f"{n_better} of {len(sets)} layer sets have a higher {metric_name(cell.metric)} than MFCC"
        if cell.resampled is not None:
            low, high = percentiles(np.array([_n_better(row) for _, row in cell.resampled.iterrows()]))
            evidence += f" (95 % interval {low:.0f} to {high:.0f})"
        found.append(cell.judge(f"{evidence}.", lambda scores: 2 * _n_better(scores) > len(ranked(scores))))
    return found


def _n_better(scores: pd.Series) -> int:
    return int((scores[ranked(scores)] > scores["mfcc"]).sum())


def _mfcc_added(run: RunFolder) -> list[Judgement]:
    pair, words = ("mfcc+12345", "12345"), "mfcc+12345 minus 12345"
    tested = {(row["task"], row["protocol"]): row for m in ("accuracy", "r2") for row in differences(run, [pair], m)}
    found = []
    for cell in task_scores(run):
        helps = cell.task in EVENTS
        if not set(pair) <= set(cell.scores.index):
            continue
        row = tested.get((cell.task, cell.protocol))
        if row is not None:
            found.append(judged_difference(row, words, wanted=BETTER if helps else WORSE))
        else:
            difference = cell.scores[pair[0]] - cell.scores[pair[1]]
            verdict = CONFIRMED if (difference > 0) == helps else REFUTED
            evidence = f"{words} is {difference:+.3f} in {metric_name(cell.metric)}. {_NO_INTERVAL}"
            found.append(Judgement(cell.task, cell.protocol, evidence, verdict))
    return found


def _many_sets(run: RunFolder, tasks: tuple[str, ...]) -> list[TaskScores]:
    return [cell for cell in task_scores(run, tasks) if len(cell.sets()) > _FEW_SETS]


def _holding(sets: Iterable[str], layers: str) -> int:
    return sum(set(layers) <= set(name) for name in sets)


def _ballroom(run: RunFolder) -> list[Judgement]:
    found = []
    for cell in _many_sets(run, BALLROOM):
        order = ranked(cell.scores)
        n_low = len(set(order[-7:]) & set(LOWEST_OF_BALLROOM))
        evidence = (
            f"The top 7 are {', '.join(order[:7])}: {_holding(order[:7], '2')} hold layer 2, "
            f"{_holding(order[:7], '1')} layer 1. The lowest 7 are {', '.join(reversed(order[-7:]))}: {n_low} of them "
            "are the paper's."
        )
        found.append(cell.judge(evidence, _ballroom_holds))
    return found


def _ballroom_holds(scores: pd.Series) -> bool:
    order = ranked(scores)
    top = order[:7]
    return _holding(top, "2") == 7 and _holding(top, "1") == 6 and set(order[-7:]) == set(LOWEST_OF_BALLROOM)


def _genre(run: RunFolder) -> list[Judgement]:
    found = []
    for cell in _many_sets(run, GENRE):
        order = ranked(cell.scores)
        n_large, n_small = (sum(len(name) > 3 for name in order[:7]), sum(len(name) <= 2 for name in order[-7:]))
        found += [
            cell.judge(
                f"The top three are {', '.join(order[:3])}.",
                lambda scores: set(ranked(scores)[:3]) == set(TOP_OF_GENRE),
            ),
            cell.judge(
                f"Of the top 7 ({', '.join(order[:7])}) {n_large} have more than three layers; of all {len(order)} "
                f"sets {sum(len(name) > 3 for name in order)} have.",
                lambda scores: all(len(name) > 3 for name in ranked(scores)[:7]),
            ),
            cell.judge(
                f"Of the lowest 7 ({', '.join(reversed(order[-7:]))}) {n_small} have one or two layers.",
                lambda scores: all(len(name) <= 2 for name in ranked(scores)[-7:]),
            ),
        ]
    return found


def _genres_of_layer_5(run: RunFolder) -> list[Judgement]:
    found = []
    for task in [name for name in run.tasks if name in GENRE]:
        for protocol in run.protocols:
            table = run.predictions(task, "5", protocol)
            if table is not None and {"classical", "disco", "reggae"} <= set(table["truth"]):
                found.append(_judge_genres(task, protocol, table))
    return found


def _judge_genres(task: str, protocol: str, predictions: pd.DataFrame) -> Judgement:
    truth = predictions["truth"]
    right = (truth == predictions["prediction"]).groupby(truth).agg(["mean", "size"])
    draws = np.random.default_rng(0).binomial(right["size"], right["mean"], (N_RESAMPLES, len(right)))
    # A genre's clips are resampled among themselves: its number of right ones is then binomial.
    resampled = pd.DataFrame(draws / right["size"].to_numpy(), columns=right.index)
    mean, spread = right["mean"].mean(), right["mean"].std(ddof=0)
    numbers = ", ".join(f"{genre} {share:.2f}" for genre, share in right["mean"].items())
    evidence = f"Accuracies {numbers}; mean {mean:.2f}, standard deviation {spread:.2f}."
    return TaskScores(task, protocol, "accuracy", right["mean"], lambda: resampled).judge(evidence, _genres_hold)


def _genres_hold(accuracies: pd.Series) -> bool:
    near = (accuracies[["disco", "reggae"]] - accuracies.mean()).abs() <= accuracies.std(ddof=0)
    return accuracies["classical"] >= accuracies.max() and bool(near.all())


def _arousal(run: RunFolder) -> list[Judgement]:
    found = []
    for cell in _many_sets(run, AROUSAL):
        order = ranked(cell.scores)
        evidence = (
            f"Of the top 7 ({', '.join(order[:7])}) {_holding(order[:7], '5')} hold layer 5; of the top 5 "
            f"{_holding(order[:5], '15')} hold 1 and 5."
        )
        found.append(cell.judge(evidence, _arousal_holds))
    return found


def _arousal_holds(scores: pd.Series) -> bool:
    order = ranked(scores)
    return _holding(order[:7], "5") == 7 and _holding(order[:5], "15") == 5


def _valence(run: RunFolder) -> list[Judgement]:
    found = []
    for cell in _many_sets(run, VALENCE):
        order = ranked(cell.scores)
        single = next(name for name in order if len(name) == 1)
        evidence = f"Of the top 6 ({', '.join(order[:6])}) {_holding(order[:6], '3')} hold layer 3; "
        evidence += f"the best single layer is {single}."
        found.append(cell.judge(evidence, _valence_holds))
    return found


def _valence_holds(scores: pd.Series) -> bool:
    order = ranked(scores)
    return _holding(order[:6], "3") == 6 and next(name for name in order if len(name) == 1) == "3"


def _vocal(run: RunFolder) -> list[Judgement]:
    return [_judge_layer_4(cell) for cell in _many_sets(run, VOCAL)]


def _judge_layer_4(cell: TaskScores) -> Judgement:
    with_4 = [name for name in cell.sets() if "4" in name]
    without = [name for name in cell.sets() if "4" not in name]
    lowest, highest = cell.scores[with_4].idxmin(), cell.scores[without].idxmax()
    n_above = int((cell.scores[with_4] > cell.scores[without].max()).sum())
    evidence = (
        f"{n_above} of the {len(with_4)} sets with layer 4 are above all {len(without)} without; the lowest with "
        f"it is {lowest} ({cell.scores[lowest]:.3f}), the highest without {highest} ({cell.scores[highest]:.3f})."
    )
    return cell.judge(evidence, lambda scores: bool(scores[with_4].min() > scores[without].max()))


def _random_convnets(run: RunFolder) -> list[Judgement]:
    return [judgement for cell in task_scores(run) for judgement in _judge_random(cell)]


def _judge_random(cell: TaskScores) -> list[Judgement]:
    trained = cell.sets()
    random = [name for name in cell.scores.index if name.removeprefix(RANDOM) in PAPER_SETS and name not in trained]
    if not trained or not random:
        return []
    words = "The trained convnet's best layer set minus the random one's best"
    found = [cell.judge_difference(words, lambda scores: scores[trained].max() - scores[random].max())]
    if "mfcc" in cell.scores:
        words = "The random convnet's best layer set minus MFCC"
        found.append(cell.judge_difference(words, lambda scores: scores[random].max() - scores["mfcc"]))
    return found


JUDGES: dict[str, Judge] = {
    "a": _sets_beat_mfcc,
    "b": _mfcc_added,
    "c": _ballroom,
    "d": _genre,
    "e": _genres_of_layer_5,
    "f": _arousal,
    "g": _valence,
    "h": _vocal,
    "i": _random_convnets,
}
