"""A judgement on disk: a page in plain words, the numbers as JSON, what leaks and every prediction as CSV."""

import datetime
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mgc_keras.files import csv_lines, escape_formula, write_text
from mgc_keras.judging.choices import Choice, values_text
from mgc_keras.judging.claims import claims, interval_text, why_not_quoted
from mgc_keras.judging.judge import Judgement, Score
from mgc_keras.outputs import begins_with, check_replaceable
from mgc_keras.reporting.confusion import confusion_matrix, draw_confusion
from mgc_keras.reporting.page import FigureImage, FindingList, Folded, Paragraph, Part, Preformatted, Table, render
from mgc_keras.reporting.style import BLUE, DARK, GREEN, label_axes, new_figure, save_png
from mgc_keras.reporting.tables import p_text
from mgc_keras.work import machine, read_record, versions, write_record

_TITLE = "mgc-keras judge: "
_LEAK_COLUMNS = ("kind", "subject", "other", "detail")
_PREDICTION_HEAD = "protocol,repeat,fold,clip_id,truth,prediction"
_ROWS_SHOWN = 10
_COLUMNS = (
    "Clips: the different clips that were tested; several random splits together may test one clip more than once, and "
    'another never. Independent: clips of one artist or recording count once; "at most" where artists are not known. '
    "Also in training: the share of what is tested whose artist, album, song or clip, as far as columns name them, is "
    "trained on as well; suspected: whose suspected duplicate is."
)
_TESTS = (
    "Both on the same clips and splits. Over several splits: the corrected resampled t-test of Nadeau and Bengio, "
    "since training sets overlap. On one test part: McNemar's exact test, or swaps of whole artists or recordings. p "
    "(Holm) corrects for all rows."
)


@dataclass(frozen=True)
class JudgementFiles:
    """Where a judgement goes."""

    report: Path

    @property
    def numbers(self) -> Path:
        """The JSON."""
        return self.report.with_suffix(".json")

    @property
    def leaks(self) -> Path:
        """The CSV of what leaks."""
        return self.report.with_name(f"{self.report.stem}_leaks.csv")

    @property
    def predictions(self) -> Path:
        """The CSV of predictions."""
        return self.report.with_name(f"{self.report.stem}_predictions.csv")

    def paths(self) -> list[Path]:
        """Return all of them; the page is the last."""
        return [self.leaks, self.predictions, self.numbers, self.report]

    def check(self, inputs: list[str | Path], field: str) -> None:
        """Raise `OptionError` if one would take the place of an input, or of what is no judgement."""
        kinds = [
            (self.report, lambda path: _TITLE in _head(path), "report of this command"),
            (self.numbers, lambda path: "judged" in read_record(path), "record of this command"),
            (self.leaks, lambda path: begins_with(path, ",".join(_LEAK_COLUMNS) + "\n"), "list of this command"),
            (self.predictions, lambda path: begins_with(path, _PREDICTION_HEAD), "table of predictions"),
        ]
        for path, is_own, what in kinds:
            check_replaceable([path], is_own, what, inputs, field)


def _head(path: Path) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(400)
    except OSError:
        return ""


def record(judgement: Judgement) -> dict[str, Any]:
    """Return all numbers for JSON; what is not known is null."""
    quoted = judgement.strictest
    return {
        "judged": judgement.about,
        "quote": _plain(asdict(quoted)),
        "why_not_quoted": why_not_quoted(judgement),
        "scores": [_plain(asdict(score)) for score in judgement.scores],
        "choices": [_chosen(each) for each in judgement.choices],
        "differences": [_plain(asdict(each)) for each in judgement.differences],
        "against_random": [_plain(asdict(each)) for each in judgement.against_random],
        "claims": [{"verdict": each.verdict, "text": each.text} for each in claims(judgement)],
        "leaks": len(judgement.remarks),
        "copies": list(judgement.copies),
        "notes": list(judgement.notes),
        "versions": {**versions(), **machine()},
    }


def _chosen(choice: Choice) -> dict[str, Any]:
    return {**asdict(choice), "values": dict(choice.values), "at_edge": list(choice.at_edge)}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def write_judgement(
    judgement: Judgement, files: JudgementFiles, command: str, escape_formulas: bool = False
) -> list[Path]:
    """Write page, numbers, leaks and predictions, each whole or not at all; return the paths, the page's last."""
    safe = escape_formula if escape_formulas else str
    leaks = [[safe(str(cell)) for cell in (row.kind, row.subject, row.other, row.detail)] for row in judgement.remarks]
    write_text(files.leaks, csv_lines([_LEAK_COLUMNS, *leaks]))
    table = judgement.predictions
    cells = table.astype(object)
    for column in table.columns[3:]:
        cells[column] = [safe(str(cell)) for cell in table[column]]
    write_text(files.predictions, csv_lines([table.columns, *cells.to_numpy().tolist()]))
    write_record(files.numbers, record(judgement))
    write_text(files.report, page(judgement, command))
    return files.paths()


