"""A network that tags songs."""

from pathlib import Path

import keras

from mgc_keras.answers.answer import NOT_MUSIC, TAGS, SongAnswer, Why
from mgc_keras.answers.answerer import SongAnswerer
from mgc_keras.answers.classifier import LEVELS
from mgc_keras.answers.reasons import evidence, not_music, why_sentences
from mgc_keras.answers.sounds import sounds_of
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.songs import SongScorer, SongScores


class SongTagger(SongAnswerer):
    """A network that tags songs; parameters are those of `mgc_keras.answers.songs.tag`."""

    def __init__(
        self,
        weights: str | Path | keras.Model = "music_tagger_crnn",
        *,
        drop: float = 0.0,
        centre: bool = False,
        why: bool = False,
        sampling_rate: int | None = None,
    ) -> None:
        self.scorer = SongScorer(weights, "tags", sampling_rate=sampling_rate)
        self.names = self.scorer.names
        self._excerpts = self.scorer.excerpts(drop, centre)
        self._why, self._hearing = why, Hearing(LEVELS if why else ())

    def _answer(self, found: SongScores, path: Path, unsure: tuple[str, ...]) -> SongAnswer:
        of_song, sounds = found.scores.mean(axis=0), sounds_of(found)
        is_no_music, sentences = not_music(sounds, found.spans)
        sentences += unsure
        best, why = int(of_song.argmax()), None
        if self._why:
            assert found.heard is not None
            at_levels = {level: scores.mean(axis=0) for level, scores in found.heard.at_levels.items()}
            highest = {level: (self.names[row.argmax()], float(row.max())) for level, row in at_levels.items()}
            why = Why(highest)
            said, against = evidence(found.scores, found.spans, best, self.names)
            sentences += [*said, *against, *why_sentences(why, self.names[best])]
        # Tags have no verdict to be unsure by.
        note = ", ".join(filter(None, [found.note, *unsure]))
        return SongAnswer(
            found.clip_id, found.filepath, path, self.names, NOT_MUSIC if is_no_music else TAGS, tuple(sentences),
            self.names[best], of_song, found.scores, found.spans, sounds, note=note, remark=found.remark, why=why,
        )  # fmt: skip
