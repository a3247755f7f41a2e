"""Answers as rows of a table, for CSV: a row for each song, then one for each excerpt."""

from collections.abc import Iterable

import numpy as np

from mgc_keras.answers.answer import SongAnswer

# The names of genres or tags stand between them, and further columns come last.
_FIRST_COLUMNS = ("clip_id", "filepath", "part", "start_s", "end_s", "best")
_LAST_COLUMNS = ("verdict", "genre_set", "reasons")


def answer_columns(names: Iterable[str]) -> list[str]:
    """Return the names of the columns for a network's genres or tags."""
    return [*_FIRST_COLUMNS, *names, *_LAST_COLUMNS]


def answer_rows(answer: SongAnswer) -> list[list[str]]:
    """Return a song's rows; of one without scores, a row whose part is "failed: ..." with the problem and its cure."""
    song = [answer.clip_id, answer.filepath]
    if answer.problem is not None:
        cure = f" ({answer.problem.cure})" if answer.problem.cure else ""
        empty = [""] * (3 + len(answer.names))
        return [[*song, f"failed: {answer.problem.problem}{cure}", *empty, answer.verdict, "", ""]]
    parts = [("song", answer.spans[0, 0], answer.spans[-1, 1], answer.best, answer.scores)]
    for number, ((start, end), row) in enumerate(zip(answer.spans, answer.excerpts, strict=True)):
        parts.append((str(number), start, end, "" if np.isnan(row).any() else answer.names[row.argmax()], row))
    # Readers that cut lines at commas have read these rows until now.
    last = [answer.verdict, "; ".join(answer.genre_set or ()), "; ".join(answer.reasons).replace(",", ";")]
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
