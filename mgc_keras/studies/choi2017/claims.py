"""Choi et al.'s claims (2017), judged from scores and, where they were saved, from predictions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from math import isnan, nan

import numpy as np
import pandas as pd

from mgc_keras.evaluation.intervals import percentiles
from mgc_keras.evaluation.resampling import average_folds, bootstrap_counts, unit_sums
from mgc_keras.reporting.tables import change_text, metric_name
from mgc_keras.reporting.verdicts import BETTER, WORSE
from mgc_keras.runs.claims import CONFIRMED, NOT_DECIDED, REFUTED
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.summary import columns_for, groups_of
from mgc_keras.studies.choi2017.feature_sets import RANDOM, feature_order, layer_sets
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
from mgc_keras.studies.common.paper import GTZAN

# The paper's tasks, and the built-in task that stands for each.
BALLROOM = ("ballroom_extended", "dance")
GENRE = (GTZAN, "genre")
AROUSAL = ("emoMusic_a", "emotion_a")
VALENCE = ("emoMusic_v", "emotion_v")
VOCAL = ("jamendo_vd", "voice")
EVENTS = ("urbansound", "events")
LOWEST_OF_BALLROOM = ("5", "4", "3", "45", "35", "2", "25")
TOP_OF_GENRE = ("12345", "2345", "1234")

N_TASKS = 6
N_RESAMPLES = 1000
# The 28 sets that the paper ran: its sentences speak of no others.
PAPER_SETS = tuple(layer_sets("published"))
# A top and a bottom of seven sets each need more sets than this.
_FEW_SETS = 14
# A statement about ranks is decided where it holds, or fails, in this share of resamples.
_SURE = 0.975
_NO_INTERVAL = "Scores alone: no predictions were saved, so there is no interval."
# By feature, or by genre. A sentence is asked of thousands of resamples: looked up in a dictionary, not in a Series,
# which takes a thousand times as long.
Scores = Mapping[str, float]
# From scores to the evidence for a sentence, and to whether it holds.
Sentence = Callable[[Scores], tuple[str, bool]]


@dataclass(frozen=True, eq=False)
class TaskScores:
    """Scores of a task's features under one protocol, and the same of resampled clips.

    Parameters
    ----------
    task, protocol, metric : str
    scores : dict of str to float
        By feature.
    resample : function of () to pd.DataFrame [shape=(n_resamples, n_features)] or None
        Returns scores of bootstrap resamples of clips (corrected: of artists), the same draws for all features; None
        where a feature's predictions were not saved.
    """

    task: str
    protocol: str
    metric: str
    scores: dict[str, float]
    resample: Callable[[], pd.DataFrame | None]

    @cached_property
    def resampled(self) -> pd.DataFrame | None:
        """What `resample` returns, drawn when first asked for."""
        return self.resample()

    def judged(self, evidence: str, verdict: str, why: str = "") -> Judgement:
        """Return a judgement on this task and protocol."""
        return Judgement(self.task, self.protocol, evidence, verdict, why)

    def judge(self, evidence: str, holds: Callable[[Scores], bool]) -> Judgement:
        """Judge a statement about the scores: decided where the scores and nearly all resamples agree."""
        found = CONFIRMED if holds(self.scores) else REFUTED
        if self.resampled is None:
            return self.judged(f"{evidence} {_NO_INTERVAL}", found)
        share = _of_each(self.resampled, holds).mean()
        why = f"The sentence holds in {share:.0%} of {len(self.resampled)} resamples of the clips."
        if (share if found == CONFIRMED else 1 - share) >= _SURE:
            return self.judged(f"{evidence} {why}", found)
        return self.judged(evidence, NOT_DECIDED, why)

    def judge_sentence(self, told: Sentence) -> Judgement:
        """Judge a sentence by the evidence that it gives itself; see `judge`."""
        return self.judge(told(self.scores)[0], lambda scores: told(scores)[1])

    def judge_difference(self, words: str, difference: Callable[[Scores], float]) -> Judgement:
        """Judge a difference of scores by its sign, and by its 95 % interval where there is one."""
        found = difference(self.scores)
        if self.resampled is None:
            return self.without_interval(words, found, CONFIRMED if found >= 0 else REFUTED)
        low, high = _interval(self.resampled, difference)
        verdict = judged_interval(low, high)
        evidence = f"{words} is {change_text(found, low, high)} in {metric_name(self.metric)}."
        return self.judged(evidence, verdict, INCLUDES_ZERO if verdict == NOT_DECIDED else "")

    def without_interval(self, words: str, difference: float, verdict: str) -> Judgement:
        """Judge a difference by its sign alone."""
        return self.judged(f"{words} is {difference:+.3f} in {metric_name(self.metric)}. {_NO_INTERVAL}", verdict)


def task_scores(run: RunFolder, tasks: Iterable[str] | None = None) -> list[TaskScores]:
    """Return the scores of the run's tasks, or of those named, under each of its protocols."""
    names = [name for name in run.tasks if (tasks is None or name in tasks) and run.metric(name) != "auc"]
    found = []
    for task, protocol in product(names, run.protocols):
        cells = run.scores[(run.scores["task"] == task) & (run.scores["protocol"] == protocol)]
        if len(cells):
            scores = cells.set_index("feature")["score"].loc[feature_order(cells["feature"])].to_dict()
            resample = partial(_resampled, run, task, protocol, list(scores))
            found.append(TaskScores(task, protocol, run.metric(task), scores, resample))
    return found


