"""What is heard of an excerpt beside a network's scores, while its waveform is at hand: no song is decoded twice."""

from dataclasses import astuple, dataclass
from itertools import compress
from typing import Any

import numpy as np

from mgc_keras.audio.not_music import N_FIGURES, SoundFigures, sound_figures
from mgc_keras.audio.sounding import Sounding, sounding
from mgc_keras.features.network import NetworkExtractor


@dataclass(frozen=True)
class Heard:
    """What was heard of a song's excerpts.

    Parameters
    ----------
    figures : tuple of SoundFigures
        By which speech and noise are told, one an excerpt.
    at_levels : dict of float to np.ndarray [shape=(n_excerpts, n_outputs), dtype=float32]
        The network's scores of the excerpts made louder by so many dB; below 0, softer.
    tags : np.ndarray [shape=(n_excerpts, n_tags), dtype=float32]
        Scores of the tagger; no columns where there is none.
    sounding : tuple of Sounding
        How much of each excerpt sounds, as the network takes it: filled up, if need be.
    """

    figures: tuple[SoundFigures, ...]
    at_levels: dict[float, np.ndarray]
    tags: np.ndarray
    sounding: tuple[Sounding, ...]

    def only(self, kept: np.ndarray) -> "Heard":
        """Return the same of some excerpts alone, (n_excerpts,) bool."""
        at_levels = {level: scores[kept] for level, scores in self.at_levels.items()}
        figures, audible = tuple(compress(self.figures, kept)), tuple(compress(self.sounding, kept))
        return Heard(figures, at_levels, self.tags[kept], audible)


@dataclass(frozen=True, eq=False)
class Hearing:
    """What shall be heard of every excerpt.

    Parameters
    ----------
    levels : tuple of float
        In dB, see `Heard`; each costs as much as the scores. Samples beyond full scale are not clipped.
    tagger : NetworkExtractor, optional
        One that takes excerpts of the same length and sampling rate.
    """

    levels: tuple[float, ...] = ()
    tagger: NetworkExtractor | None = None

    def parted(self, rows: np.ndarray, n_outputs: int) -> tuple[np.ndarray, Heard]:
        """Part the rows of `HearingExtractor`, (n_excerpts, …), into scores and what else was heard."""
        n_tags = len(self.tagger.columns) if self.tagger else 0
        sizes = [n_outputs] * (1 + len(self.levels)) + [n_tags, N_FIGURES]
        scores, *others, tags, figures, sounds = np.split(rows, np.cumsum(sizes), axis=1)
        measured = tuple(SoundFigures(*map(float, row)) for row in figures)
        audible = tuple(Sounding(*map(float, row)) for row in sounds)
        return scores, Heard(measured, dict(zip(self.levels, others, strict=True)), tags, audible)


class HearingExtractor:
    """An extractor that gives another's rows, and behind them what `Hearing` asks for; in all else it is the other."""

    def __init__(self, extractor: NetworkExtractor, hearing: Hearing) -> None:
        self._extractor, self._hearing = extractor, hearing

    def __getattr__(self, name: str) -> Any:
        # Before it is filled, an unpickled one has nothing to hand on.
        if name in ("_extractor", "_hearing"):
            raise AttributeError(name)
        return getattr(self._extractor, name)

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_outputs + …) float32 for waveforms (batch, n_samples) float32; see `Hearing.parted`."""
        extractor, hearing = self._extractor, self._hearing
        parts = [extractor(waveforms)]
        parts += [extractor(waveforms * np.float32(10 ** (decibels / 20))) for decibels in hearing.levels]
        parts.append(hearing.tagger(waveforms) if hearing.tagger else np.empty((len(waveforms), 0), np.float32))
        for measure, n_figures in ((sound_figures, N_FIGURES), (sounding, 2)):
            figures = [astuple(measure(waveform, extractor.sampling_rate)) for waveform in waveforms]
            parts.append(np.array(figures, np.float32).reshape(len(waveforms), n_figures))
        return np.concatenate(parts, axis=1)
