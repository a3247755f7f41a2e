"""What may be claimed, in words: from the scores under every protocol, whichever way they turn out."""

import math
from pathlib import Path
from typing import cast

from mgc_keras.datasets.gtzan import COUNTS_OF_COPIES
from mgc_keras.judging.columns import TELLING, TELLING_TOGETHER
from mgc_keras.judging.differences import Difference
from mgc_keras.judging.duplicates import NEAR
from mgc_keras.judging.gtzan import OTHER_GRIDS, PUBLIC_TABLE
from mgc_keras.judging.judge import IN_SECOND, Judgement, Score
from mgc_keras.reporting.findings import Finding
from mgc_keras.reporting.tables import p_relation
from mgc_keras.reporting.verdicts import CLAIM, LEVEL, MIND, NO_CLAIM

NO_ARTISTS = "Artists are not known: clips count as independent; the true interval is wider."
# Columns that leak are sought; what a model learned from the labels of these very clips looks like good features.
IF_UNSEEN = ", if the features were made without these labels, which no table shows"
_NO_COPIES = ", and no clip is there under two names: near rows were not sought"
# The share of clips whose artist may be unknown where others' are known: perhaps they are all by one.
_MOST_UNNAMED = 0.05
# The share of GTZAN's labels that somebody may have corrected; Sturm (2013) doubts about a tenth.
_MOST_CORRECTED = 0.2
# Fewer tested clips are an anecdote.
LEAST_CLIPS = 30
_SHOWN = 3
# What in `Judgement.about` leaves it open which clip is which, or whose.
_UNCERTAIN = ("guesses", "incomplete", "contradictory")
_MADE_FROM_LABELS = (TELLING, TELLING_TOGETHER)
_WHY = {
    "fault_filtered": "By the lists of Kereliuk, Sturm and Larsen (2015) no artist and no recording stands on both "
    "sides, and distorted clips are left out.",
    "own_split": "It is the split that others score on, too.",
    "own_folds": "They are the folds that others score on, too.",
    "artist": "What is tested are artists never heard in training, as far as their names tell.",
    "duplicate": "No artists are known, so the same artist may stand on both sides.",
}


def claims(judgement: Judgement) -> list[Finding]:
    """Say what may be claimed, what may not, and what to mind."""
    quoted = judgement.strictest
    found = [*_quoted(judgement, quoted), *_guesses(judgement), *_contradictory(judgement)]
    if judgement.about["kind"] == "features":
        found += _lax(judgement, quoted) + _choices(judgement)
    if not quoted.artists_known:
        found.append(Finding(NO_ARTISTS, MIND))
    found += _differences(judgement)
    return found + _leaks(judgement)


def interval_text(score: Score) -> str:
    """Return an accuracy with its interval, such as "0.531 [0.474, 0.588]"."""
    if math.isnan(score.low):
        return f"{score.accuracy:.3f} [no interval]"
    return f"{score.accuracy:.3f} [{score.low:.3f}, {score.high:.3f}]"


def why_not_quoted(judgement: Judgement) -> str:
    """Say why the strictest protocol's score is none to quote; "" where it may be."""
    quoted, reasons = judgement.strictest, _untested(judgement)
    if not reasons and quoted.low <= quoted.chance:
        reasons = ["no better than always naming the largest class, as far as these clips show"]
    return "; ".join([*reasons, *_perhaps_leaked(judgement, second=False)])


def _is_measure(judgement: Judgement) -> bool:
    """Tell whether the strictest protocol's score measures the features, so that others may be held against it."""
    return not _untested(judgement) and not _perhaps_leaked(judgement, second=False)


def _untested(judgement: Judgement) -> list[str]:
    """Say what the strictest protocol had too few clips to test."""
    quoted = judgement.strictest
    tested = judgement.predictions.loc[judgement.predictions["protocol"] == quoted.protocol, "truth"]
    n_classes, reasons = int(str(judgement.about["n_classes"])), []
    if math.isnan(quoted.low):
        reasons.append("too few independent clips, artists or songs for an interval")
    if (n_tested := tested.nunique()) < n_classes:
        reasons.append(f"{n_classes - n_tested} of {n_classes} classes have no test clip")
    if quoted.n_clips < LEAST_CLIPS:
        reasons.append(f"{quoted.n_clips} clips were tested, and {LEAST_CLIPS} are the least")
    n_rows = int(str(judgement.about["n_rows"]))
    for name, number in cast(dict, judgement.about.get("incomplete") or {}).items():
        if number > _MOST_UNNAMED * n_rows:
            reasons.append(f"of {number} of {n_rows} clips no {name} is known")
    if (n_others := len(cast(dict, judgement.about.get("contradictory") or {}))) > _MOST_CORRECTED * n_rows:
        reasons.append(f"{n_others} of {n_rows} labels are not those of GTZAN's names")
    return reasons


