"""What answers about songs, one after the other: a network that scores, and a judge of its scores."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.answers.answer import SongAnswer
from mgc_keras.answers.sounds import unanswered
from mgc_keras.audio.spans import Excerpts
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
            yield self._answer(song, path) if song.problem is None else unanswered(song, path, self.names)

    def _answer(self, found: SongScores, path: Path) -> SongAnswer:
        """Judge the scores of a song."""
        raise NotImplementedError
