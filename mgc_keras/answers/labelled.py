"""Songs of known genre, as a network scores them: neighbours to ask, and examples to calibrate on."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mgc_keras.answers.listening import listening
from mgc_keras.answers.votes import Neighbours
from mgc_keras.audio.spans import Excerpts
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.evaluation.voting import shares
from mgc_keras.features.clips import list_clips
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.songs import SongScorer, SongScores
from mgc_keras.work import logger


@dataclass(frozen=True, eq=False)
class LabelledSongs:
    """Songs with their genres.

    Parameters
    ----------
    path : Path
        Of the manifest.
    use : str
        The option that names it.
    clip_ids, genres : list of str, (n_songs,)
    scores : list of np.ndarray [shape=(n_excerpts, n_outputs)]
        Of each song's excerpts.
    unread : list of SongScores
        Songs that have none; they are in no other list.
    """

    path: Path
    use: str
    clip_ids: list[str]
    genres: list[str]
    scores: list[np.ndarray]
    unread: list[SongScores]

    def neighbours(self) -> Neighbours:
        """Return their excerpts as neighbours."""
        counts = [len(rows) for rows in self.scores]
        genres, songs = np.repeat(self.genres, counts), np.repeat(self.clip_ids, counts)
        return Neighbours(shares(np.concatenate(self.scores)), genres, songs)

    def of_genres(self, names: tuple[str, ...]) -> "LabelledSongs":
        """Return the songs whose genre a network knows; a warning in the log says how many others there are.

        Raises
        ------
        OptionError
            There are none.
        """
        kept = [place for place, genre in enumerate(self.genres) if genre in names]
        if not kept:
            cure = f"the network's genres are {', '.join(names)}"
            raise OptionError(f"knows no genre {self.genres[0]!r}", path=self.path, field=flag(self.use), cure=cure)
        if others := len(self.genres) - len(kept):
            of = f"{others} of {len(self.genres)} songs are of genres that the network does not know"
            logger.warning(f"{flag(self.use)}: {of}: they are left out")
        clip_ids, genres = ([values[place] for place in kept] for values in (self.clip_ids, self.genres))
        return LabelledSongs(self.path, self.use, clip_ids, genres, [self.scores[place] for place in kept], self.unread)


def labelled_songs(
    scorer: SongScorer, path: str | Path, excerpts: Excerpts, use: str, *, channel: str = "mix", jobs: int | None = None
) -> LabelledSongs:
    """Score the songs of a manifest with labels.

    Parameters
    ----------
    scorer : SongScorer
    path : path
        The manifest.
    excerpts : Excerpts
        How songs are cut.
    use : str
        The parameter that names it, for errors.
    channel, jobs
        See `mgc_keras.answers.songs.classify`.

    Raises
    ------
    OptionError
        It holds no labels, or none of its songs can be read.
    """
    field, path = flag(use), Path(path)
    clips = list_clips(path, channel=channel)
    if clips.labels is None:
        raise OptionError("has no genres", path=path, field=field, cure="add a column 'label'")
    genre_of = dict(zip(clips.clip_ids, clips.labels, strict=True))
    found = [_voting(song, scorer, excerpts) for song in scorer.songs(clips, excerpts, jobs=jobs, hearing=Hearing())]
    songs = [song for song in found if song.problem is None]
    if not songs:
        raise OptionError("none of its songs can be read", path=path, field=field, cure="check the file paths")
    unread = [song for song in found if song.problem is not None]
    clip_ids, scores = [song.clip_id for song in songs], [song.scores for song in songs]
    return LabelledSongs(path, use, clip_ids, [genre_of[clip_id] for clip_id in clip_ids], scores, unread)


def _voting(song: SongScores, scorer: SongScorer, excerpts: Excerpts) -> SongScores:
    """Return a song's excerpts that have a vote where it is asked about itself."""
    heard = song.problem or listening(song, excerpts, scorer.extractor.fit)
    return replace(song, problem=heard) if isinstance(heard, AudioError) else song.only(heard.votes)


def flag(use: str) -> str:
    """Return a parameter as the command line writes it."""
    return f"--{use.replace('_', '-')}"
