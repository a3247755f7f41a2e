"""The report of a study that compares transfer with a random start, drawn only from the run's saved files."""

from collections.abc import Callable
from html import escape

import pandas as pd

from mgc_keras.reporting.claims import LEVEL, Finding, headline_protocol
from mgc_keras.reporting.html import figure_html, folded, heading, paragraph, table_html
from mgc_keras.reporting.tables import NONE, interval_text, p_text
from mgc_keras.reporting.tables import heading as protocol_heading
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.report import audit, configuration, errors, reproduce, training
from mgc_keras.studies.song2017.figures import draw_curves

# Song et al. (2017), Table 1, on GTZAN.
PAPER_ACCURACY = {"random-start": 0.935, "transfer": 0.958}
SOURCE = "source"
# What the paper says of each quantity, and which sign of "transfer minus random start" agrees with it.
CLAIMS = {
    "accuracy": ("The paper: after pre-training on tags the accuracy is higher (95.8 against 93.5 %).", 1),
    "epochs_to_90": ("The paper: after pre-training fewer epochs are needed (here: to 90 % of the last accuracy).", -1),
}


UNITS = {"accuracy": "", "epochs_to_90": " epochs"}
BADGES = {"better": "Confirmed", "worse": "Contradicted", "not decided": "Not decided"}


def claims(run: RunFolder) -> list[Finding]:
    """Say of each of the paper's claims whether this run confirms it, contradicts it, or does not decide.

    Judged under the corrected protocol where it was run; over seeds where there are several, else over folds.
    """
    protocol = headline_protocol(run)
    found = []
    for quantity, (claim, sign) in CLAIMS.items():
        for row in _evidence(run, protocol, quantity).itertuples(index=False):
            decided = row.p_value < LEVEL
            verdict = ("better" if row.difference * sign > 0 else "worse") if decided else "not decided"
            word = {"better": "confirms", "worse": "contradicts", "not decided": "does not decide"}[verdict]
            p_value = p_text(row.p_value) if row.p_value < 0.001 else f"= {p_text(row.p_value)}"
            text = (
                f"{claim} On {row.task}, {protocol} protocol, this run {word} it: transfer minus random start is "
                f"{row.difference:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}]{UNITS[quantity]} over {row.units}, "
                f"p {p_value}."
            )
            found.append(Finding(text, verdict))
    return found


def table_one(run: RunFolder) -> pd.DataFrame:
    """Return the paper's Table 1: Task, Start, Paper (GTZAN), and a column a protocol, with 95 % intervals."""
    rows = []
    scores = run.scores[run.scores["task"] != SOURCE]
    for (task, start), cell in scores.groupby(["task", "feature"], sort=False):
        paper = PAPER_ACCURACY.get(start)
        row = {"Task": task, "Start": start.replace("-", " "), "Paper (GTZAN)": f"{paper:.3f}" if paper else NONE}
        for protocol in _protocols(run):
            here = cell[cell["protocol"] == protocol]
            row[protocol_heading(protocol)] = interval_text(here.iloc[0]) if len(here) else NONE
        rows.append(row)
    return pd.DataFrame(rows)


def glance(run: RunFolder) -> list[str]:
    """The claims, either way, and Table 1."""
    if not _protocols(run):
        return [paragraph("Only the pre-training was run; `finetune` compares its network with a random start.")]
    items = "".join(
        f'<li class="{one.verdict.split()[0]}"><b>{BADGES[one.verdict]}</b><span>{escape(one.text)}</span></li>'
        for one in claims(run)
    )
    note = (
        "In brackets: 95 % intervals, bootstrap over clips, or over artists where they are known; all predictions of a "
        "clip are drawn together. Published: plain shuffled folds, the epoch as the option published_epoch says, so "
        "its figure knows the test clips unless that is `last`. Corrected: artists kept in one fold where known, "
        "the epoch chosen on clips left out of the training part."
    )
    return [
        *(paragraph(caveat, "caveat") for caveat in run.config.get("caveats", [])),
        f'<ul class="findings">{items}</ul>' if items else paragraph("Nothing was compared."),
        table_html(table_one(run), grouped_by="Task"),
        paragraph(note, "quiet"),
    ]