def score_table(judgement: Judgement) -> pd.DataFrame:
    """Return the scores as text, one row a protocol."""
    quoted = judgement.strictest.protocol
    rows = []
    for score in judgement.scores:
        rows.append(
            {
                "": "quote" if score.protocol == quoted and not why_not_quoted(judgement) else "",
                "Protocol": score.title,
                "Accuracy [95 % interval]": interval_text(score),
                "Chance": f"{score.chance:.3f}",
                "Clips": str(score.n_clips),
                "Independent": str(score.n_units) if score.artists_known else f"at most {score.n_units}",
                "Splits": str(score.n_splits),
                "Also in training": _shared(score),
            }
        )
    return pd.DataFrame(rows)


def _shared(score: Score) -> str:
    known = "not known" if math.isnan(score.shared) else f"{score.shared:.0%}"
    if not score.artists_known and not math.isnan(score.shared):
        known = f"at least {known}"
    return f"{known}, {score.suspected:.0%} suspected" if score.suspected else known


def choice_table(judgement: Judgement) -> pd.DataFrame:
    """Return the hyperparameters that were chosen as text, one row a protocol and choice."""
    titles = {score.protocol: score.title for score in judgement.scores}
    rows = [
        {
            "Protocol": titles[each.protocol],
            "Table": each.table,
            "Chosen": values_text(each),
            "At the grid's edge": ", ".join(each.at_edge),
            "Splits": str(each.n_splits),
        }
        for each in judgement.choices
    ]
    table = pd.DataFrame(rows)
    return table if "against" in set(table["Table"]) else table.drop(columns="Table")


def difference_table(judgement: Judgement) -> pd.DataFrame:
    """Return the paired tests as text, one row a protocol."""
    rows = []
    for each in judgement.differences:
        ends = "no interval" if math.isnan(each.low) else f"{each.low:+.3f}, {each.high:+.3f}"
        rows.append(
            {
                "Protocol": each.title,
                "First": f"{each.first:.3f}",
                "Second": f"{each.second:.3f}",
                "Difference [95 % interval]": f"{each.difference:+.3f} [{ends}]",
                "p": p_text(each.p_value),
                "p (Holm)": p_text(each.p_holm),
                "Test": each.test,
            }
        )
    return pd.DataFrame(rows)


def page(judgement: Judgement, command: str) -> str:
    """Return the report as one HTML page."""
    about = judgement.about
    when = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    what = f"{about['n_rows']} rows of {about['n_clips']} clips, {about['n_classes']} classes"
    if about["kind"] == "features":
        what += f", {about['n_features']} features"
    sections: dict[str, list[Part]] = {"What may be claimed": []}
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_scores(judgement, Path(folder, "scores.png"))
        sections["What may be claimed"] = [
            FindingList(claims(judgement)),
            FigureImage(
                drawn, "Accuracy under each protocol with its 95 % interval; grey ticks: chance. Green: to quote."
            ),
            Table(score_table(judgement)),
            Paragraph(_COLUMNS, "quiet"),
        ]
        if judgement.differences:
            text = f"First: {Path(str(about['features'])).name}. Second: {Path(str(about['against'])).name}. {_TESTS}"
            sections["Against the other table"] = [Paragraph(text), Table(difference_table(judgement))]
        if judgement.copies:
            sections["Which GTZAN is this"] = [Paragraph(line) for line in judgement.copies]
        sections["Leaks and duplicates"] = _leaks(judgement)
        sections["Class by class"] = _classes(judgement, Path(folder, "confusion.png"))
        sections["How this was judged"] = _method(judgement, command)
        return render(
            f"{_TITLE}{Path(str(about['features'])).name}", f"{what}. Labels: {about['labels']}. {when}", sections
        )