def _perhaps_leaked(judgement: Judgement, *, second: bool) -> list[str]:
    """Ask whether columns of the first table, or of the second, were made from the labels."""
    found = [remark for remark in judgement.remarks if remark.kind in _MADE_FROM_LABELS]
    columns = [remark.subject for remark in found if remark.detail.endswith(IN_SECOND) == second]
    if not columns:
        return []
    shown = ", ".join(columns[:_SHOWN]) + (", …" if len(columns) > _SHOWN else "")
    return [f"made from the labels? {shown} (below)"]


def _quoted(judgement: Judgement, quoted: Score) -> list[Finding]:
    number = f"Accuracy {interval_text(quoted)} on {quoted.n_clips} clips ({quoted.title}; chance {quoted.chance:.3f})"
    if why := why_not_quoted(judgement):
        return [Finding(f"{number}. Not to be quoted: {why}.", NO_CLAIM)]
    if judgement.about["kind"] == "predictions":
        text = (
            "This holds if the model was trained on none of these clips, nor on their artists: predictions do not tell."
        )
        return [Finding(f"{number}. {text}", MIND)]
    # Where each clip has another artist, random folds keep artists apart.
    apart = quoted.shared == 0 and "artist" in cast(list, judgement.about["in_common"])
    if quoted.strictness == 0 and not apart:
        text = (
            "It may be claimed of new clips by the same artists, not of new artists: no artists and no split are "
            "known, which a column artist in the manifest would mend."
        )
        return [Finding(f"{number}. {text}", MIND)]
    nothing = "Nothing stricter is known of these clips; artists would be."
    text = _WHY["artist"] if apart and quoted.strictness == 0 else _WHY.get(quoted.protocol, nothing)
    is_certain = (apart or quoted.strictness > 1) and not any(map(judgement.about.get, _UNCERTAIN))
    copies = "" if judgement.about.get("near_rows_sought") else _NO_COPIES
    return [Finding(f"{number}{IF_UNSEEN}{copies}. {text}", CLAIM if is_certain else MIND)]


def _guesses(judgement: Judgement) -> list[Finding]:
    guesses = judgement.about.get("guesses")
    if not isinstance(guesses, list) or not guesses:
        return []
    text = (
        f"{len(guesses)} rows were found by the name of the file alone, in other folders or in none ({guesses[0]}). If "
        "these are other recordings, all figures here are void: name the clips by the manifest's clip_id or filepath."
    )
    return [Finding(text, MIND)]


def _contradictory(judgement: Judgement) -> list[Finding]:
    others = cast(dict, judgement.about.get("contradictory") or {})
    if not others:
        return []
    name, label = next(iter(others.items()))
    text = (
        f"{len(others)} labels are not those of GTZAN's names ({name} is labelled {label}). If none is corrected on "
        "purpose, all figures here are void."
    )
    return [Finding(text, MIND)]


def _lax(judgement: Judgement, quoted: Score) -> list[Finding]:
    """Say what laxer protocols would have claimed, and where the difference comes from."""
    found = []
    lax, is_measure = judgement.scores[0], _is_measure(judgement)
    if lax.protocol != quoted.protocol and is_measure:
        text = f"Random folds say {interval_text(lax)}"
        decided = lax.low > quoted.high
        text += (
            f": {lax.accuracy - quoted.accuracy:.3f} more than may be claimed."
            if decided
            else (", which these clips do not tell from the accuracy to quote.")
        )
        if lax.shared > 0:
            text += f" {lax.shared:.0%} of what is tested there has its {_in_common(judgement)} in training."
        if lax.suspected > 0:
            text += f" {lax.suspected:.0%} of what is tested has a suspected duplicate in training."
        found.append(Finding(text, NO_CLAIM if decided else MIND))
    for twin in judgement.against_random:
        if twin.protocol == quoted.protocol and is_measure:
            found.append(Finding(_worth(judgement, twin), MIND))
    refit = next((score for score in judgement.scores if score.protocol == f"{quoted.protocol}_refit"), None)
    if refit is not None:
        text = f"Trained on the validation clips, too, hyperparameters kept: {interval_text(refit)}. Say which it is."
        found.append(Finding(text, MIND))
    for score in judgement.scores:
        shares = ((score.shared, f"its {_in_common(judgement)}"), (score.suspected, "a suspected duplicate"))
        for share, what in shares if score.protocol in ("own_folds", "own_split") else ():
            if share > 0:
                verdict = NO_CLAIM if score.strictness == 0 else MIND
                found.append(
                    Finding(f"In {score.title}, {share:.1%} of what is tested has {what} in training.", verdict)
                )
    return found


