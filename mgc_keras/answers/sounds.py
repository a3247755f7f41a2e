"""Songs that are no music: what their excerpts sound like, and what has no scores at all."""

from pathlib import Path

from mgc_keras.answers.answer import NO_ANSWER, NOT_MUSIC, SongAnswer
from mgc_keras.audio.containers import CONSTANT, SILENT
from mgc_keras.audio.files import waveform_blocks
from mgc_keras.errors import AudioError, MgcKerasError
from mgc_keras.features.songs import SongScores


def sounds_of(found: SongScores) -> tuple[str, ...]:
    """Return what each excerpt sounds like: see `SongAnswer.sounds`."""
    return tuple(figures.kind() for figures in found.heard.figures) if found.heard else ()


def unanswered(song: SongScores, path: Path, names: tuple[str, ...], channel: str = "mix") -> SongAnswer:
    """Return the answer for a song that has no scores; `channel` says what was read of it."""
    problem = song.problem
    assert problem is not None
    silent = False
    if any(words in problem.problem for words in (SILENT, CONSTANT)):
        silent = _is_silent(path)
        if not silent and channel == "mix":
            words = f"has channels that cancel out: their mean {problem.problem}"
            problem = AudioError(words, path=problem.path, cure="give --channel left or --channel right")
    sentence = problem.problem + (f" ({problem.cure})" if problem.cure else "")
    verdict = NOT_MUSIC if silent else NO_ANSWER
    return SongAnswer(song.clip_id, song.filepath, path, names, verdict, (sentence,), problem=problem)


def _is_silent(path: Path) -> bool:
    """Tell whether the first two channels of a file hold nothing, each by itself: they may cancel in the mix."""
    try:
        for channel in ("left", "right"):
            levels = [(block.min(), block.max()) for block in waveform_blocks(path, None, channel=channel)]
            if max(high for _, high in levels) - min(low for low, _ in levels) > 2e-4:
                return False
    except (MgcKerasError, OSError):
        return False
    return True
