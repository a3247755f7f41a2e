"""What ``mgc-keras classify`` and ``mgc-keras tag`` share: going through songs, and printing what was found."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mgc_keras._version import __version__
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

# Seconds: so short excerpts, if there are more of them, are counted in place of a line each.
_SHORT, _MOST_SHORT = 10.0, 6

if TYPE_CHECKING:
    from mgc_keras.answers.answer import SongAnswer
    from mgc_keras.cluster import Cluster
    from mgc_keras.features.clips import Clips
    from mgc_keras.features.songs import SongScorer


def add_song_arguments(parser: argparse.ArgumentParser, default_weights: str, top: int) -> None:
    """Add the arguments that both commands have."""
    add_clips(parser, "songs", "SONG")
    weights = "a name of 'mgc-keras weights list', a published weight file, or a saved model (default: %(default)s)"
    add_value(parser, "--weights", str, "NAME|FILE", weights, default_weights)
    rate = "at which the network hears, where its file does not tell"
    add_value(parser, "--sampling-rate", int, "HZ", rate)
    add_value(parser, "--drop", float, "S", "leave out S seconds at each end of a song (default: none)", 0.0)
    parser.add_argument(
        "--centre", action="store_true", help="take one excerpt from the centre of each song, no others"
    )
    reasons = "print what speaks for and against each answer, and what moves it"
    parser.add_argument("--why", action="store_true", help=reasons)
    form = parser.add_mutually_exclusive_group()
    listed = "print JSON: one list, one entry a song; 'error' says why a song has no scores"
    form.add_argument("--json", action="store_true", help=listed)
    form.add_argument(
        "--csv",
        action="store_true",
        help="print CSV: a row for each song, then one for each excerpt; 'failed: …' says why a song has no scores; "
        "reasons in a cell have '; ' between them",
    )
    add_value(
        parser,
        "--top",
        int,
        "N",
        "number of genres or tags to print as text, highest first; --csv and --json hold all (default: %(default)s)",
        top,
    )
    add_value(parser, "--data-home", Path, "DIR", FOLDER_HELP)
    add_channel(parser)
    add_precision(parser)
    add_value(parser, "--jobs", int, "N", "number of threads that decode (default: one for each core)")
    add_cluster(parser)


class Answerer(Protocol):
    """A network that answers: `mgc_keras.answers.classifier.SongClassifier`, or of tags."""

    names: tuple[str, ...]
    scorer: "SongScorer"

    def answers(self, clips: "Clips", *, jobs: int | None, cluster: "Cluster | None") -> "Iterator[SongAnswer]":
        """Answer song by song."""
        ...


def answer_songs(
    arguments: argparse.Namespace,
    clips: "Clips",
    answerer: Answerer,
    program: str,
    after: "Callable[[SongAnswer], None]" = lambda answer: None,
) -> int:
    """Answer all songs, print each as it is done, and return the exit code: 0 all, 1 some, 2 none has an answer."""
    from mgc_keras.answers.table import answer_columns, answer_rows
    from mgc_keras.audio.ffmpeg import why_left_out
    from mgc_keras.cluster import open_cluster
    from mgc_keras.progress import progress_bar

    if arguments.top < 1:
        raise OptionError(f"{arguments.top} makes no sense", field="--top", cure="give 1 or more")

    def csv(rows: Iterable[Sequence[str]]) -> str:
        return csv_lines([[*map(escape_formula, cells)] for cells in rows] if arguments.escape_formulas else rows)

    entries: list[dict[str, Any]] = []
    remarks: dict[str, str] = {}
    n_failed, with_genre = 0, program == "classify"
    if arguments.csv:
        print(csv([answer_columns(answerer.names, with_genre=with_genre)]), end="")
    with (
        open_cluster(arguments.cluster) as cluster,
        progress_bar(description=program, total=len(clips), unit="song") as bar,
    ):
        for answer in answerer.answers(clips, jobs=arguments.jobs, cluster=cluster):
            bar.update()
            text = ""
            if answer.problem is not None:
                n_failed += 1
                error = {"error": answer.problem.problem, "cure": answer.problem.cure}
                song = {"clip_id": answer.clip_id, "filepath": answer.filepath}
                entries.append({**song, **error, "verdict": answer.verdict, "reasons": list(answer.reasons)})
                cure = f" ({error['cure']})" if error["cure"] else ""
                bar.write(f"mgc-keras {program}: {answer.filepath}: {error['error']}{cure}", file=sys.stderr)
                if arguments.csv:
                    text = csv(answer_rows(answer, with_genre=with_genre))
                elif not arguments.json:
                    text = f"{answer.filepath}: {answer.verdict}: {error['error']}\n"
            else:
                if answer.note:
                    bar.write(f"mgc-keras {program}: {answer.filepath}: {answer.note}", file=sys.stderr)
                if answer.remark:
                    remarks[answer.filepath] = answer.remark
                if arguments.json:
                    entries.append(_entry(answer) | ({"channel": clips.channel} if clips.channel != "mix" else {}))
                else:
                    text = (
                        csv(answer_rows(answer, with_genre=with_genre))
                        if arguments.csv
                        else _text_of(answer, arguments.top)
                    )
            if text:
                bar.write(text, end="", file=sys.stdout)
            after(answer)
    if arguments.json:
        made_by = _made_by(arguments.weights, answerer.scorer)
        entries = [entry | {"made_by": made_by} for entry in entries]
        for filepath in clips.left_out:
            problem, cure = why_left_out(filepath)
            entries.append({"clip_id": None, "filepath": filepath, "error": f"is left out: {problem}", "cure": cure})
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    if n_failed:
        print(f"mgc-keras {program}: {n_failed} of {len(clips)} songs have no scores", file=sys.stderr)
    say_damaged(program, remarks, len(clips))
    return exit_code(n_failed, len(clips))


def _made_by(weights: str, scorer: "SongScorer") -> dict[str, str]:
    about = scorer.extractor.describe()
    return {"mgc_keras": __version__, "weights": weights, "weights_sha256": about["weights_sha256"]}


def _text_of(answer: "SongAnswer", top: int) -> str:
    from mgc_keras.audio.spans import clock

    # What can be used needs no word before it.
    unsure = f"{answer.verdict}: " if answer.verdict in ("not sure", "not music") else ""
    lines = [f"{answer.filepath}: {unsure}{_highest(answer, answer.scores, top)}"]
    excerpts = list(zip(answer.spans, answer.excerpts, answer.sounds, strict=True))
    if len(excerpts) > _MOST_SHORT and answer.why is None and np.diff(answer.spans).max() < _SHORT:
        lines.append(
            f"  the mean of {len(excerpts)} excerpts of {np.diff(answer.spans).max():.3g} s (--why shows each)"
        )
        excerpts = []
    for (start, end), row, sound in excerpts:
        words = f"is {sound.replace('silence', 'silent')}" if np.isnan(row).any() else _highest(answer, row, top)
        lines.append(f"  {clock(start):>5} - {clock(end):<5}  {words}")
    sentences = answer.reasons if unsure or answer.why is not None else answer.doubts
    lines += [f"  - {sentence}" for sentence in sentences]
    return "\n".join(lines) + "\n"


def _highest(answer: "SongAnswer", row: np.ndarray, top: int) -> str:
    order = np.argsort(-row, kind="stable")[:top].tolist()
    if row is answer.scores:
        # Of equal shares, the song's genre comes first.
        order.sort(key=lambda column: (-row[column], answer.names[column] != answer.best))
    return ", ".join(f"{answer.names[column]} {100 * row[column]:.1f} %" for column in order)


def _entry(answer: "SongAnswer") -> dict[str, Any]:
    rounded = lambda value: None if np.isnan(value) else round(float(value), 6)
    cells = lambda row: {name: rounded(value) for name, value in zip(answer.names, row, strict=True)}
    excerpts = [
        {"start_s": round(float(start), 3), "end_s": round(float(end), 3), "scores": cells(row), "sound": sound}
        for (start, end), row, sound in zip(answer.spans, answer.excerpts, answer.sounds, strict=True)
    ]
    entry: dict[str, Any] = {"clip_id": answer.clip_id, "filepath": answer.filepath, "best": answer.best}
    entry |= {"scores": cells(answer.scores), "excerpts": excerpts, "note": answer.note}
    # What older readers do not know comes behind what they do.
    entry |= {"verdict": answer.verdict, "reasons": list(answer.reasons)}
    if answer.verdict != "tags":
        entry["genre"] = answer.genre or None
    entry["agreeing_excerpts"] = np.flatnonzero(answer.agreeing).tolist()
    if answer.probabilities is not None and answer.genre_set is not None:
        entry |= {"genre_set": list(answer.genre_set), "probabilities": cells(answer.probabilities)}
    if (why := answer.why) is not None:
        parted = lambda found: {name: {"best": best, "score": rounded(value)} for name, (best, value) in found.items()}
        near = [{"song": song, "genre": genre, "distance": rounded(far)} for song, genre, far in why.neighbours]
        tags = {tag: rounded(score) for tag, score in why.tags}
        levels = {f"{level:+g} dB": found for level, found in why.at_levels.items()}
        entry["why"] = {"levels": parted(levels), "parts": parted(why.at_parts), "neighbours": near, "tags": tags}
    return entry
