"""What answers about songs, one after the other: a network that scores, and a judge of its scores."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.answers.answer import SongAnswer
from mgc_keras.answers.listening import listening
from mgc_keras.answers.sounds import unanswered
from mgc_keras.audio.spans import Excerpts
from mgc_keras.errors import AudioError
from mgc_keras.features.clips import Clips
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.songs import SongScorer, SongScores

if TYPE_CHECKING:
    from mgc_keras.cluster import Cluster


class SongAnswerer:
    """A network and what is made of its scores.

    Attributes
    ----------
    scorer : SongScorer
    names : tuple of str
        Of genres or tags.
    """

    scorer: SongScorer
    names: tuple[str, ...]
    _excerpts: Excerpts
    _hearing: Hearing

    def answers(
        self, clips: Clips, *, jobs: int | None = None, cluster: "Cluster | None" = None
    ) -> Iterator[SongAnswer]:
        """Answer song by song, in the order of `clips`, each as soon as it is done."""
        found = self.scorer.songs(clips, self._excerpts, jobs=jobs, cluster=cluster, hearing=self._hearing)
        for song, path in zip(found, clips.paths, strict=True):
            heard = song.problem or listening(song, self._excerpts, self.scorer.extractor.fit)
            if isinstance(heard, AudioError):
                yield unanswered(replace(song, problem=heard), path, self.names, clips.channel)
            else:
                yield heard.whole(self._answer(song.only(heard.votes), path, heard.unsure), song.spans)

    def _answer(self, found: SongScores, path: Path, unsure: tuple[str, ...]) -> SongAnswer:
        """Judge the scores of a song's excerpts that vote; `unsure` says why no answer can be sure."""
        raise NotImplementedError
