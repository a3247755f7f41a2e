"""Scores of whole songs, excerpt by excerpt: threads decode ahead while the network computes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np

from mgc_keras.audio.containers import CONSTANT, SILENT
from mgc_keras.audio.spans import Excerpts
from mgc_keras.cluster import Cluster
from mgc_keras.errors import AudioError, OptionError, WeightsError
from mgc_keras.features.clips import Clips
from mgc_keras.features.extractor import compose_batches
from mgc_keras.features.hearing import Heard, Hearing, HearingExtractor
from mgc_keras.features.network import NetworkExtractor, find_weights
from mgc_keras.features.on_cluster import cluster_features
from mgc_keras.features.pipeline import ClipFeatures, checked_jobs, clip_features
from mgc_keras.layers.named_outputs import NamedOutputs, output_names
from mgc_keras.layers.sampled_at import SampledAt, heard_at
from mgc_keras.networks.kinds import kind_of
from mgc_keras.networks.lastfm import TAGS
from mgc_keras.networks.load import load_model

KINDS = ("genres", "tags")
# Excerpts that run through the network together. The first layer's maps of MusicTaggerCRNN take 35 MB for one.
BATCH_SIZE = 8
# What short songs are filled up with: see `mgc_keras.audio.files.fit_waveform`.
_FILLINGS = {"repeat": "with repeats of it", "zero_pad": "with silence", "crop": "with silence"}


@dataclass(frozen=True)
class SongScores:
    """What a network says of a song.

    Parameters
    ----------
    clip_id, filepath : str
    spans : np.ndarray [shape=(n_excerpts, 2), dtype=float64]
        Start and end of each excerpt in the song, in seconds.
    scores : np.ndarray [shape=(n_excerpts, n_outputs), dtype=float32]
        As the network gives them.
    note : str
        In what the excerpts differ from what was asked for; "" if in nothing.
    problem : AudioError or None
        Why there are no scores: it cannot be read, is silent, or is shorter than a tenth of an excerpt.
    remark : str
        What makes it look damaged, though it was read; "" if reading it showed nothing.
    heard : Heard or None
        What else was heard, where that was asked for.
    seconds : float
        Length of the song; nan where there are no scores.
    """

    clip_id: str
    filepath: str
    spans: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    scores: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    note: str = ""
    problem: AudioError | None = None
    remark: str = ""
    heard: Heard | None = None
    seconds: float = math.nan

    def only(self, kept: np.ndarray) -> "SongScores":
        """Return the same of some excerpts alone, (n_excerpts,) bool."""
        heard = self.heard.only(kept) if self.heard else None
        return replace(self, spans=self.spans[kept], scores=self.scores[kept], heard=heard)


class SongScorer:
    """A network that scores excerpts of songs.

    Parameters
    ----------
    weights : str, Path or keras.Model
        A name or file for `mgc_keras.load_model`, or a model, that takes waveforms of a fixed length.
    kind : {"genres", "tags"}
        What it must score.
    names : sequence of str, optional
        Of its outputs. Default: those that the model's file holds, else "class 0", …
    batch_size : int
        Excerpts that run together.
    sampling_rate : int, optional
        In Hz, of a network whose file does not tell it.

    Attributes
    ----------
    names : tuple of str
    seconds : float
        Length of an excerpt.

    Raises
    ------
    WeightsError
        The file cannot be read, or was trained for the other kind.
    OptionError
        The network takes no waveforms, its scores depend on the batch, or names or sampling rate do not fit.
    """

    def __init__(
        self,
        weights: str | Path | keras.Model,
        kind: str = "genres",
        *,
        names: Sequence[str] | None = None,
        batch_size: int = BATCH_SIZE,
        sampling_rate: int | None = None,
    ) -> None:
        model, path = _model_of(weights, kind)
        model = heard_at(model, sampling_rate)
        self.names = tuple(names) if names else output_names(model) or _names(model)
        self.extractor = NetworkExtractor(
            model,
            batch_size=batch_size,
            fit=own.fit if (own := kind_of(model)) else "repeat",
            columns=self.names,
            weights_file=path,
            fill_batches=False,
        )
        if self.extractor.depends_on_batch:
            cure = "calibrate it: 'mgc-keras features --calibrate-on' does, and saves the result"
            raise OptionError("its scores depend on the other songs", field=str(weights), cure=cure)
        if len(self.names) != model.output_shape[-1]:
            problem = f"{len(self.names)} names for {model.output_shape[-1]} {kind}"
            raise OptionError(problem, field="labels", cure="give one a class, in the order of training")
        self.model = model
        self.seconds = self.extractor.n_samples / self.extractor.sampling_rate

    def excerpts(self, drop: float = 0.0, centre: bool = False) -> Excerpts:
        """Return how songs are cut for this network."""
        return Excerpts(self.seconds, drop, centre)

    def songs(
        self,
        clips: Clips,
        excerpts: Excerpts,
        *,
        jobs: int | None = None,
        cluster: Cluster | None = None,
        hearing: Hearing | None = None,
    ) -> Iterator[SongScores]:
        """Score songs in the order of `clips`, each as soon as it is done; one that cannot be read has its problem.

        Parameters
        ----------
        clips : Clips
        excerpts : Excerpts
            From `excerpts`.
        jobs : int, optional
            Threads that decode; default: one a core.
        cluster : Cluster, optional
            Compute there, rather than here: see `mgc_keras.cluster.open_cluster`.
        hearing : Hearing, optional
            What else is to be heard of every excerpt; it does not move the scores.
        """
        batches = compose_batches(len(clips), self.extractor.batch_size)
        extractor = self.extractor if hearing is None else HearingExtractor(self.extractor, hearing)
        work = clips, extractor, batches
        computed = (
            clip_features(*work, jobs=checked_jobs(jobs), spans=excerpts)
            if cluster is None
            else cluster_features(cluster, *work, spans=excerpts, in_order=True)
        )
        for results in computed:
            for result in results:
                song = clips.clip_ids[result.position], clips.filepaths[result.position]
                if problem := result.problem or self._unheard(result):
                    yield SongScores(*song, problem=problem)
                else:
                    rows, spans = np.stack(result.rows), np.asarray(result.spans)
                    scores, heard = (rows, None) if hearing is None else hearing.parted(rows, len(self.names))
                    note = excerpts.note(result.seconds, _FILLINGS.get(self.extractor.fit, ""))
                    yield SongScores(
                        *song, spans, scores, note, remark=result.remark, heard=heard, seconds=result.seconds
                    )

    def _unheard(self, result: ClipFeatures) -> AudioError | None:
        """Why a song that can be read has no scores: a network answers whatever it is given, silence as well."""
        for words in (SILENT, CONSTANT):
            if words in result.remark:
                return AudioError(f"is {words}", cure="listen to it; of stereo, try --channel left; or leave it out")
        # Nine parts and more would be filling.
        if result.seconds < self.seconds / 10:
            problem = f"{result.seconds:.3g} s are less than a tenth of an excerpt of {self.seconds:g} s"
            return AudioError(problem, cure="give more of the song, or leave it out")
        return None


def _model_of(weights: str | Path | keras.Model, kind: str) -> tuple[keras.Model, Path | None]:
    if isinstance(weights, keras.Model):
        model, path = weights, None
    else:
        path = find_weights(weights)
        model = load_model(path)
        own = kind_of(model)
        if own and (options := own.for_single_clips(model, kind)):
            model = load_model(path, **options)
    head = _head(model)
    if head != kind and (head in KINDS or kind == "tags" or kind_of(model)):
        wanted = f"{len(TAGS)} tags" if kind == "tags" else "genres"
        found = head if head in KINDS else "outputs of another kind"
        problem = f"scores {model.output_shape[-1]} {found}, not {wanted}"
        cure = f"use 'mgc-keras {'classify' if kind == 'tags' else 'tag'}', or weights that were trained for {kind}"
        raise WeightsError(problem, path=path, field="weights", cure=cure)
    return model, path


def _head(model: keras.Model) -> str:
    return [layer.name for layer in model.layers if not isinstance(layer, (NamedOutputs, SampledAt))][-1]


def _names(model: keras.Model) -> tuple[str, ...]:
    n_outputs = model.output_shape[-1]
    if _head(model) == "tags" and n_outputs == len(TAGS):
        return TAGS
    return tuple(f"class {number}" for number in range(n_outputs))
