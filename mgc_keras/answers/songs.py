"""Genres and tags of songs: `classify` and `tag`, which the commands of these names print."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from mgc_keras.answers.answer import NO_ANSWER, NOT_MUSIC, TAGS, SongAnswer, Why
from mgc_keras.answers.calibration import Calibration, calibration_beside
from mgc_keras.answers.labelled import LabelledSongs, labelled_songs
from mgc_keras.answers.reasons import SURE, evidence, genre_verdict, not_music, set_verdict, why_sentences
from mgc_keras.answers.votes import Neighbours, chosen_genres, neighbours_beside, song_votes
from mgc_keras.audio.containers import CONSTANT, SILENT
from mgc_keras.audio.files import waveform_blocks
from mgc_keras.checks import checked_choice
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.evaluation.voting import shares
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.songs import SongScorer, SongScores
from mgc_keras.networks.registry import cached_path, is_cached
from mgc_keras.networks.tensors import weights_sha256
from mgc_keras.work import logger

if TYPE_CHECKING:
    from mgc_keras.cluster import Cluster
    from mgc_keras.datasets.manifest import Manifest

# In dB: what a quiet recording and a loud master differ by. The published network was not told of either.
WHY_LEVELS = (-10.0, 10.0)
# Songs and tags that are named as reasons.
_NEAREST = 5
# Whose tags are reasons, where its weights are at hand.
_TAGGER = "music_tagger_crnn"
COVERAGE = 0.9


@dataclass(frozen=True)
class GenreOptions:
    """How `SongClassifier` finds a genre and judges it; see `classify`.

    Raises
    ------
    OptionError
        A value that makes no sense.
    """

    average: str = "mean"
    k: int = 5
    drop: float = 0.0
    centre: bool = False
    sure: float = SURE
    coverage: float | None = None
    why: bool = False

    def __post_init__(self) -> None:
        checked_choice("average", self.average, ("mean", "geometric", "knn"))
        if self.k < 1:
            raise OptionError(f"{self.k} neighbours are none", field="--k", cure="give 1 or more")
        if not 0 <= self.sure <= 1:
            raise OptionError(f"{self.sure:g} is no share", field="--sure", cure="give 0, for always, up to 1")
        if self.coverage is not None and not 0 < self.coverage < 1:
            cure = "give a share between 0 and 1, such as 0.9"
            raise OptionError(f"{self.coverage:g} is no coverage", field="--coverage", cure=cure)


class SongClassifier:
    """A network that tells the genre of songs, and judges its own answers.

    Parameters
    ----------
    weights : str, Path or keras.Model
    options : GenreOptions
    neighbours, calibration : path, optional
        Files, or manifests of labelled songs; see `classify`.
    calibrate_on : path, optional
        See `classify`.
    labels : sequence of str, optional
        Names of the genres, where the model holds none.
    channel, jobs
        See `classify`; of labelled songs.
    unread : callable
        Is told of each labelled song that has no scores, and whose it is: "neighbours" or "calibrate_on".

    Attributes
    ----------
    names : tuple of str
    calibration : Calibration or None
    """

    def __init__(
        self,
        weights: str | Path | keras.Model = "jimenez2017",
        options: GenreOptions = GenreOptions(),
        *,
        labels: Iterable[str] | None = None,
        neighbours: str | Path | None = None,
        calibration: str | Path | None = None,
        calibrate_on: str | Path | None = None,
        channel: str = "mix",
        jobs: int | None = None,
        unread: Callable[[str, SongScores], None] = lambda use, song: None,
    ) -> None:
        self.options = options
        self.scorer = SongScorer(weights, "genres", names=list(labels) if labels else None)
        self.names = self.scorer.names
        self._excerpts = self.scorer.excerpts(options.drop, options.centre)
        self._calibration_file = calibration
        beside = not isinstance(weights, keras.Model)

        def labelled(path: str | Path, use: str) -> LabelledSongs:
            found = labelled_songs(self.scorer, path, self._excerpts, use, channel=channel, jobs=jobs)
            for song in found.unread:
                unread(use, song)
            return found

        if neighbours is None and beside and options.average == "knn":
            found = neighbours_beside(str(weights))
            neighbours = found if found.is_file() else None
        self.neighbours = None
        if neighbours is not None:
            is_table = Path(neighbours).suffix.lower() == ".csv"
            self.neighbours = (
                labelled(neighbours, "neighbours").neighbours() if is_table else Neighbours.read(neighbours)
            )
        if options.average == "knn":
            # Refused before songs are listened to.
            self._votes(np.full((1, len(self.names)), 1 / len(self.names)), "knn")
        self.calibration = None
        network = weights_sha256(self.scorer.model) if calibration or calibrate_on or options.coverage else ""
        if calibrate_on is not None:
            songs = labelled(calibrate_on, "calibrate_on")
            known = songs.of_genres(self.names)
            options_of = {"neighbours": self.neighbours, "k": options.k}
            self.calibration = Calibration.of_songs(
                network, self.names, vars(self._excerpts), known.scores, known.genres, **options_of
            )
            if calibration is not None:
                self.calibration.write(calibration)
        elif calibration is not None or options.coverage is not None:
            path = calibration if calibration is not None else calibration_beside(str(weights)) if beside else None
            if path is None or calibration is None and not Path(path).is_file():
                cure = "give --calibration, or --calibrate-on with songs of known genre"
                raise OptionError("needs a calibration of this network", field="--coverage", cure=cure)
            self.calibration = Calibration.read(path)
        if self.calibration is not None:
            self.calibration.check_fits(network, self.names, vars(self._excerpts), options.average)
        self._hearing = Hearing(WHY_LEVELS if options.why else (), _tagger_for(self.scorer) if options.why else None)

    def answers(
        self, clips: Clips, *, jobs: int | None = None, cluster: "Cluster | None" = None
    ) -> Iterator[SongAnswer]:
        """Answer song by song, in the order of `clips`, each as soon as it is done."""
        options = {"jobs": jobs, "cluster": cluster, "hearing": self._hearing}
        found = self.scorer.songs(clips, self._excerpts, **options)
        for song, path in zip(found, clips.paths, strict=True):
            yield self._answer(song, path) if song.problem is None else _unanswered(song, path, self.names)

    def _votes(self, scores: np.ndarray, average: str) -> np.ndarray:
        same_song = np.zeros(len(scores), dtype=int)
        known = {"neighbours": self.neighbours, "k": self.options.k}
        return song_votes(same_song, scores, average, names=self.names, **known)

    def _vote(self, scores: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the song's shares, and the column of its genre."""
        votes = self._votes(scores, self.options.average)
        return votes[0], int(chosen_genres(votes, self._votes(scores, "mean"))[0])

    def _answer(self, found: SongScores, path: Path) -> SongAnswer:
        options, names = self.options, self.names
        of_song, best = self._vote(found.scores)
        excerpts = shares(found.scores)
        sounds = _sounds(found)
        is_no_music, heard = not_music(sounds, found.spans)
        genre_set = probabilities = None
        if self.calibration is not None:
            coverage = COVERAGE if options.coverage is None else options.coverage
            genre_set = self.calibration.genre_set(of_song, options.average, coverage)
            probabilities = self.calibration.probabilities(of_song, options.average)
            verdict, sentences = set_verdict(genre_set, coverage)
        else:
            verdict, sentences = genre_verdict(of_song, excerpts, best, names, options.sure)
        verdict = NOT_MUSIC if is_no_music else verdict
        sentences = [*heard, *sentences]
        if len(excerpts) > 1 or options.why:
            sentences += evidence(excerpts, found.spans, best, names)
        why = self._why(found, excerpts, of_song) if options.why else None
        if why is not None:
            sentences += why_sentences(why, names[best])
        return SongAnswer(
            found.clip_id, found.filepath, path, names, verdict, tuple(sentences), names[best], of_song, excerpts,
            found.spans, sounds, genre_set, probabilities, found.note, found.remark, why=why,
        )  # fmt: skip

    def _why(self, found: SongScores, excerpts: np.ndarray, of_song: np.ndarray) -> Why:
        def answer(scores: np.ndarray) -> tuple[str, float]:
            votes, best = self._vote(scores)
            return self.names[best], float(votes[best])

        heard, n_excerpts = found.heard, len(excerpts)
        assert heard is not None
        parts = {"first": 0, "centre": n_excerpts // 2, "last": n_excerpts - 1} if n_excerpts > 1 else {}
        return Why(
            {level: answer(scores) for level, scores in heard.at_levels.items()},
            {part: answer(found.scores[[place]]) for part, place in parts.items()},
            () if self.neighbours is None else self.neighbours.nearest_songs(excerpts.mean(axis=0), _NEAREST),
            _highest(heard.tags.mean(axis=0), self._hearing.tagger.columns) if self._hearing.tagger else (),
        )


class SongTagger:
    """A network that tags songs; parameters and use as of `SongClassifier`."""

    def __init__(
        self,
        weights: str | Path | keras.Model = _TAGGER,
        *,
        drop: float = 0.0,
        centre: bool = False,
        why: bool = False,
    ) -> None:
        self.scorer = SongScorer(weights, "tags")
        self.names = self.scorer.names
        self._excerpts = self.scorer.excerpts(drop, centre)
        self._why, self._hearing = why, Hearing(WHY_LEVELS if why else ())

    def answers(
        self, clips: Clips, *, jobs: int | None = None, cluster: "Cluster | None" = None
    ) -> Iterator[SongAnswer]:
        """Answer song by song, in the order of `clips`, each as soon as it is done."""
        options = {"jobs": jobs, "cluster": cluster, "hearing": self._hearing}
        found = self.scorer.songs(clips, self._excerpts, **options)
        for song, path in zip(found, clips.paths, strict=True):
            yield self._answer(song, path) if song.problem is None else _unanswered(song, path, self.names)

    def _answer(self, found: SongScores, path: Path) -> SongAnswer:
        of_song, sounds = found.scores.mean(axis=0), _sounds(found)
        is_no_music, sentences = not_music(sounds, found.spans)
        best, why = int(of_song.argmax()), None
        if self._why:
            assert found.heard is not None
            at_levels = {level: scores.mean(axis=0) for level, scores in found.heard.at_levels.items()}
            highest = {level: (self.names[row.argmax()], float(row.max())) for level, row in at_levels.items()}
            why = Why(highest)
            sentences += evidence(found.scores, found.spans, best, self.names) + why_sentences(why, self.names[best])
        return SongAnswer(
            found.clip_id, found.filepath, path, self.names, NOT_MUSIC if is_no_music else TAGS, tuple(sentences),
            self.names[best], of_song, found.scores, found.spans, sounds, note=found.note, remark=found.remark, why=why,
        )  # fmt: skip


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
        Without a calibration, a genre is the answer if it has this share of the song, and of its excerpts; else the
        verdict is "not sure". 0: always a genre.
    coverage : float, optional
        With a calibration (of this file, `calibrate_on`, or ``MODEL.calibration.json`` beside the model), the verdict
        is a genre if the set of genres that holds the true one with this probability has one member (0.9 where a
        calibration is given alone). See `mgc_keras.evaluation.conformal` for what is assumed.
    calibration : path, optional
        A file to read, or, with `calibrate_on`, to write.
    calibrate_on : path, optional
        A manifest of labelled songs that the network has not learnt from.
    why : bool
        Give all reasons: `SongAnswer.why`. The network then computes three times as much.
    data_home, channel, jobs
        Folder that a manifest's paths start from; channel of stereo songs; threads that decode.

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
    files = {"neighbours": neighbours, "calibration": calibration, "calibrate_on": calibrate_on}

    def unread(use: str, song: SongScores) -> None:
        logger.warning(f"{use}: {song.filepath}: {song.problem.problem if song.problem else ''}")

    reading = {"channel": channel, "jobs": jobs, "unread": unread}
    classifier = SongClassifier(weights, options, labels=labels, **files, **reading)
    return list(classifier.answers(clips, jobs=jobs))


def tag(
    songs: "Clips | Manifest | str | Path | Iterable[str | Path]",
    weights: str | Path | keras.Model = _TAGGER,
    *,
    drop: float = 0.0,
    centre: bool = False,
    why: bool = False,
    data_home: str | Path | None = None,
    channel: str = "mix",
    jobs: int | None = None,
) -> list[SongAnswer]:
    """Find last.fm tags of songs: ``mgc-keras tag`` for programs. Parameters and errors are those of `classify`.

    Returns
    -------
    list of SongAnswer
        Scores are no shares: each tag has its own, from 0 to 1, and rare tags score low.
    """
    clips = list_clips(songs, data_home, channel)
    return list(SongTagger(weights, drop=drop, centre=centre, why=why).answers(clips, jobs=jobs))


def _sounds(found: SongScores) -> tuple[str, ...]:
    return tuple(figures.kind() for figures in found.heard.figures) if found.heard else ()


def _unanswered(song: SongScores, path: Path, names: tuple[str, ...]) -> SongAnswer:
    problem = song.problem
    assert problem is not None
    silent = any(words in problem.problem for words in (SILENT, CONSTANT)) and _is_silent(path)
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


def _highest(scores: np.ndarray, names: Iterable[str]) -> tuple[tuple[str, float], ...]:
    names = list(names)
    return tuple((names[column], float(scores[column])) for column in np.argsort(-scores, kind="stable")[:_NEAREST])


def _tagger_for(scorer: SongScorer):  # noqa: ANN202
    """Return the tagger whose tags are reasons, if its weights are at hand and it hears the same excerpts."""
    if not is_cached(_TAGGER):
        return None
    tagger = SongScorer(cached_path(_TAGGER), "tags").extractor
    same = (tagger.n_samples, tagger.sampling_rate) == (scorer.extractor.n_samples, scorer.extractor.sampling_rate)
    return tagger if same else None
