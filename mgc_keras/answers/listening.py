"""What of a song a network can judge: which excerpts sound, how loud, and what is filled up, left out or damaged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mgc_keras.answers.answer import SongAnswer
from mgc_keras.answers.reasons import between, listed
from mgc_keras.audio.spans import Excerpts
from mgc_keras.errors import AudioError
from mgc_keras.features.songs import SongScores

# Share of an excerpt that must sound for a vote.
VOTING_SHARE = 0.5
# In dB of full scale (RMS). The quietest of 60 clips of Emotify has -29.8, the loudest -11.6: no master is hit, and
# each of them is once it is 30 dB quieter.
QUIET = -40.0
# Share of a song that is worth a word if it is not heard.
_LONG_REST = 0.25
SILENT, MOSTLY_SILENT = "silence", "mostly silence"
# Sums of float32.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Listening:
    """What of a song a network can judge.

    Parameters
    ----------
    votes : np.ndarray [shape=(n_excerpts,), dtype=bool]
        Which excerpts have scores and a vote: those of which at least half sounds. Where none does, those that sound
        at all, and no answer is sure.
    sounds : tuple of str, (n_excerpts,)
        "silence" or "mostly silence" of those that have no vote, else "".
    unsure : tuple of str
        Why no answer can be sure.
    remarks : tuple of str
        What else to know of how the song was heard.
    """

    votes: np.ndarray
    sounds: tuple[str, ...]
    unsure: tuple[str, ...]
    remarks: tuple[str, ...]

    def whole(self, answer: SongAnswer, spans: np.ndarray) -> SongAnswer:
        """Return an answer made of the excerpts that vote as one of all, whose rows are nan where there is no vote."""
        excerpts = np.full((len(self.votes), answer.excerpts.shape[1]), np.nan)
        excerpts[self.votes] = answer.excerpts
        sounds = np.array(self.sounds, dtype=object)
        sounds[self.votes] = answer.sounds
        reasons, doubts = (*answer.reasons, *self.remarks), (*answer.doubts, *self.remarks)
        sounds_of = tuple(sounds.tolist())
        return replace(answer, excerpts=excerpts, spans=spans, sounds=sounds_of, reasons=reasons, doubts=doubts)


def listening(found: SongScores, excerpts: Excerpts, fit: str) -> Listening | AudioError:
    """Judge how a song was heard, or say why nothing of it can be judged.

    Parameters
    ----------
    found : SongScores
        With what was heard.
    excerpts : Excerpts
        By which it was cut.
    fit : {"repeat", "zero_pad", "crop"}
        How what is shorter than an excerpt was filled up.
    """
    assert found.heard is not None
    lengths = np.diff(found.spans)[:, 0]
    seconds = np.array([part.seconds for part in found.heard.sounding])
    if fit == "repeat":
        # Repeats sound as well, and are nothing new.
        seconds *= lengths / excerpts.seconds
    # The frame that a song ends in counts whole.
    seconds = np.minimum(seconds, lengths)
    share = seconds / excerpts.seconds + _ROUNDING
    half = share >= VOTING_SHARE
    votes = half if half.any() else seconds > 0
    if not votes.any():
        problem = f"is silent in all its excerpts of {excerpts.seconds:g} s"
        return AudioError(problem, cure="give a part of the song that sounds, or leave it out")
    sounds = tuple(
        "" if vote else MOSTLY_SILENT if part > 0 else SILENT for vote, part in zip(votes, seconds, strict=True)
    )
    power = np.average([part.power for part in found.heard.sounding], weights=seconds * votes)
    unsure = [] if half.any() else [_too_little(found.seconds, seconds.max(), excerpts.seconds)]
    if (level := 10 * np.log10(power)) < QUIET:
        why = "what a network answers depends on the level"
        unsure.append(
            f"it is very quiet ({level:.0f} dB, music is above {QUIET:.0f} dB): {why}, so normalize its volume first"
        )
    rest = found.seconds - excerpts.drop - found.spans[-1, 1]
    remarks = [*_silent(sounds, found.spans), *([found.note] if found.note else [])]
    if rest > _LONG_REST * found.seconds and not excerpts.centre and not found.note:
        remarks.append(f"its last {rest:.1f} s of {found.seconds:.1f} s are not heard: they fill no excerpt")
    remarks += [f"the file looks damaged: it {words}" for words in found.remark.split("; ") if words]
    return Listening(votes, sounds, tuple(unsure), tuple(remarks))


def _too_little(song_seconds: float, sounding: float, excerpt_seconds: float) -> str:
    if song_seconds < VOTING_SHARE * excerpt_seconds:
        return f"{song_seconds:.1f} s are less than half an excerpt of {excerpt_seconds:g} s, too little to be sure"
    return f"no excerpt of {excerpt_seconds:g} s sounds for half of its time, {sounding:.1f} s at most"


def _silent(sounds: Sequence[str], spans: np.ndarray) -> list[str]:
    sentences = []
    for kind, words in ((SILENT, "silent"), (MOSTLY_SILENT, "mostly silent")):
        times = [between(span) for span, sound in zip(spans, sounds, strict=True) if sound == kind]
        if times:
            one = len(times) == 1
            sentences.append(f"{listed(times)} {'is' if one else 'are'} {words}: no scores and no vote")
    return sentences
