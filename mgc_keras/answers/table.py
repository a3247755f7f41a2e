"""Answers as rows of a table, for CSV: a row for each song, then one for each excerpt."""

from collections.abc import Iterable

import numpy as np

from mgc_keras.answers.answer import SongAnswer

# The names of genres or tags stand between them, and further columns come last.
_FIRST_COLUMNS = ("clip_id", "filepath", "part", "start_s", "end_s", "best")
_LAST_COLUMNS = ("verdict", "genre_set", "reasons")
_GENRE = "genre"


def answer_columns(names: Iterable[str], with_genre: bool = True) -> list[str]:
    """Return the names of the columns for a network's genres or tags; for `with_genre` see `answer_rows`."""
    return [*_FIRST_COLUMNS, *names, *_LAST_COLUMNS, *([_GENRE] if with_genre else [])]


def answer_rows(answer: SongAnswer, with_genre: bool = True) -> list[list[str]]:
    """Return a song's rows; of one without scores, a row whose part is "failed: ..." with the problem and its cure.

    Several values in a cell, genres or reasons, have "; " between them, and none of them has it inside. The last
    column, `with_genre`, holds the song's genre where that is sure.
    """
    song = [answer.clip_id, answer.filepath]
    if answer.problem is not None:
        cure = f" ({answer.problem.cure})" if answer.problem.cure else ""
        empty = [""] * (3 + len(answer.names))
        row = [*song, f"failed: {answer.problem.problem}{cure}", *empty, answer.verdict, "", _joined(answer.reasons)]
        return [[*row, *([""] if with_genre else [])]]
    parts = [("song", answer.spans[0, 0], answer.spans[-1, 1], answer.best, answer.scores)]
    for number, ((start, end), row) in enumerate(zip(answer.spans, answer.excerpts, strict=True)):
        parts.append((str(number), start, end, "" if np.isnan(row).any() else answer.names[row.argmax()], row))
    last = [answer.verdict, _joined(answer.genre_set or ()), _joined(answer.reasons)]
    last += [answer.genre] if with_genre else []
    return [
        [
            *(
                *song,
                part,
                f"{start:.3f}",
                f"{end:.3f}",
                best,
                *("" if np.isnan(value) else f"{value:.6f}" for value in row),
            ),
            *(last if part == "song" else [""] * len(last)),
        ]
        for part, start, end, best, row in parts
    ]


def _joined(words: Iterable[str]) -> str:
    # File names and tags, which reasons may quote, may hold anything.
    return "; ".join(word.replace("; ", ", ") for word in words)
