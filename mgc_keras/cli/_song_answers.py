"""What ``mgc-keras classify`` and ``mgc-keras tag`` share: going through songs, and printing what was found."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mgc_keras.cli._clips import (
    FOLDER_HELP,
    add_channel,
    add_clips,
    add_cluster,
    add_precision,
    add_value,
    exit_code,
    say_damaged,
)
from mgc_keras.errors import OptionError
from mgc_keras.files import csv_lines, escape_formula

if TYPE_CHECKING:
    from mgc_keras.features.clips import Clips
    from mgc_keras.features.songs import SongScorer, SongScores


@dataclass(frozen=True)
class Answer:
    """What is printed of a song."""

    found: "SongScores"
    names: tuple[str, ...]  # of genres or tags
    excerpts: np.ndarray  # (n_excerpts, n_names): shares or scores from 0 to 1
    song: np.ndarray  # (n_names,)
    best: int  # column of the song's genre or first tag


def add_song_arguments(parser: argparse.ArgumentParser, default_weights: str, top: int) -> None:
    """Add the arguments that both commands have."""
    add_clips(parser, "songs", "SONG")
    weights = "a name of 'mgc-keras weights list', a published weight file, or a saved model (default: %(default)s)"
    add_value(parser, "--weights", str, "NAME|FILE", weights, default_weights)
    add_value(parser, "--drop", float, "S", "leave out S seconds at each end of a song (default: none)", 0.0)
    parser.add_argument(
        "--centre", action="store_true", help="take one excerpt from the centre of each song, no others"
    )
    form = parser.add_mutually_exclusive_group()
    listed = "print JSON: one list, one entry a song; 'error' says why a song has no scores"
    form.add_argument("--json", action="store_true", help=listed)
    form.add_argument(
        "--csv",
        action="store_true",
        help="print CSV: a row for each song, then one for each excerpt; 'failed: …' says why a song has no scores",
    )
    add_value(parser, "--top", int, "N", "number of genres or tags to print, highest first (default: %(default)s)", top)
    add_value(parser, "--data-home", Path, "DIR", FOLDER_HELP)
    add_channel(parser)
    add_precision(parser)
    add_value(parser, "--jobs", int, "N", "number of threads that decode (default: one for each core)")
    add_cluster(parser)


def answer_songs(
    arguments: argparse.Namespace,
    clips: "Clips",
    scorer: "SongScorer",
    judge: "Callable[[SongScores], Answer]",
    program: str,
    after: Callable[[Answer], None] = lambda answer: None,
) -> int:
    """Score all songs, print each as it is done, and return the exit code: 0 all, 1 some, 2 none has one."""
    from mgc_keras.audio.ffmpeg import INSTALL
    from mgc_keras.cluster import open_cluster
    from mgc_keras.progress import progress_bar

    if arguments.top < 1:
        raise OptionError(f"{arguments.top} makes no sense", field="--top", cure="give 1 or more")

    def csv(rows: Iterable[Sequence[str]]) -> str:
        return csv_lines([[*map(escape_formula, cells)] for cells in rows] if arguments.escape_formulas else rows)

    entries: list[dict[str, Any]] = []
    remarks: dict[str, str] = {}
    n_failed = 0
    if arguments.csv:
        print(csv([["clip_id", "filepath", "part", "start_s", "end_s", "best", *scorer.names]]), end="")
    excerpts = scorer.excerpts(arguments.drop, arguments.centre)
    with (
        open_cluster(arguments.cluster) as cluster,
        progress_bar(description=program, total=len(clips), unit="song") as bar,
    ):
        for found in scorer.songs(clips, excerpts, jobs=arguments.jobs, cluster=cluster):
            bar.update()
            if found.problem is not None:
                n_failed += 1
                error = {"error": found.problem.problem, "cure": found.problem.cure}
                entries.append({"clip_id": found.clip_id, "filepath": found.filepath, **error})
                cure = f" ({error['cure']})" if error["cure"] else ""
                bar.write(f"mgc-keras {program}: {found.filepath}: {error['error']}{cure}", file=sys.stderr)
                if arguments.csv:
                    part = f"failed: {error['error']}{cure}"
                    empty = [""] * (3 + len(scorer.names))
                    bar.write(csv([[found.clip_id, found.filepath, part, *empty]]), end="", file=sys.stdout)
                continue
            if found.note:
                bar.write(f"mgc-keras {program}: {found.filepath}: {found.note}", file=sys.stderr)
            if found.remark:
                remarks[found.filepath] = found.remark
            answer = judge(found)
            if arguments.json:
                entries.append(_entry(answer) | ({"channel": clips.channel} if clips.channel != "mix" else {}))
            else:
                text = csv(_rows_of(answer)) if arguments.csv else _text_of(answer, arguments.top)
                bar.write(text, end="", file=sys.stdout)
            after(answer)
    if arguments.json:
        left_out = {"error": "is left out: it needs ffmpeg, which is not there", "cure": INSTALL}
        entries += [{"clip_id": None, "filepath": filepath, **left_out} for filepath in clips.left_out]
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    if n_failed:
        print(f"mgc-keras {program}: {n_failed} of {len(clips)} songs have no answer", file=sys.stderr)
    say_damaged(program, remarks, len(clips))
    return exit_code(n_failed, len(clips))


def _text_of(answer: Answer, top: int) -> str:
    from mgc_keras.reporting.genres_over_time import clock

    lines = [f"{answer.found.filepath}: {_highest(answer, answer.song, top)}"]
    for (start, end), row in zip(answer.found.spans, answer.excerpts, strict=True):
        lines.append(f"  {clock(start):>5} - {clock(end):<5}  {_highest(answer, row, top)}")
    return "\n".join(lines) + "\n"


def _highest(answer: Answer, row: np.ndarray, top: int) -> str:
    order = np.argsort(-row, kind="stable")[:top].tolist()
    if row is answer.song:
        # Of equal shares, the song's genre comes first.
        order.sort(key=lambda column: (-row[column], column != answer.best))
    return ", ".join(f"{answer.names[column]} {100 * row[column]:.1f} %" for column in order)


def _entry(answer: Answer) -> dict[str, Any]:
    found = answer.found
    cells = lambda row: {name: round(float(value), 6) for name, value in zip(answer.names, row, strict=True)}
    excerpts = [
        {"start_s": round(float(start), 3), "end_s": round(float(end), 3), "scores": cells(row)}
        for (start, end), row in zip(found.spans, answer.excerpts, strict=True)
    ]
    song = {"clip_id": found.clip_id, "filepath": found.filepath, "best": answer.names[answer.best]}
    return {**song, "scores": cells(answer.song), "excerpts": excerpts, "note": found.note}


def _rows_of(answer: Answer) -> list[Sequence[str]]:
    found = answer.found
    parts = [("song", found.spans[0, 0], found.spans[-1, 1], answer.best, answer.song)]
    for number, ((start, end), row) in enumerate(zip(found.spans, answer.excerpts, strict=True)):
        parts.append((str(number), start, end, int(row.argmax()), row))
    song = found.clip_id, found.filepath
    return [
        (*song, part, f"{start:.3f}", f"{end:.3f}", answer.names[best], *(f"{value:.6f}" for value in row))
        for part, start, end, best, row in parts
    ]