def draw_scores(judgement: Judgement, path: Path) -> Path:
    """Draw every score with its interval; the one to quote in green."""
    scores = judgement.scores
    figure, (axes,) = new_figure(11.0, 0.9 + 0.42 * len(scores))
    quoted, is_quotable = judgement.strictest.protocol, not why_not_quoted(judgement)
    for place, score in enumerate(scores):
        colour = GREEN if score.protocol == quoted and is_quotable else BLUE
        if not math.isnan(score.low):
            axes.plot([score.low, score.high], [place, place], color=colour, linewidth=2.4)
        axes.plot(score.accuracy, place, marker="s", color=colour, markersize=7)
        axes.plot([score.chance] * 2, [place - 0.3, place + 0.3], color="#8A8A8A", linewidth=1.4)
        axes.text(1.02, place, interval_text(score), transform=axes.get_yaxis_transform(), va="center", fontsize=10)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.set_yticks(range(len(scores)), [_wrapped(score.title) for score in scores], fontsize=10, color=DARK)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.grid(axis="x", color="#E3E3E3", linewidth=0.8)
    label_axes(axes, "", "Accuracy (share of tested clips)", "")
    return save_png(figure, path)


def _wrapped(title: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(title, 44))


def _leaks(judgement: Judgement) -> list[Part]:
    if judgement.about["kind"] == "predictions":
        return [Paragraph("Predictions show no leaks: judge the features they were made from, too.")]
    remarks = [remark for remark in judgement.remarks if remark.kind != "constant column"]
    n_constant = len(judgement.remarks) - len(remarks)
    parts: list[Part] = []
    if n_constant:
        parts.append(Paragraph(f"{n_constant} columns never vary and were left out."))
    if not remarks:
        return [*parts, Paragraph("No column tells label, file or order, and no two clips have equal or near rows.")]
    names = {"kind": "Found", "subject": "Column or clip", "other": "Other clip", "detail": "Detail"}
    table = pd.DataFrame([asdict(remark) for remark in remarks]).rename(columns=names)
    parts.append(Table(table.head(_ROWS_SHOWN)))
    if len(table) > _ROWS_SHOWN:
        rest = Table(table.iloc[_ROWS_SHOWN : _ROWS_SHOWN + 500])
        parts.append(Folded(f"{len(table) - _ROWS_SHOWN} more (all of them are in the CSV beside this page)", [rest]))
    return parts


def _classes(judgement: Judgement, path: Path) -> list[Part]:
    quoted = judgement.strictest
    rows = judgement.predictions[judgement.predictions["protocol"] == quoted.protocol]
    rows = rows[rows["repeat"] == 0]
    matrix = confusion_matrix(rows["truth"].to_numpy(), rows["prediction"].to_numpy())
    if len(matrix) > 40:
        shares = (rows["truth"] == rows["prediction"]).groupby(rows["truth"]).agg(["size", "mean"]).reset_index()
        shares.columns = pd.Index(["Class", "Clips", "Accuracy"])
        return [Folded(f"Accuracy of {len(shares)} classes", [Table(shares)])]
    independent = quoted.n_units == quoted.n_clips == len(rows)
    draw_confusion({quoted.title[0].upper() + quoted.title[1:]: matrix}, "clips", path, intervals=independent)
    caption = "Colour is the share of the true class."
    if independent:
        caption += " Lines: 95 % intervals (Wilson), clips as independent."
    return [FigureImage(path, caption)]


def _method(judgement: Judgement, command: str) -> list[Part]:
    about = judgement.about
    lines = []
    if about["kind"] == "features":
        lines.append(
            f"Classifier: {about['classifier']}. Scaling and hyperparameters are learnt from the training part alone: "
            "the validation part of a split, or three folds of the training part, choose them. Validation clips are "
            "trained on in no row that does not say so. Another classifier may score higher or lower: these figures "
            "compare features and protocols."
        )
    lines.append(
        "Intervals: Wilson's score interval, (p + q²/2n ± q √(p(1 - p)/n + q²/4n²)) / (1 + q²/n), n being the number "
        "of clips divided by the design effect (Kish), q Student's quantile for the effective number of groups less 1 "
        "(mgc_keras.score_interval). The clips of one artist, "
        "recording or suspected duplicate count together, and so do repeated tests of one clip. They speak of the "
        "tested clips, not of other training sets, and are a little too narrow in cross-validation. Chance: the share "
        "of the largest class."
    )
    parts: list[Part] = [Paragraph(line) for line in lines]
    if judgement.choices:
        parts.append(
            Folded("Hyperparameters that were chosen", [Table(choice_table(judgement), grouped_by="Protocol")])
        )
    hashes = about["sha256"] if isinstance(about["sha256"], dict) else {}
    named = {f"SHA-256 of {Path(str(name)).name}": value for name, value in hashes.items()}
    told = pd.DataFrame(
        [*named.items(), *versions().items(), *machine().items()], columns=["Input or part", "SHA-256 or version"]
    )
    parts.append(Folded("What was read, and with which versions", [Table(told)]))
    parts += [Paragraph(note, "caveat") for note in judgement.notes]
    parts.append(Preformatted(command))
    return parts
