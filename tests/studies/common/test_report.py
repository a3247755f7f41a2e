"""The report is made from a run's saved files alone, whole, self-contained and escaped."""

import re
import shutil
import struct
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from run_example import write_example_run
from typed_rows import score_rows

from mgc_keras._version import __version__
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.reporting.page import Table
from mgc_keras.reporting.sections import interval_units
from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.rows import TaskRow
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.report import PACKAGE, protocols, write_report


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = write_example_run(tmp_path_factory.mktemp("run"), ("1", "12", "12345"))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def text(run_folder):
    return (run_folder / "report.html").read_text(encoding="utf-8")


class _Balance(HTMLParser):
    """Checks that every element is closed in order, and gathers where resources come from."""

    def __init__(self):
        super().__init__()
        self.open, self.sources = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("img", "meta"):
            self.open.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_no_other_file(text):
    parser = _Balance()
    parser.feed(text)
    assert parser.open == []
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in parser.sources)
    anchors = [source[1:] for source in parser.sources if source.startswith("#")]
    assert len(anchors) == 11 and all(f'id="{name}"' in text for name in anchors)
    assert "<script" not in text and "url(" not in text and "@import" not in text


def test_names_are_escaped(text):
    assert "genre &lt;example&gt;" in text and "genre <example>" not in text
    assert "zero bytes &lt;&amp;&gt;" in text


def test_every_figure_is_drawn_and_embedded(run_folder, text):
    names = {path.name for path in (run_folder / "figures").iterdir()}
    assert names == {
        "arousal.png", "genre <example>.png", "genre <example>_labels.png", "training.png", "audit_batch_border.png",
        "audit_batch_number.png", "audit_batch_order.png", "audit_scaling.png", "differences.png",
        "genre <example>__12345__confusion.png",
    }  # fmt: skip
    assert text.count("data:image/png;base64,") == len(names)
    for path in (run_folder / "figures").iterdir():
        content = path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", content[16:24])
        assert width >= 800 and height >= 500


def test_every_score_and_conclusion_is_told(run_folder, text):
    for row in pd.read_csv(run_folder / "scores.csv").itertuples():
        assert f"{row.score:.3f} [{row.ci_low:.3f}, {row.ci_high:.3f}]" in text
    for path in (run_folder / "audit").glob("*.txt"):
        assert path.read_text().strip() in unescape(text)


def test_a_redrawn_report_is_identical(run_folder, tmp_path):
    # The name of the folder stands in the page, so the copy keeps it.
    copy = tmp_path / run_folder.name
    shutil.copytree(run_folder, copy, ignore=shutil.ignore_patterns("figures", "report.html"))
    again = write_report(copy)
    assert again == copy / "report.html"
    assert again.read_bytes() == (run_folder / "report.html").read_bytes()
    for path in (run_folder / "figures").iterdir():
        assert (copy / "figures" / path.name).read_bytes() == path.read_bytes()


def test_what_was_not_saved_is_left_out_with_a_sentence(run_folder, tmp_path):
    shutil.copy(run_folder / "scores.csv", tmp_path)
    text = write_report(tmp_path).read_text()
    for sentence in (
        "No paired tests were saved", "No configuration was saved", "No audit was saved", "No clip was left out",
        "(features or weights were given), or no history was saved", "The command line was not saved",
    ):  # fmt: skip
        assert sentence in text
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"arousal.png", "genre <example>.png"}


def test_a_run_of_one_protocol_and_one_feature(run_folder, tmp_path):
    scores = pd.read_csv(run_folder / "scores.csv")
    one = scores[(scores["feature"] == "mfcc") & (scores["protocol"] == "published")].assign(ci_low=float("nan"))
    one.to_csv(tmp_path / "scores.csv", index=False)
    text = write_report(tmp_path).read_text()
    assert "Corrected</th>" not in text
    assert re.search(r"<td>MFCC</td><td>–</td><td>0\.\d{3} \[no interval\]</td>", text)