def sets_in(scores: Scores, prefix: str = "") -> list[str]:
    """Return the trained convnet's layer sets among the features, or with `RANDOM` before them the random one's."""
    return [name for name in scores if name.startswith(prefix) and name.removeprefix(prefix) in PAPER_SETS]


def ranked(scores: Scores) -> list[str]:
    """Return the trained convnet's layer sets from the highest score to the lowest, the smaller first among equals.

    Sets without a score come last.
    """
    return sorted(sets_in(scores), key=lambda name: (isnan(scores[name]), -scores[name]))


def _known(scores: Scores, prefix: str = "") -> list[str]:
    return [name for name in sets_in(scores, prefix) if not isnan(scores[name])]


def _best(scores: Scores, prefix: str = "") -> float:
    return max((scores[name] for name in _known(scores, prefix)), default=nan)


def _of_each(resampled: pd.DataFrame, told: Callable[[Scores], float]) -> np.ndarray:
    return np.array([told(scores) for scores in resampled.to_dict("records")])


def _interval(resampled: pd.DataFrame, number: Callable[[Scores], float]) -> tuple[float, float]:
    return percentiles(_of_each(resampled, number))


def _resampled(run: RunFolder, task: str, protocol: str, features: list[str]) -> pd.DataFrame | None:
    metric, found = run.metric(task), [run.predictions(task, feature, protocol) for feature in features]
    tables = [table for table in found if table is not None]
    clips = tables[0]["clip_id"] if len(tables) == len(features) else ()
    if not len(clips) or any(set(table["clip_id"]) != set(clips) for table in tables):
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
        sets = sets_in(cell.scores)
        if len(sets) < 2 or "mfcc" not in cell.scores:
            continue
        evidence = (
            f"{_n_better(cell.scores)} of {len(sets)} layer sets have a higher {metric_name(cell.metric)} than MFCC"
        )
        if cell.resampled is not None:
            low, high = _interval(cell.resampled, _n_better)
            evidence += f" (95 % interval {low:.0f} to {high:.0f})"
        found.append(cell.judge(f"{evidence}.", lambda scores: 2 * _n_better(scores) > len(sets_in(scores))))
    return _of_all_tasks(found)


def _of_all_tasks(found: list[Judgement]) -> list[Judgement]:
    """Decide nothing on some tasks where the sentence speaks of all of the paper's; arousal and valence are one."""
    told = []
    for each in found:
        beside = [one for one in found if one.protocol == each.protocol]
        holds = {_dataset(one.task) for one in beside if one.verdict == CONFIRMED}
        if each.verdict == CONFIRMED and len({_dataset(one.task) for one in beside}) < N_TASKS:
            why = f"It holds on {len(holds)} of {N_TASKS} tasks ({each.protocol} protocol), and speaks of all of them."
            each = replace(each, verdict=NOT_DECIDED, why=why, evidence=f"{each.evidence} {why}")
        told.append(each)
    return told


def _dataset(task: str) -> str:
    return next((tasks[0] for tasks in (AROUSAL, VALENCE) if task in tasks), task).removesuffix("_a").removesuffix("_v")


def _n_better(scores: Scores) -> int:
    return sum(scores[name] > scores["mfcc"] for name in sets_in(scores))


def _mfcc_added(run: RunFolder) -> list[Judgement]:
    pair, words = ("mfcc+12345", "12345"), "mfcc+12345 minus 12345"
    tested = {(row["task"], row["protocol"]): row for m in ("accuracy", "r2") for row in differences(run, [pair], m)}
    found = []
    for cell in task_scores(run):
        helps = cell.task in EVENTS
        if not set(pair) <= set(cell.scores):
            continue
        row = tested.get((cell.task, cell.protocol))
        if row is not None:
            found.append(judged_difference(row, words, wanted=BETTER if helps else WORSE))
        else:
            difference = cell.scores[pair[0]] - cell.scores[pair[1]]
            found.append(cell.without_interval(words, difference, CONFIRMED if (difference > 0) == helps else REFUTED))
    return found


def _of_many_sets(tasks: tuple[str, ...], *sentences: Sentence) -> Judge:
    """Return the judge of sentences about the scores of many sets."""

    def judge(run: RunFolder) -> list[Judgement]:
        return [
            cell.judge_sentence(told)
            for cell in task_scores(run, tasks)
            if len(sets_in(cell.scores)) > _FEW_SETS
            for told in sentences
        ]

    return judge


