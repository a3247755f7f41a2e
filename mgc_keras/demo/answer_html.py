"""What was heard of a song as HTML: the verdict with its reasons, scores, figures, excerpts to play."""

import base64
import io
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import numpy as np
import soundfile

from mgc_keras.answers.answer import GENRE, NO_ANSWER, NOT_MUSIC, NOT_SURE, SongAnswer
from mgc_keras.audio.spans import clock
from mgc_keras.demo.listener import SAMPLING_RATE, Heard

# Spectrograms that are shown, of `mgc_keras.reporting.clip_views.VIEWS`.
_VIEWS = {"mel": "Mel-spectrogram", "log": "Log-frequency spectrogram", "chroma": "Chroma", "waveform": "Waveform"}
_TAGS = 10
# Errors speak of a file, whose name commands put before them.
_VERBS = ("is", "has", "holds", "cannot", "says", "does", "needs", "ends", "may", "contains", "decodes")


@dataclass(frozen=True)
class Row:
    """A bar of a table: a name, and a score from 0 to 1."""

    name: str
    score: float


def answer_html(heard: Heard) -> str:
    """Return the HTML of an answer; whatever came with the file is escaped."""
    answer = heard.genres
    highest, second = _verdict_words(answer)
    # What cures a song of a batch ("leave it out", "--channel left") is none here.
    reasons = answer.reasons if answer.problem is None else [_sentence(answer.problem.problem)]
    figures = [] if answer.problem is not None else _figures(heard)
    excerpts = [
        {
            "what": excerpt.what,
            "time": f"{clock(excerpt.start)} to {clock(min(excerpt.end, len(heard.waveform) / SAMPLING_RATE))}",
            "share": f"{answer.best} {100 * excerpt.share:.1f} %",
            "sound": _data("audio/flac", _flac(excerpt.waveform)),
        }
        for excerpt in heard.excerpts
    ]
    return _template().render(
        name=heard.name, length=clock(len(heard.waveform) / SAMPLING_RATE), verdict=answer.verdict, highest=highest,
        second=second, reasons=reasons,
        genres=_highest(answer, len(answer.names)), tags=_highest(heard.tags, _TAGS), figures=figures,
        excerpts=excerpts, csv=_data("text/csv;charset=utf-8", heard.csv().encode("utf-8", "replace")),
    )  # fmt: skip


def problem_html(name: str, problem: str, cure: str | None) -> str:
    """Return the HTML that says why there is no answer."""
    reasons = [_sentence(problem) + (f" ({cure})" if cure else "")]
    return _template().render(
        name=name, length="", verdict=NO_ANSWER, highest=NO_ANSWER, second="", reasons=reasons, genres=[],
        tags=[], figures=[], excerpts=[], csv="",
    )  # fmt: skip


def _sentence(problem: str) -> str:
    return f"The file {problem}" if problem.split(" ", 1)[0] in _VERBS else problem


def _verdict_words(answer: SongAnswer) -> tuple[str, str]:
    """Return the large words and those below them."""
    if not answer.best:
        return answer.verdict, ""
    share = f"{100 * answer.scores[answer.names.index(answer.best)]:.1f} %"
    if answer.verdict == GENRE:
        return answer.best, f"{share} of the song"
    words = {NOT_SURE: "Most likely", NOT_MUSIC: "If it were music, it would be"}
    return answer.verdict, f"{words.get(answer.verdict, '')} {answer.best} ({share})".strip()


def _highest(answer: SongAnswer | None, count: int) -> list[Row]:
    if answer is None or not answer.best:
        return []
    order = np.argsort(-answer.scores, kind="stable")[:count]
    return [Row(answer.names[column], float(answer.scores[column])) for column in order]


def _figures(heard: Heard) -> list[dict[str, str]]:
    """Return the figures: an address that holds the PNG, and what it shows, in words."""
    from mgc_keras.reporting.clip_views import draw_clip
    from mgc_keras.reporting.genres_over_time import draw_genres

    answer, found = heard.genres, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figure.png")
        draw_genres("Genres", answer.names, answer.spans, answer.excerpts, answer.scores, path)
        found.append(_figure(path, "Genres over time", f"Genres over time, and of the whole song: {_said(answer)}"))
        for view, title in _VIEWS.items():
            draw_clip(heard.waveform, SAMPLING_RATE, path, views=[view])
            found.append(_figure(path, title, f"{title} of the whole song"))
    return found


def _figure(path: Path, title: str, alternative: str) -> dict[str, str]:
    return {"title": title, "alternative": alternative, "image": _data("image/png", path.read_bytes())}


def _said(answer: SongAnswer) -> str:
    return ", ".join(f"{row.name} {100 * row.score:.0f} %" for row in _highest(answer, 3))


def _flac(waveform: np.ndarray) -> bytes:
    """Return a waveform as a FLAC file: half of a wav file, and every browser plays it."""
    encoded = io.BytesIO()
    soundfile.write(encoded, np.clip(waveform, -1, 1), SAMPLING_RATE, format="FLAC", subtype="PCM_16")
    return encoded.getvalue()


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mgc_keras.demo"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("answer.html.j2")


def style() -> str:
    """Return the style sheet of the page."""
    return Path(__file__).with_name("templates").joinpath("page.css").read_text("utf-8")
