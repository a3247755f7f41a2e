"""``mgc-keras check``: list what is wrong with a folder of clips, or with one."""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.cli._clips import add_cluster, add_escape, add_value, check_output
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    from mgc_keras.audio.check import CheckReport

HELP = "list unreadable, empty, truncated, contradictory, silent, too loud, too short, misnamed, duplicated clips"
EPILOG = """\
examples:
  mgc-keras check gtzan/                            look at every clip below gtzan/
  mgc-keras check gtzan/ --minimum-duration 29      report clips of less than 29 s, too
  mgc-keras check gtzan/ -o findings.csv            save the findings: clip, kind, detail, cure
"""
_LINES_PER_KIND = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``mgc-keras check``."""
    what = "the folder to check, with its sub-folders, or one clip"
    parser.add_argument("folder", metavar="DIR|CLIP", type=Path, help=what)
    shorter = "report clips shorter than S seconds (default: %(default)s)"
    add_value(parser, "--minimum-duration", float, "S", shorter, 0.1)
    add_value(parser, "--jobs", int, "N", "number of threads (default: one for each processor)")
    add_cluster(parser)
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="save the findings as CSV")
    add_escape(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the folder, print a summary, save the findings if asked; return 1 if there are any, else 0."""
    from mgc_keras.audio.check import COLUMNS, check_folder
    from mgc_keras.cluster import open_cluster
    from mgc_keras.outputs import begins_with

    # Known before hours of decoding, not after them.
    if arguments.output is not None:
        is_own = lambda path: begins_with(path, ",".join(COLUMNS) + "\n")
        check_output(arguments.output, "--output", "list of findings", is_own)
    with quiet_libraries(), open_cluster(arguments.cluster) as cluster:
        report = check_folder(arguments.folder, arguments.minimum_duration, arguments.jobs, cluster)
    print(summary(report))
    if arguments.output is not None:
        print(report.write(arguments.output, arguments.escape_formulas))
    return 1 if report.findings else 0


def summary(report: "CheckReport") -> str:
    """Tell a report in words: the findings by kind, their number by folder, the files that were skipped."""
    lines = [line for kind in report.counts() for line in (*_section(kind, report), "")]
    affected = Counter({finding.clip: os.path.dirname(finding.clip) or "." for finding in report.findings}.values())
    if affected and len(report.clips_per_folder) > 1:
        lines += _by_folder(affected, report)
    if report.skipped:
        kinds = ", ".join(f"{number} {suffix or 'without suffix'}" for suffix, number in report.skipped.items())
        lines.append(f"Skipped {_number(sum(report.skipped.values()), 'file')} with other suffixes: {kinds}.")
    n_clips, n_affected = _number(report.n_clips, "clip"), sum(affected.values())
    verdict = "nothing found" if not n_affected else f"{n_affected} with findings"
    return "\n".join([*lines, f"Checked {n_clips} in {_number(len(report.clips_per_folder), 'folder')}: {verdict}."])


def _title(kind: str) -> str:
    return "truncated or damaged" if kind == "truncated" else kind.replace("_", " ")


def _section(kind: str, report: "CheckReport") -> list[str]:
    findings = [finding for finding in report.findings if finding.kind == kind]
    title = f"{_title(kind)}: {_number(len(findings), 'clip')}"
    if kind == "duplicate":
        title += f" in {_number(len(report.duplicate_groups), 'group')}. What to do: keep one of each group."
        return [title, *_first([" = ".join(group) for group in report.duplicate_groups])]
    cures = {finding.cure for finding in findings}
    # One cure for all is said once.
    if len(cures) == 1:
        title += f". What to do: {cures.pop()}."
        return [title, *_first([f"{finding.clip}: {finding.detail}" for finding in findings])]
    return [f"{title}.", *_first([f"{finding.clip}: {finding.detail}; {finding.cure}" for finding in findings])]


def _first(lines: list[str]) -> list[str]:
    """The first lines, indented, and how many more there are."""
    shown = [f"  {line}" for line in lines[:_LINES_PER_KIND]]
    more = len(lines) - len(shown)
    return [*shown, f"  ... and {more} more; -o FILE saves them all"] if more else shown


def _by_folder(affected: Counter, report: "CheckReport") -> list[str]:
    """A table of the folders with findings: clips, clips with findings, and how many of each kind."""
    kinds: dict[str, Counter] = {folder: Counter() for folder in affected}
    for finding in report.findings:
        kinds[os.path.dirname(finding.clip) or "."][finding.kind] += 1
    width = max(len("folder"), *(len(folder) for folder in affected))
    lines = [f"{'folder':{width}}  clips  affected"]
    for folder in sorted(affected):
        each = ", ".join(f"{number} {_title(kind)}" for kind, number in kinds[folder].items())
        lines.append(f"{folder:{width}}  {report.clips_per_folder[folder]:5}  {affected[folder]:8}  {each}")
    clean = len(report.clips_per_folder) - len(affected)
    return [*lines, *([f"Nothing found in {_number(clean, 'other folder')}."] if clean else []), ""]


def _number(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