def test_published_features_are_owned_up_to(run_folder, tmp_path, text):
    assert 'class="caveat"' not in text
    one = pd.read_csv(run_folder / "scores.csv").head(1)
    writer = RunWriter(tmp_path)
    writer.scores(score_rows(one))
    writer.config("choi2017", {"published_features": tmp_path})
    text = write_report(tmp_path).read_text()
    assert 'class="caveat"' in text and "carry traces of the class" in text
    assert "No task has more than one feature" in text
    # Clips of one batch share their statistics, whatever their class.
    (name,) = one["task"]
    writer.add_task(TaskRow(name, "published", 256, 20, "10 folds", "no", "no"))
    text = write_report(tmp_path).read_text()
    assert "carry traces of the class" not in text and "lay in one batch, tested ones among them" in text
    writer.add_task(TaskRow(name, "corrected", 257, 20, "10 folds", "no", "no"))
    assert "carry traces of the class" in write_report(tmp_path).read_text()


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "no scores here"),
        ("", "no scores here"),
        ("study,task\n", "feature"),
        ("study,task,feature,protocol,metric,score,ci_low,ci_high,published,n_clips\n", "no scores here"),
    ],
)
def test_a_folder_without_scores_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "scores.csv").write_text(content)
    with pytest.raises(OptionError, match=f"scores.csv.*{message}"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[1]"),
        ("config.json", b"\xff\xfe"),
        ("audit/scaling.txt", b"\xff\xfe"),
        ("predictions/arousal__mfcc__corrected.csv", b"\xdaj-\xa4%\xe1F@L\xad"),
    ],
)
def test_a_spoiled_file_is_named(run_folder, tmp_path, name, content):
    shutil.copytree(run_folder, tmp_path / "run", ignore=shutil.ignore_patterns("figures", "report.html"))
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(MgcKerasError, match=name):
        write_report(tmp_path / "run")


@pytest.mark.parametrize(
    ("task", "words"), [("NA", "<h3>NA</h3>"), ("A$AP - L$D", "<h3>A$AP - L$D</h3>"), ("", None), ("../../etc/x", None)]
)
def test_any_task_is_drawn_in_its_folder_or_refused(run_folder, tmp_path, task, words):
    scores = pd.read_csv(run_folder / "scores.csv", dtype=str, keep_default_na=False)
    chosen = scores[(scores["task"] == "arousal") & scores["feature"].isin(["mfcc", "12"])].assign(task=task)
    folder = tmp_path / "deep" / "run"
    folder.mkdir(parents=True)
    chosen.to_csv(folder / "scores.csv", index=False)
    if words is None:
        with pytest.raises(MgcKerasError, match="scores.csv: task: .*cannot be part of a file name"):
            write_report(folder)
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["scores.csv"]
    else:
        assert words in write_report(folder).read_text()
        assert (folder / "figures" / f"{task}.png").is_file()


def _repairs(folder, **columns):
    """Return the cells of the repairs table under the corrected protocol, and the table of what is tested."""
    writer = RunWriter(folder)
    for task, artists in columns["artists"].items():
        about = (columns["folds"], artists, columns["fault_filtered"])
        writer.add_task(TaskRow(task, "corrected", 57, 20, *about))
    tables = [part.frame for part in protocols(RunFolder(folder)) if isinstance(part, Table)]
    return dict(zip(tables[0]["Repair"], tables[0]["Corrected"])), tables[1]


def test_the_repairs_say_where_they_apply(tmp_path):
    row = {"study": "choi2017", "task": "gt", "feature": "12345", "protocol": "corrected", "metric": "accuracy"}
    ends = {"score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "published": float("nan"), "n_clips": 20}
    split = "GTZAN's fault-filtered split of 2015 (20 train, 10 valid, 20 test)"
    RunWriter(tmp_path).scores(score_rows([row | ends]))
    cells, tested = _repairs(tmp_path, artists={"gt": "no"}, folds=split, fault_filtered="yes")
    assert cells["artists-together"] == "does not apply: no artists are known"
    assert cells["fault-filtered-split"] == cells["batch-features"] == "mended"
    assert tested.to_numpy().tolist() == [["gt", "Corrected", "57", "20", split, "no"]]
    assert interval_units(RunFolder(tmp_path)).endswith("clips count as independent; the true interval is wider.")
    RunWriter(tmp_path).config("choi2017", {"published_features": "DIR"})
    cells, _ = _repairs(tmp_path, artists={"gt": "yes", "b": "no"}, folds="5 folds, made here", fault_filtered="no")
    assert cells["batch-features"] == "not possible with these features"
    assert cells["artists-together"] == "mended on gt; elsewhere no artists are known"
    assert cells["fault-filtered-split"].startswith("does not apply: these clips do not come with GTZAN's split")
    told = interval_units(RunFolder(tmp_path))
    assert "of gt over artists" in told and "Artists of b are not known" in told


def test_what_to_cite_is_what_the_record_says(text):
    cited = text[text.index('id="how-to-cite"') :] if 'id="how-to-cite"' in text else text
    record = (Path(__file__).parents[3] / "CITATION.cff").read_text("utf-8")
    title, version = (re.search(rf'^{name}: "?([^"\n]+)', record, re.M)[1] for name in ("title", "version"))
    assert title in PACKAGE and version == __version__
    assert "choi2017transfer" in cited and unescape(PACKAGE) in unescape(cited)
