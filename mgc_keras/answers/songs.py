"""Genres and tags of songs: `classify` and `tag`, which the commands of these names print."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from mgc_keras.answers.answer import SongAnswer
from mgc_keras.answers.classifier import GenreOptions, SongClassifier
from mgc_keras.answers.reasons import SURE
from mgc_keras.answers.tagger import SongTagger
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.songs import SongScores
from mgc_keras.work import logger

if TYPE_CHECKING:
    from mgc_keras.datasets.manifest import Manifest


def classify(
    songs: "Clips | Manifest | str | Path | Iterable[str | Path]",
    weights: str | Path | keras.Model = "jimenez2017",
    *,
    average: str = "mean",
    neighbours: str | Path | None = None,
    k: int = 5,
    labels: Iterable[str] | None = None,
    drop: float = 0.0,
    centre: bool = False,
    sure: float = SURE,
    coverage: float | None = None,
    calibration: str | Path | None = None,
    calibrate_on: str | Path | None = None,
    why: bool = False,
    data_home: str | Path | None = None,
    channel: str = "mix",
    jobs: int | None = None,
    sampling_rate: int | None = None,
) -> list[SongAnswer]:
    """Tell the genre of songs, how sure that is, and why: ``mgc-keras classify`` for programs.

    Parameters
    ----------
    songs
        Audio files, folders, or a manifest: see `mgc_keras.features.clips.list_clips`.
    weights : str, Path or keras.Model
        A name of ``mgc-keras weights list`` (fetched on first use), a file, or a model.
    average : {"mean", "geometric", "knn"}
        How the genre of a song is made from those of its excerpts: see `mgc_keras.answers.votes.song_votes`.
    neighbours : path, optional
        Songs of known genre, for "knn" and as reasons: a manifest with labels, or an ``.npz`` that a study wrote.
    k : int
        Neighbours that each excerpt asks.
    labels : sequence of str, optional
        Names of the model's genres, where its file does not hold them.
    drop, centre
        Seconds left out at each end of a song; or one excerpt, from its centre, alone.
    sure : float
        Without a calibration, a genre is the answer if it has this share of the song, and of its excerpts, and stays
        the song's genre 10 dB softer and louder; else the verdict is "not sure". 0: always a genre.
    coverage : float, optional
        With a calibration (of this file, `calibrate_on`, or ``MODEL.calibration.json`` beside the model), the verdict
        is a genre if the set of genres that holds the true one with this probability has one member (0.9 where a
        calibration is given alone). See `mgc_keras.evaluation.conformal` for what is assumed.
    calibration : path, optional
        A file to read, or, with `calibrate_on`, to write.
    calibrate_on : path, optional
        A manifest of labelled songs that the network has not learnt from.
    why : bool
        Give all reasons: `SongAnswer.why`.
    data_home, channel, jobs
        Folder that a manifest's paths start from (those of `neighbours` and `calibrate_on` where none of their songs is
        beside the manifest); channel of stereo songs; threads that decode.
    sampling_rate : int, optional
        In Hz, at which the network hears; needed where its file does not tell.

    Returns
    -------
    list of SongAnswer
        In the order of the songs. One that cannot be read has its problem, and ends nothing.

    Raises
    ------
    OptionError, ManifestError, WeightsError
        As `SongScorer` and `list_clips`; or a calibration or neighbours that do not fit the network.

    Example
    -------
    >>> for answer in mgc_keras.classify("my_music"):                            # doctest: +SKIP
    ...     print(answer.filepath, answer.verdict, answer.best, *answer.reasons, sep="; ")
    """
    clips = list_clips(songs, data_home, channel)
    options = GenreOptions(average, k, drop, centre, sure, coverage, why)

    def unread(use: str, song: SongScores) -> None:
        logger.warning(f"{use}: {song.filepath}: {song.problem.problem if song.problem else ''}")

    classifier = SongClassifier(
        weights,
        options,
        labels=labels,
        neighbours=neighbours,
        calibration=calibration,
        calibrate_on=calibrate_on,
        data_home=data_home,
        channel=channel,
        jobs=jobs,
        sampling_rate=sampling_rate,
        unread=unread,
    )
    return list(classifier.answers(clips, jobs=jobs))


def tag(
    songs: "Clips | Manifest | str | Path | Iterable[str | Path]",
    weights: str | Path | keras.Model = "music_tagger_crnn",
    *,
    drop: float = 0.0,
    centre: bool = False,
    why: bool = False,
    data_home: str | Path | None = None,
    channel: str = "mix",
    jobs: int | None = None,
    sampling_rate: int | None = None,
) -> list[SongAnswer]:
    """Find last.fm tags of songs: ``mgc-keras tag`` for programs. Parameters and errors are those of `classify`.

    Returns
    -------
    list of SongAnswer
        Scores are no shares: each tag has its own, from 0 to 1, and rare tags score low.
    """
    clips = list_clips(songs, data_home, channel)
    tagger = SongTagger(weights, drop=drop, centre=centre, why=why, sampling_rate=sampling_rate)
    return list(tagger.answers(clips, jobs=jobs))