def curves(run: RunFolder) -> list[str]:
    """Learning curves and what they come to."""
    parts = []
    for task in [name for name in run.tasks if name != SOURCE]:
        for protocol in _protocols(run):
            drawn = draw_curves(run, task, protocol)
            if drawn is not None:
                caption = f"{task}, {protocol} protocol: means over folds; bands from the lowest to the highest tenth."
                parts += [heading(f"{task}, {protocol} protocol"), figure_html(drawn, caption)]
    levels = _optional(run, "levels.csv")
    if len(levels):
        parts.append(table_html(levels, grouped_by="task"))
        parts.append(
            paragraph(
                "Means over folds. epochs_to_90: the first epoch with 90 % of the fold's own last test accuracy. "
                "epochs_to_level: the first epoch at which the mean curve reaches 90 % of the random start's last "
                "value, blank if it never does.",
                "quiet",
            )
        )
    return parts or [paragraph("Nothing was fine-tuned in this run.")]


def paired(run: RunFolder) -> list[str]:
    """Tests over folds, and intervals over seeds."""
    if run.comparisons.empty:
        return [paragraph("No paired tests were saved.")]
    text = (
        "Both starts see the same folds, the same order of clips and the same random head. Over folds: Nadeau and "
        "Bengio's corrected t-test, which allows for folds sharing their training clips; p (Holm) corrects for all tests of "
        "a protocol. Over seeds: other weights, folds and pre-training, the same clips; that tells nothing of other clips."
    )
    tests = run.comparisons.drop(columns=["feature_a", "feature_b"]).rename(columns={"metric": "quantity"})
    parts = [paragraph(text), table_html(tests, grouped_by="task")]
    seeds = _optional(run, "seed_intervals.csv")
    return [*parts, heading("Over seeds"), table_html(seeds, grouped_by="task")] if len(seeds) else parts


def pretraining(run: RunFolder) -> list[str]:
    """The training of the source network, and its tags."""
    source = run.scores[run.scores["task"] == SOURCE]
    tags = _optional(run, "source_tags.csv")
    parts = training(run)
    for row in source.itertuples():
        text = f"Macro AUC-ROC on {row.n_clips} held-out clips: {row.score:.3f} [{row.ci_low:.3f}, {row.ci_high:.3f}]"
        left_out = list(tags.loc[tags["auc"].isna(), "tag"]) if len(tags) else []
        named = f" ({', '.join(left_out)})" if left_out else ""
        parts.append(paragraph(f"{text}; {len(left_out)} tags without both kinds of clips are left out{named}."))
    return [*parts, folded(f"All {len(tags)} tags", table_html(tags))] if len(tags) else parts


def _protocols(run: RunFolder) -> list[str]:
    tuned = set(run.scores.loc[run.scores["task"] != SOURCE, "protocol"])
    return [name for name in run.protocols if name in tuned]


def _evidence(run: RunFolder, protocol: str, quantity: str) -> pd.DataFrame:
    """Rows of task, difference, ci_low, ci_high, p_value and, in words, over what."""
    seeds = _optional(run, "seed_intervals.csv")
    if len(seeds):
        rows = seeds[(seeds["protocol"] == protocol) & (seeds["quantity"] == quantity)]
        return rows.assign(p_value=rows["p_holm"], units=rows["n_seeds"].astype(str) + " seeds (the same clips)")
    tests = run.comparisons
    rows = tests[(tests["protocol"] == protocol) & (tests["metric"] == quantity)]
    return rows.assign(p_value=rows["p_holm"], units="folds")


def _optional(run: RunFolder, name: str) -> pd.DataFrame:
    path = run.folder / name
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()


TRANSFER_SECTIONS: dict[str, Callable[[RunFolder], list[str]]] = {
    "In one glance": glance,
    "Learning curves": curves,
    "Paired tests": paired,
    "Pre-training": pretraining,
    "Audit": audit,
    "Errors": errors,
    "Configuration": configuration,
    "How to reproduce": reproduce,
}
