"""The report of the Asgharivaskasi 2019 study, drawn only from the run's saved files."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import pandas as pd

from mgc_keras.reporting.claims import LEVEL, Finding, findings, headline_protocol
from mgc_keras.reporting.html import figure_html, heading, paragraph, table_html
from mgc_keras.reporting.rate_finder import draw_rate_search
from mgc_keras.reporting.style import BLUE, ORANGE, figure_legend, label_axes, new_figure, save_png
from mgc_keras.reporting.tables import NONE, interval_text
from mgc_keras.reporting.tables import heading as protocol_heading
from mgc_keras.runs.reader import RunFolder
from mgc_keras.studies.choi2017.report import configuration, errors, paired, reproduce

PAPER_TASK = "gtzan_genre"
# Validation accuracies on GTZAN; the paper's other figures are not at hand.
PAPER_ACCURACY = {"vgg16": 0.75, "resnet34": 0.79}
BADGES = {"better": "Better", "worse": "Worse", "not decided": "Not decided", "mixed": "Mixed"}
_CURVES = {"loss": ("Cross-entropy (nats a clip)", "loss", "validation_loss")}
_CURVES["accuracy"] = ("Accuracy (share of clips)", "training_accuracy", "validation_accuracy")
_RANDOM_START = (
    "These backbones started from random weights: {names}. Their scores say what a network that never saw a picture makes "
    "of these clips, and nothing of ImageNet transfer, which is what the paper's figures are about."
)
_BASELINES = ("svm", "softmax", "tree", "naive_bayes", "knn")


def claims(run: RunFolder) -> list[Finding]:
    """Say whether the skip-GRU over-fits less than the GRU at equal validation accuracy, as the paper has it.

    Confirmed needs a smaller gap (p after Holm below 0.05) and a validation accuracy that is not lower. Nothing is said
    where fewer than two seeds were run.
    """
    path = run.folder / "seed_intervals.csv"
    protocol, found = headline_protocol(run), []
    table = read_or_empty(path)
    for task, rows in table[table["protocol"] == protocol].groupby("task", sort=False) if len(table) else ():
        cells = rows.set_index("quantity")
        gap, accuracy = cells.loc["gap"], cells.loc["validation_accuracy"]
        lower = accuracy["difference"] < 0 and accuracy["p_holm"] < LEVEL
        decided = gap["p_holm"] < LEVEL
        verdict = "not decided" if not decided else "better" if gap["difference"] < 0 and not lower else "worse"
        word = {"better": "confirms", "worse": "contradicts", "not decided": "does not decide"}[verdict]
        found.append(
            Finding(
                f"The paper: a skip-GRU over-fits less than a GRU at equal validation accuracy. On {task}, {protocol} "
                f"protocol, {int(gap['n_seeds'])} seeds, this run {word} it: the gap between training and validation "
                f"accuracy changes by {change_text(gap)}, validation accuracy by {change_text(accuracy)}.",
                verdict,
            )
        )
    return found


def score_tables(run: RunFolder, task: str) -> dict[str, pd.DataFrame]:
    """Return the paper's Tables 2 (classic classifiers) and 3 (networks): Classifier, Paper (GTZAN), a column a protocol."""
    scores = run.scores[run.scores["task"] == task]
    is_baseline = scores["feature"].str.removesuffix("-3s").str.removesuffix("-segmented").isin(_BASELINES)
    tables = {}
    for title, cells in (("Classic classifiers", scores[is_baseline]), ("Networks", scores[~is_baseline])):
        rows = []
        for feature, part in cells.groupby("feature", sort=False):
            row = {"Classifier": feature}
            if not is_baseline[part.index].any():
                row["Paper (GTZAN)"] = f"{PAPER_ACCURACY[feature]:.2f}" if feature in PAPER_ACCURACY else NONE
            for protocol in run.protocols:
                here = part[part["protocol"] == protocol]
                row[protocol_heading(protocol)] = interval_text(here.iloc[0]) if len(here) else NONE
            rows.append(row)
        if rows:
            tables[title] = pd.DataFrame(rows)
    return tables