def _in_common(judgement: Judgement) -> str:
    """Name what clips are known to have in common, such as "song, album or artist"."""
    words = {"clip": "clip's other rows", "cut_from": "source"}
    names = [words.get(name, name) for name in cast(list[str], judgement.about["in_common"])]
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _worth(judgement: Judgement, twin: Difference) -> str:
    """Say what a random split of the same clips gives, and what it gives on the clips of the given test part."""
    whole = next(score for score in judgement.scores if score.protocol == f"{twin.protocol}_random")
    text = f"The very same clips, split at random {whole.n_splits} times: {interval_text(whole)}. "
    ends = "no interval" if math.isnan(twin.low) else f"{twin.low:+.3f}, {twin.high:+.3f}"
    text += "On the clips that the given split tests, too, each as often as it was drawn: "
    text += f"{twin.first:.3f} against {twin.second:.3f}, difference {twin.difference:+.3f} [{ends}], "
    text += f"p {p_relation(twin.p_value)} ({twin.test}). "
    if twin.p_value < LEVEL and twin.difference > 0:
        return text + "What stands on both sides of a random split (artists, albums, recordings) is worth so much."
    return text + "No advantage of the random split is shown."


def _choices(judgement: Judgement) -> list[Finding]:
    """Say where a choice of hyperparameters was the end of its grid, and what other grids are known to give."""
    found = []
    for table in ("first", "against"):
        told = []
        for score in judgement.scores:
            here = [each for each in judgement.choices if (each.protocol, each.table) == (score.protocol, table)]
            if edges := [each for each in here if each.at_edge]:
                names = " and ".join(sorted({name for each in edges for name in each.at_edge}))
                n_edges = sum(each.n_splits for each in edges)
                told.append(f"{names} in {n_edges} of {score.n_splits} splits of {score.title}")
        if told:
            whose = "" if table == "first" else " (the second table)"
            text = f"Chosen at the edge of the grid{whose}: {'; '.join(told)}. Another grid may score otherwise."
            found.append(Finding(text, MIND))
    hashes, options = judgement.about.get("sha256"), judgement.about.get("options")
    is_svm = isinstance(options, dict) and options.get("classifier") == "svm"
    if is_svm and isinstance(hashes, dict) and hashes.get(str(Path(str(judgement.about["features"])))) == PUBLIC_TABLE:
        found.append(Finding(OTHER_GRIDS, MIND))
    return found


def _differences(judgement: Judgement) -> list[Finding]:
    if not judgement.differences:
        return []
    key = judgement.strictest.protocol
    found = next(each for each in judgement.differences if each.protocol == key)
    ends = "no interval" if math.isnan(found.low) else f"{found.low:+.3f}, {found.high:+.3f}"
    numbers = f"{found.first:.3f} against {found.second:.3f}, difference {found.difference:+.3f} [{ends}]"
    numbers += f", p {p_relation(found.p_value)} by itself ({found.test})"
    numbers += f", {p_relation(found.p_holm)} after Holm's correction for {len(judgement.differences)} tests"
    if why := [*_perhaps_leaked(judgement, second=False), *_perhaps_leaked(judgement, second=True)]:
        return [
            Finding(f"Which of the two tables is better is not to be claimed: {'; '.join(why)}. {numbers}.", NO_CLAIM)
        ]
    if found.p_holm < LEVEL:
        better = "first" if found.difference > 0 else "second"
        unseen = IF_UNSEEN if judgement.about["kind"] == "features" else ", if no model was trained on these clips"
        return [Finding(f"The {better} table is better under the strictest protocol: {numbers}{unseen}.", CLAIM)]
    return [Finding(f"Which of the two tables is better is not decided: {numbers}.", NO_CLAIM)]


def _leaks(judgement: Judgement) -> list[Finding]:
    found = []
    equal = [remark for remark in judgement.remarks if remark.kind == "equal rows"]
    near = [remark for remark in judgement.remarks if remark.kind == "near rows"]
    if equal or near:
        text = f"{len(equal)} pairs of clips have equal rows"
        if near:
            text += f", {len(near)} more are nearer than {NEAR:g} of the distance to their fifth neighbours"
        text += ": they look like one recording under two names."
        if odd := [remark for remark in (*equal, *near) if "labelled" in remark.detail]:
            text += f" With different labels: {len(odd)}, such as {odd[0].subject} and {odd[0].other}."
        if judgement.copies:
            text += f" {COUNTS_OF_COPIES}"
        found.append(Finding(text, MIND))
    columns = [remark for remark in judgement.remarks if remark.kind in (*_MADE_FROM_LABELS, "leaking column")]
    columns.sort(key=lambda remark: remark.kind not in _MADE_FROM_LABELS)
    for remark in columns[:5]:
        column = "Columns" if remark.kind == TELLING_TOGETHER else "Column"
        found.append(Finding(f"{column} {remark.subject} {remark.detail}.", MIND))
    if len(columns) > 5:
        found.append(Finding(f"{len(columns) - 5} more columns leak, or look like it; they are listed below.", MIND))
    return found
