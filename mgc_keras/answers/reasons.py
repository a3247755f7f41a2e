"""How sure an answer is, and why, in plain sentences."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mgc_keras.answers.answer import GENRE, NOT_SURE, Why
from mgc_keras.audio.spans import clock

# Share of a song's excerpts that must sound like speech or noise before the song is called no music.
NO_MUSIC_SHARE = 0.75
# The least share, of a song and of its excerpts, that makes a genre the answer where there is no calibration: a genre
# with less is outweighed by the others.
SURE = 0.5
# Excerpts that a sentence names.
_MOST_NAMED = 5


def not_music(sounds: Sequence[str], spans: np.ndarray) -> tuple[bool, list[str]]:
    """Say whether a song is no music by what its excerpts sound like (see `SongAnswer.sounds`), and what was heard."""
    count = Counter(sound for sound in sounds if sound)
    sentences = []
    for sound, number in count.most_common():
        heard = [span for span, other in zip(spans, sounds, strict=True) if other == sound]
        which = "it sounds" if len(sounds) == 1 else _counted(number, len(sounds), "sound")
        where = "" if number == len(sounds) else f": {listed([between(span) for span in heard])}"
        sentences.append(f"{which} like {sound}{where}")
    return bool(sounds) and count.total() >= NO_MUSIC_SHARE * len(sounds), sentences


def genre_verdict(
    scores: np.ndarray, excerpts: np.ndarray, best: int, names: Sequence[str], sure: float = SURE
) -> tuple[str, list[str]]:
    """Judge without calibration: a genre is the answer if the song and its excerpts both lean to it.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_genres,)]
        Shares of the song.
    excerpts : np.ndarray [shape=(n_excerpts, n_genres)]
    best : int
        Column of the genre.
    names : sequence of str
    sure : float
        The least share of the song, and the least part of its excerpts, that the genre must have. The rule needs no
        songs of known genre; how often it is right depends on the network and the music, and is not promised.
    """
    agree = excerpts.argmax(axis=1) == best
    sentences = []
    if agree.mean() < sure:
        least = "half" if sure == 0.5 else f"{100 * sure:g} %"
        few = f"{_counted(agree.sum(), len(agree), 'say')} {names[best]}, fewer than {least}"
        sentences.append(few if len(agree) > 1 else f"its one excerpt does not say {names[best]}")
    if scores[best] < sure:
        sentences.append(f"the share of {names[best]} is {_percent(scores[best])}, below {100 * sure:g} %")
    return (NOT_SURE, sentences) if sentences else (GENRE, [])


def level_doubt(at_levels: Mapping[float, tuple[str, float]], best: str) -> list[str]:
    """Say that a song made softer or louder has another genre: `at_levels` as in `Why`, `best` as the song is."""
    others = {level: found for level, found in at_levels.items() if found[0] != best}
    if not others:
        return []
    answers = listed([f"{_by(level)}: {genre} {_percent(share)}" for level, (genre, share) in others.items()])
    return [f"the answer depends on the level ({answers})"]


def set_verdict(genre_set: tuple[str, ...], coverage: float) -> tuple[str, list[str]]:
    """Judge by a set of `mgc_keras.answers.calibration.Calibration`: one genre is an answer, several or none not."""
    if len(genre_set) == 1:
        return GENRE, [f"at {100 * coverage:g} % coverage it is {genre_set[0]} alone"]
    if genre_set:
        return NOT_SURE, [f"at {100 * coverage:g} % coverage it may be {_either(genre_set)}"]
    return NOT_SURE, [f"at {100 * coverage:g} % coverage no genre fits: it is unlike the songs of the calibration"]


def evidence(excerpts: np.ndarray, spans: np.ndarray, best: int, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Say which excerpts are for an answer, and which against, with their times and shares."""
    own = excerpts.argmax(axis=1)
    agree = own == best
    said = lambda place: f"{between(spans[place])} ({_percent(excerpts[place, own[place]])})"
    if len(own) == 1:
        return [f"heard in one excerpt only: {names[own[0]]} {said(0)}"], []
    sentence = f"{_counted(agree.sum(), len(own), 'say')} {names[best]}"
    if agree.any():
        sentence += f": {listed([said(place) for place in np.flatnonzero(agree)])}"
    others = [f"{names[own[place]]} {said(place)}" for place in np.flatnonzero(~agree)]
    return [sentence], [f"against: {listed(others)}"] if others else []


def why_sentences(why: Why, best: str) -> list[str]:
    """Say how the answer changes with level and with the part heard, which songs are near, and what tags go with it."""
    sentences = []
    for what, found in (("level", why.at_levels), ("part", why.at_parts)):
        if not found:
            continue
        name: Callable[[Any], str] = _by if what == "level" else str
        answers = ", ".join(f"{name(key)}: {answer} {_percent(share)}" for key, (answer, share) in found.items())
        changes = any(answer != best for answer, _ in found.values())
        subject = "level" if what == "level" else "part that is heard"
        sentences.append(f"the answer {'changes' if changes else 'stays'} with the {subject} ({answers})")
    if why.neighbours:
        near = ", ".join(f"{song} ({genre}, {distance:.2f})" for song, genre, distance in why.neighbours)
        sentences.append(f"nearest songs of known genre: {near}")
    if why.tags:
        sentences.append("tags that go with it: " + ", ".join(f"{tag} {_percent(score)}" for tag, score in why.tags))
    return sentences


def _by(decibels: float) -> str:
    return f"{abs(decibels):g} dB {'louder' if decibels > 0 else 'softer'}"


def between(span: np.ndarray) -> str:
    """Return an excerpt's time in its song: "0:29-0:58"."""
    return f"{clock(span[0])}-{clock(span[1])}"


def listed(words: Sequence[str]) -> str:
    """Return some words with commas between them: five at most, and how many more there are."""
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _counted(number: int, total: int, verb: str) -> str:
    """Return "1 excerpt of 3 says", "2 excerpts of 3 say"."""
    return f"1 excerpt of {total} {verb}s" if number == 1 else f"{number} excerpts of {total} {verb}"


def _either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