def _holding(sets: list[str], layers: str) -> int:
    return sum(set(layers) <= set(name) for name in sets)


def _ballroom(scores: Scores) -> tuple[str, bool]:
    order = ranked(scores)
    top, lowest = order[:7], order[-7:]
    n_2, n_1, n_low = _holding(top, "2"), _holding(top, "1"), len(set(lowest) & set(LOWEST_OF_BALLROOM))
    evidence = (
        f"The top 7 are {', '.join(top)}: {n_2} hold layer 2, {n_1} layer 1. The lowest 7 are "
        f"{', '.join(reversed(lowest))}: {n_low} of them are the paper's."
    )
    return evidence, (n_2, n_1, n_low) == (7, 6, 7)


def _top_three(scores: Scores) -> tuple[str, bool]:
    order = ranked(scores)
    return f"The top three are {', '.join(order[:3])}.", set(order[:3]) == set(TOP_OF_GENRE)


def _large_on_top(scores: Scores) -> tuple[str, bool]:
    order = ranked(scores)
    n_top, n_all = (sum(len(name) > 3 for name in sets) for sets in (order[:7], order))
    top = ", ".join(order[:7])
    evidence = f"Of the top 7 ({top}) {n_top} have more than three layers; of all {len(order)} sets {n_all} have."
    return evidence, n_top == 7


def _small_below(scores: Scores) -> tuple[str, bool]:
    order = ranked(scores)
    n_small = sum(len(name) <= 2 for name in order[-7:])
    return f"Of the lowest 7 ({', '.join(reversed(order[-7:]))}) {n_small} have one or two layers.", n_small == 7


def _arousal(scores: Scores) -> tuple[str, bool]:
    order = ranked(scores)
    n_5, n_both = _holding(order[:7], "5"), _holding(order[:5], "15")
    evidence = f"Of the top 7 ({', '.join(order[:7])}) {n_5} hold layer 5; of the top 5 {n_both} hold 1 and 5."
    return evidence, (n_5, n_both) == (7, 5)


def _valence(scores: Scores) -> tuple[str, bool]:
    order = ranked(scores)
    top, single = order[:6], next((name for name in order if len(name) == 1), "none")
    n_3 = _holding(top, "3")
    evidence = f"Of the top 6 ({', '.join(top)}) {n_3} hold layer 3; the best single layer is {single}."
    return evidence, n_3 == 6 and single == "3"


def _genres_of_layer_5(run: RunFolder) -> list[Judgement]:
    found = []
    for task, protocol in product([name for name in run.tasks if name in GENRE], run.protocols):
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
    cell = TaskScores(task, protocol, "accuracy", right["mean"].to_dict(), lambda: resampled)
    return cell.judge(evidence, _genres_hold)


def _genres_hold(accuracies: Scores) -> bool:
    values = np.array(list(accuracies.values()))
    near = all(abs(accuracies[genre] - values.mean()) <= values.std() for genre in ("disco", "reggae"))
    return bool(accuracies["classical"] >= values.max() and near)


def _vocal(scores: Scores) -> tuple[str, bool]:
    sets = _known(scores)
    with_4, without = ([name for name in sets if ("4" in name) == held] for held in (True, False))
    lowest, highest = min(with_4, key=scores.__getitem__), max(without, key=scores.__getitem__)
    n_above = sum(scores[name] > scores[highest] for name in with_4)
    evidence = (
        f"{n_above} of the {len(with_4)} sets with layer 4 are above all {len(without)} without; the lowest with "
        f"it is {lowest} ({scores[lowest]:.3f}), the highest without {highest} ({scores[highest]:.3f})."
    )
    return evidence, scores[lowest] > scores[highest]


def _random_convnets(run: RunFolder) -> list[Judgement]:
    found = []
    for cell in task_scores(run):
        if not sets_in(cell.scores) or not sets_in(cell.scores, RANDOM):
            continue
        words = "The trained convnet's best layer set minus the random one's best"
        found.append(cell.judge_difference(words, lambda scores: _best(scores) - _best(scores, RANDOM)))
        if "mfcc" in cell.scores:
            words = "The random convnet's best layer set minus MFCC"
            found.append(cell.judge_difference(words, lambda scores: _best(scores, RANDOM) - scores["mfcc"]))
    return found


JUDGES: dict[str, Judge] = {
    "a": _sets_beat_mfcc,
    "b": _mfcc_added,
    "c": _of_many_sets(BALLROOM, _ballroom),
    "d": _of_many_sets(GENRE, _top_three, _large_on_top, _small_below),
    "e": _genres_of_layer_5,
    "f": _of_many_sets(AROUSAL, _arousal),
    "g": _of_many_sets(VALENCE, _valence),
    "h": _of_many_sets(VOCAL, _vocal),
    "i": _random_convnets,
}