def draw_training(run: RunFolder, folder: Path) -> Path:
    """Draw loss and accuracy by epoch of one training (the paper's Figures 8 to 17)."""
    curve = pd.read_csv(folder / "curve.csv")
    figure, axes = new_figure(10.5, 3.8, 2, across=True)
    for one, (title, (unit, training, validation)) in zip(axes, _CURVES.items(), strict=True):
        one.plot(curve["epoch"], curve[training], color=BLUE, linewidth=1.8, label="training clips (as learnt from)")
        one.plot(
            curve["epoch"], curve[validation], color=ORANGE, linestyle="--", linewidth=1.8, label="validation clips"
        )
        label_axes(one, title.capitalize(), "Epoch", unit)
        one.xaxis.get_major_locator().set_params(integer=True)
    axes[1].set_ylim(0, 1.02)
    figure_legend(figure, axes[0].get_legend_handles_labels()[0])
    return save_png(figure, run.folder / "figures" / f"{folder.name}.png")


def glance(run: RunFolder) -> list[str]:
    """The claims, either way, and Tables 2 and 3."""
    protocol = headline_protocol(run)
    found = [*claims(run), *findings(run, protocol)]
    items = "".join(
        f'<li class="{one.verdict.split()[0]}"><b>{BADGES[one.verdict]}</b><span>{escape(one.text)}</span></li>'
        for one in found
    )
    note = (
        "In brackets: 95 % intervals, bootstrap over test clips, or over artists where they are known. Published: one "
        "stratified split; the epoch is chosen on the very clips that are scored, as the paper does. Corrected: artists on "
        "one side of the split; a validation part of the training clips chooses the epoch, and settings of classic classifiers."
    )
    weights = run.config.get("options", {}).get("backbone_weights") or {}
    trained = set(run.scores["feature"])
    random = [name for name, value in weights.items() if value == "none" and any(name in one for one in trained)]
    parts = [paragraph(_RANDOM_START.format(names=", ".join(random)), "caveat")] if random else []
    layers = run.config.get("options", {}).get("trainable_from") or {}
    fine_tuned = [f"{name} from {layer} on" for name, layer in layers.items() if any(name in one for one in trained)]
    if fine_tuned:
        parts.append(paragraph(f"Backbones that were trained, too: {', '.join(fine_tuned)}. The others were frozen."))
    parts.append(f'<ul class="findings">{items}</ul>' if items else paragraph("Nothing was compared."))
    for task in run.tasks:
        for title, table in score_tables(run, task).items():
            parts += [heading(f"{task}: {title.lower()}"), table_html(table)]
    return [*parts, paragraph(note, "quiet")]


def training(run: RunFolder) -> list[str]:
    """Curves of every training of the first seed."""
    seed = run.config.get("options", {}).get("seed", 0)
    folders = sorted(run.folder.glob(f"training/*__seed{seed}"))
    parts = []
    for folder in folders:
        if not (folder / "curve.csv").is_file():
            continue
        task, name, protocol, _ = folder.name.split("__")
        title = f"{name} on {task}, {protocol} protocol"
        parts += [heading(title), figure_html(draw_training(run, folder), f"{title}: one line a part of the split.")]
        if (folder / "rates.csv").is_file():
            drawn = draw_rate_search(folder / "rates.csv", run.folder / "figures" / f"{folder.name}_rates.png")
            parts.append(figure_html(drawn, f"{title}: the search for a learning rate."))
    return parts or [paragraph("No network was trained in this run.")]


def over_seeds(run: RunFolder) -> list[str]:
    """The recurrent networks, over seeds."""
    table = read_or_empty(run.folder / "seed_intervals.csv")
    if table.empty:
        return [paragraph("One seed was run: `--seeds 5` tells how much of a difference is chance.")]
    text = (
        "skip-rnn (a) minus rnn (b), trained with the same seeds on the same clips, at each training's best epoch; gap: training "
        "minus validation accuracy. t-intervals over seeds: they tell nothing of other clips. p (Holm) over all rows of a protocol."
    )
    return [paragraph(text), table_html(table, grouped_by="task")]


def change_text(row: pd.Series) -> str:
    """Return "+0.012 [-0.003, +0.027]" of a difference with its interval."""
    return f"{row['difference']:+.3f} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"


def read_or_empty(path: Path) -> pd.DataFrame:
    """Read a table; an empty one where the file is absent or empty."""
    try:
        return pd.read_csv(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame()


GENRE_NETWORK_SECTIONS: dict[str, Callable[[RunFolder], list[str]]] = {
    "In one glance": glance,
    "Training": training,
    "Over seeds": over_seeds,
    "Paired tests": paired,
    "Errors": errors,
    "Configuration": configuration,
    "How to reproduce": reproduce,
}
