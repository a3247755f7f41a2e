"""A network that tells the genre of songs, and judges its own answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mgc_keras.answers.answer import GENRE, NOT_MUSIC, NOT_SURE, SongAnswer, Why
from mgc_keras.answers.answerer import SongAnswerer
from mgc_keras.answers.calibration import Calibration, calibration_beside
from mgc_keras.answers.labelled import LabelledSongs, labelled_clips, labelled_songs
from mgc_keras.answers.library import alike, are_genres, own_genres
from mgc_keras.answers.reasons import SURE, evidence, genre_verdict, level_doubt, not_music, set_verdict, why_sentences
from mgc_keras.answers.sounds import sounds_of
from mgc_keras.answers.votes import AVERAGES, Neighbours, chosen_genres, neighbours_beside, song_votes
from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError
from mgc_keras.evaluation.voting import shares
from mgc_keras.features.hearing import Hearing
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.songs import SongScorer, SongScores
from mgc_keras.networks.registry import cached_path, is_cached
from mgc_keras.networks.tensors import weights_sha256

# In dB: what a quiet recording and a loud master differ by. The published network was not told of either: of its 31
# sure answers about Emotify's clips 8 turn within these, and 2 of the 8 are right, of the others 17.
LEVELS = (-10.0, 10.0)
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
        checked_choice("average", self.average, AVERAGES)
        if self.k < 1:
            raise OptionError(f"{self.k} neighbours are none", field="--k", cure="give 1 or more")
        if not 0 <= self.sure <= 1:
            raise OptionError(f"{self.sure:g} is no share", field="--sure", cure="give 0, for always, up to 1")
        if self.coverage is not None and not 0 < self.coverage < 1:
            cure = "give a share between 0 and 1, such as 0.9"
            raise OptionError(f"{self.coverage:g} is no coverage", field="--coverage", cure=cure)


class SongClassifier(SongAnswerer):
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
    data_home, channel, jobs
        See `classify`; of labelled songs.
    sampling_rate : int, optional
        See `classify`.
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
        data_home: str | Path | None = None,
        channel: str = "mix",
        jobs: int | None = None,
        sampling_rate: int | None = None,
        unread: Callable[[str, SongScores], None] = lambda use, song: None,
    ) -> None:
        self.options = options
        # What is wrong with them is told before any work is done.
        manifests = {"neighbours": neighbours, "calibrate_on": calibrate_on}
        clips = {
            use: labelled_clips(path, use, data_home=data_home, channel=channel)
            for use, path in manifests.items()
            if path is not None and (use == "calibrate_on" or _is_manifest(path))
        }
        self.scorer = SongScorer(weights, "genres", names=list(labels) if labels else None, sampling_rate=sampling_rate)
        self.names = self.scorer.names
        self._are_genres = are_genres(self.names)
        self._excerpts = self.scorer.excerpts(options.drop, options.centre)
        file = None if isinstance(weights, keras.Model) else str(weights)

        def labelled(path: str | Path, use: str) -> LabelledSongs:
            found = labelled_songs(self.scorer, path, clips[use], self._excerpts, use, jobs=jobs)
            for song in found.unread:
                unread(use, song)
            return found

        self.neighbours = self._known(neighbours, file, labelled)
        self.calibration = self._calibrated(calibration, calibrate_on, file, labelled)
        self._hearing = Hearing(LEVELS, _tagger_for(self.scorer) if options.why else None)

    def _known(
        self, path: str | Path | None, model: str | None, labelled: Callable[[str | Path, str], LabelledSongs]
    ) -> Neighbours | None:
        """Return the songs of known genre to ask; for "knn" those beside the model, if none are named."""
        if path is None and model is not None and self.options.average == "knn":
            beside = neighbours_beside(model)
            path = beside if beside.is_file() else None
        found = None
        if path is not None:
            found = labelled(path, "neighbours").neighbours() if _is_manifest(path) else Neighbours.read(path)
        if self.options.average == "knn":
            # What cannot be asked is refused before songs are heard.
            song_votes(np.zeros(1, int), np.ones((1, len(self.names))), "knn", names=self.names, neighbours=found)
        return found

    def _calibrated(
        self,
        path: str | Path | None,
        songs: str | Path | None,
        model: str | None,
        labelled: Callable[[str | Path, str], LabelledSongs],
    ) -> Calibration | None:
        """Calibrate on songs, or read a calibration: the one beside the model, if sets are asked for and none named."""
        options, cut = self.options, vars(self._excerpts)
        if path is None and songs is None and options.coverage is None:
            return None
        network = weights_sha256(self.scorer.model)
        if songs is not None:
            known = labelled(songs, "calibrate_on").of_genres(self.names)
            asked = self.neighbours if options.average == "knn" else None
            examples = known.scores, known.genres
            found = Calibration.of_songs(network, self.names, cut, *examples, neighbours=asked, k=options.k)
            if path is not None:
                found.write(path)
            return found
        if path is None:
            path = None if model is None else calibration_beside(model)
            if path is None or not path.is_file():
                cure = "give --calibration, or --calibrate-on with songs of known genre"
                raise OptionError("needs a calibration of this network", field="--coverage", cure=cure)
        return Calibration.read(path).check_fits(network, self.names, cut, options.average)

    def _votes(self, scores: np.ndarray, average: str) -> np.ndarray:
        same_song, k = np.zeros(len(scores), dtype=int), self.options.k
        return song_votes(same_song, scores, average, names=self.names, neighbours=self.neighbours, k=k)

    def _vote(self, scores: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the song's shares, and the column of its genre."""
        votes = self._votes(scores, self.options.average)
        return votes[0], int(chosen_genres(votes, self._votes(scores, "mean"))[0])

    def _answer(self, found: SongScores, path: Path, unsure: tuple[str, ...]) -> SongAnswer:
        options, names = self.options, self.names
        of_song, best = self._vote(found.scores)
        excerpts = shares(found.scores)
        sounds = sounds_of(found)
        is_no_music, heard = not_music(sounds, found.spans)
        genre_set = probabilities = None
        if self.calibration is not None:
            coverage = COVERAGE if options.coverage is None else options.coverage
            genre_set = self.calibration.genre_set(of_song, options.average, coverage)
            probabilities = self.calibration.probabilities(of_song, options.average)
            verdict, sentences = set_verdict(genre_set, coverage)
        else:
            verdict, sentences = genre_verdict(of_song, excerpts, best, names, options.sure)
        assert found.heard is not None
        at_levels = {level: self._best_of(scores) for level, scores in found.heard.at_levels.items()}
        doubts = level_doubt(at_levels, names[best])
        if doubts and self.calibration is None and options.sure > 0:
            verdict = NOT_SURE
        # Without calibration, 0 asks for a genre always.
        if unsure and (self.calibration is not None or options.sure > 0):
            verdict = NOT_SURE
        verdict = NOT_MUSIC if is_no_music else verdict
        said, against = evidence(excerpts, found.spans, best, names)
        doubts = [*doubts, *against, *(self._contradiction(path, names[best]) if verdict == GENRE else [])]
        sentences = [*heard, *unsure, *sentences, *(said if len(excerpts) > 1 or options.why else []), *doubts]
        why = self._why(found, at_levels) if options.why else None
        if why is not None:
            sentences += why_sentences(why, names[best])
        return SongAnswer(
            found.clip_id, found.filepath, path, names, verdict, tuple(sentences), names[best], of_song, excerpts,
            found.spans, sounds, genre_set, probabilities, found.note, found.remark, why=why, doubts=tuple(doubts),
        )  # fmt: skip

    def _best_of(self, scores: np.ndarray) -> tuple[str, float]:
        votes, best = self._vote(scores)
        return self.names[best], float(votes[best])

    def _contradiction(self, path: Path, best: str) -> list[str]:
        """Say that a file's own tags name another genre; "Classic Rock" is no other than rock."""
        own = own_genres(path) if self._are_genres else ()
        if not own or any(alike(best) in alike(genre) for genre in own):
            return []
        return [f"the file's own genre tag says {', '.join(own)}"]

    def _why(self, found: SongScores, at_levels: dict[float, tuple[str, float]]) -> Why:
        heard, n_excerpts = found.heard, len(found.scores)
        assert heard is not None
        parts = {"first": 0, "centre": n_excerpts // 2, "last": n_excerpts - 1} if n_excerpts > 1 else {}
        if n_excerpts == 2:
            # Its second excerpt is not its centre, too.
            del parts["centre"]
        centre = shares(found.scores).mean(axis=0)
        return Why(
            at_levels,
            {part: self._best_of(found.scores[[place]]) for part, place in parts.items()},
            () if self.neighbours is None else self.neighbours.nearest_songs(centre, _NEAREST),
            _highest(heard.tags.mean(axis=0), self._hearing.tagger.columns) if self._hearing.tagger else (),
        )


def _is_manifest(path: str | Path) -> bool:
    return Path(path).suffix.lower() == ".csv"


def _highest(scores: np.ndarray, names: Iterable[str]) -> tuple[tuple[str, float], ...]:
    names = list(names)
    return tuple((names[column], float(scores[column])) for column in np.argsort(-scores, kind="stable")[:_NEAREST])


def _tagger_for(scorer: SongScorer) -> NetworkExtractor | None:
    """Return the tagger whose tags are reasons, if its weights are at hand and it hears the same excerpts."""
    if not is_cached(_TAGGER):
        return None
    tagger = SongScorer(cached_path(_TAGGER), "tags").extractor
    same = (tagger.n_samples, tagger.sampling_rate) == (scorer.extractor.n_samples, scorer.extractor.sampling_rate)
    return tagger if same else None
