"""Songs of known genre, as a network scores them: neighbours to ask, and examples to calibrate on."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mgc_keras.answers.listening import listening
from mgc_keras.answers.votes import Neighbours
from mgc_keras.audio.spans import Excerpts
from mgc_keras.datasets.manifest import read_manifest, some_are_there
from mgc_keras.errors import AudioError, ManifestError, OptionError
from mgc_keras.evaluation.voting import shares
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.songs import SongScorer, SongScores
from mgc_keras.work import logger

_COLUMNS = (
    "it needs the columns clip_id, filepath and label, such as 'mgc-keras manifest folder DIR' makes of a folder with "
    "a sub-folder a genre"
)


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


def labelled_clips(path: str | Path, use: str, *, data_home: str | Path | None = None, channel: str = "mix") -> Clips:
    """List the songs of a manifest with labels, and see to it that some of them are there: no network is needed.

    Parameters
    ----------
    path : path
        The manifest.
    use : str
        The parameter that names it, for errors.
    data_home : path, optional
        The folder that its file paths start from, where the manifest's own has none of the songs.
    channel : str
        See `mgc_keras.answers.songs.classify`.

    Raises
    ------
    ManifestError
        It breaks the schema.
    OptionError
        It holds no labels, or none of its songs is there.
    """
    field, path = flag(use), Path(path)
    homes = [path.absolute().parent, *([] if data_home is None else [Path(data_home)])]
    for home in homes:
        try:
            manifest = read_manifest(path, home)
        except ManifestError as error:
            place = f"{field}: {error.field}" if error.field else field
            cure = f"{error.cure}; {_COLUMNS}" if path.is_file() and error.cure else error.cure
            raise ManifestError(error.problem, path=error.path, field=place, cure=cure) from error
        if "label" not in manifest.table:
            raise OptionError("has no genres", path=path, field=field, cure=f"add a column 'label'; {_COLUMNS}")
        if some_are_there(manifest):
            return list_clips(path, home, channel)
    tried = " and none in ".join(map(str, homes))
    cure = f"give the folder that they start from with --data-home, or correct them; {_COLUMNS}"
    raise OptionError(f"none of its file paths leads to a song in {tried}", path=path, field=field, cure=cure)


def labelled_songs(
    scorer: SongScorer, path: str | Path, clips: Clips, excerpts: Excerpts, use: str, *, jobs: int | None = None
) -> LabelledSongs:
    """Score the songs of a manifest with labels.

    Parameters
    ----------
    scorer : SongScorer
    path : path
        The manifest.
    clips : Clips
        Its songs, from `labelled_clips`.
    excerpts : Excerpts
        How songs are cut.
    use : str
        The parameter that names it, for errors.
    jobs
        See `mgc_keras.answers.songs.classify`.

    Raises
    ------
    OptionError
        None of the songs can be read.
    """
    path = Path(path)
    genre_of = dict(zip(clips.clip_ids, clips.labels or (), strict=True))
    found = [_voting(song, scorer, excerpts) for song in scorer.songs(clips, excerpts, jobs=jobs, hearing=Hearing())]
    songs = [song for song in found if song.problem is None]
    if not songs:
        cure = f"'mgc-keras check {path}' says what is wrong with them"
        raise OptionError(f"none of its {len(found)} songs can be read", path=path, field=flag(use), cure=cure)
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
