"""A small run folder with one file damaged, drawn as ``mgc-keras report`` does.

Held: an error of one line, or a report; the page of undamaged files, or another one where the damaged table is still a
table; nothing written outside the folder, no text of a file taken as HTML.
"""

import csv
import io
import shutil
from pathlib import Path

import pandas as pd

from mgc_keras.errors import MgcKerasError
from mgc_keras.studies.common.report import write_report
from tests.campaign.bench import Bench, Fault, refused
from tests.campaign.damage import Generator, damage_file, pick
from tests.run_example import write_example_run

# Without the random network: its claim takes longer than all the rest.
_KEPT = ("12345", "mfcc")
_MARK = "<script>campaign</script>"


class RunFolders(Bench):
    """See the module."""

    name, share, per_process, seconds = "run-folders", 0.1, 50, 120

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        import matplotlib

        # Drawing is most of the time; what is drawn is not looked at.
        matplotlib.rcParams["savefig.dpi"] = 20
        self.run = write_example_run(home / "run", ("12345",))
        _shorten(self.run)
        self.files = sorted(path.relative_to(self.run) for path in self.run.rglob("*") if path.is_file())
        tried = shutil.copytree(self.run, home / "tried")
        self.page = write_report(tried).read_text()

    def trial(self, generator: Generator, folder: Path) -> None:
        name = pick(generator, self.files)
        # Two floors down, so that a way up leads to where it can be seen.
        run = folder / "a" / "run"
        shutil.copytree(self.run, run)
        if generator.random() < 0.05:
            (run / name).unlink()
            note = "is missing"
        elif generator.random() < 0.15:
            name, note = Path("scores.csv"), _other_name(run, generator)
        else:
            content, note = damage_file((run / name).read_bytes(), name.suffix, generator)
            (run / name).write_bytes(content)
        self.note = f"{name}: {note}"
        (folder / "note.txt").write_text(self.note)
        kept = (run / name).read_bytes() if (run / name).exists() else None
        path, error = refused(write_report, run, errors=(MgcKerasError, OSError))
        outside = [found for found in folder.rglob("*") if not found.is_relative_to(run) and found.is_file()]
        if outside := [str(found) for found in outside if found.name != "note.txt"]:
            raise Fault("a file outside the run folder", ", ".join(outside))
        if path is not None:
            page = path.read_text()
            if _MARK in page:
                raise Fault("text of a table is taken as HTML")
            if page != self.page and name.suffix == ".csv" and kept is not None and _is_no_table(kept):
                raise Fault("silent: another report of a table whose rows have other lengths", str(name))
        # Figures of a run that held are not wanted, and those of one that did not are not the input.
        shutil.rmtree(run)
        if kept is not None:
            (folder / name.name).write_bytes(kept)


def _shorten(run: Path) -> None:
    """Leave a few features and clips: a run is drawn in a second or two."""
    scores = pd.read_csv(run / "scores.csv", dtype={"feature": str})
    scores[scores["feature"].isin(_KEPT) & (scores["task"] != "arousal")].to_csv(run / "scores.csv", index=False)
    names = {"feature_a": str, "feature_b": str}
    pairs = pd.read_csv(run / "comparisons.csv", dtype=names)
    pairs = pairs[pairs["feature_a"].isin(_KEPT) & pairs["feature_b"].isin(_KEPT) & (pairs["task"] != "arousal")]
    pairs.to_csv(run / "comparisons.csv", index=False)
    for path in (run / "predictions").iterdir():
        if path.name.startswith("arousal") or path.name.split("__")[1] not in _KEPT:
            path.unlink()
    for path in (run / "audit").glob("*"):
        if path.stem not in ("batch_order", "scaling"):
            path.unlink()


def _other_name(run: Path, generator: Generator) -> str:
    """Give the task another name in every table."""
    name = pick(
        generator,
        ("$x_1^{2$", "NA", "", "../../etc/passwd", "a/b", _MARK, "A$AP - L$D", "a\nb", "\u202e", "2023", "x" * 300),
    )
    for file in ("scores.csv", "comparisons.csv"):
        table = pd.read_csv(run / file, dtype=str, keep_default_na=False)
        table.assign(task=name).to_csv(run / file, index=False)
    for path in list((run / "predictions").iterdir()):
        try:
            path.rename(path.with_name("__".join([name, *path.name.split("__")[1:]])))
        except (OSError, ValueError):
            pass  # no name for a file
    return f"the task is called {name!r}"


def _is_no_table(content: bytes) -> bool:
    """Whether Python's own reader finds text that is no CSV, or rows of other lengths than the header."""
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]
    except (UnicodeDecodeError, csv.Error):
        return True
    return any(len(row) != len(rows[0]) for row in rows)
