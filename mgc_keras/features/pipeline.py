"""From clips to features: threads decode ahead while the network computes, in a bounded amount of memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mgc_keras.data.audio import fit_waveform, read_waveform
from mgc_keras.errors import AudioError
from mgc_keras.features.clips import Clips
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.windows import Windows

Reading = np.ndarray | AudioError


@dataclass
class ClipFeatures:
    """What became of one clip.

    Parameters
    ----------
    position : int
        In the manifest.
    rows : list of np.ndarray [shape=(n_features,)]
        One row, or one a window; empty for a clip that failed.
    spans : list of (float, float)
        Start and end of each window in seconds; empty without windows.
    problem : AudioError or None
        Why there are no rows.
    """

    position: int
    rows: list[np.ndarray] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    problem: AudioError | None = None


def clip_features(
    clips: Clips, extractor: Extractor, batches: list[np.ndarray], *, jobs: int, windows: Windows | None = None
) -> Iterator[list[ClipFeatures]]:
    """Compute features batch by batch.

    A clip that cannot be read takes no place in its batch and is handed on with its problem.

    Parameters
    ----------
    clips : Clips
        All clips of the source.
    extractor : Extractor
        What to compute.
    batches : list of np.ndarray [dtype=int]
        Positions of the clips that share a batch: see `compose_batches`.
    jobs : int
        Threads that decode.
    windows : Windows, optional
        Cut each clip into windows; those of a batch of clips are computed `extractor.batch_size` at a time.

    Yields
    ------
    list of ClipFeatures
        One list a batch, in the order of the batch.
    """
    positions = [position for batch in batches for position in batch.tolist()]
    read = _reader(clips, extractor, windows)
    # Two batches ahead keep the decoders busy while the network computes; large batches or whole songs need no such stock.
    look_ahead = jobs + 1 if windows else max(2 * jobs, min(2 * extractor.batch_size, 32))
    with _ReadAhead(read, positions, jobs, look_ahead) as readings:
        compute = _Computation(extractor)
        for batch in batches:
            results = [ClipFeatures(position) for position in batch.tolist()]
            pieces = _pieces(zip(results, readings, strict=False), extractor, windows)
            compute(pieces, len(batch) if windows is None else extractor.batch_size)
            yield results


def _reader(clips: Clips, extractor: Extractor, windows: Windows | None) -> Callable[[int], Reading]:
    # Only a clip's centre, or its windows, need more of it than its first seconds.
    duration = None if windows else extractor.duration

    def read(position: int) -> Reading:
        try:
            waveform = read_waveform(clips.paths[position], extractor.sampling_rate, duration=duration)
        except AudioError as error:
            return error
        except OSError as error:
            return AudioError(error.strerror or str(error), cure="see to it that the file can be read")
        return _fitted(waveform, extractor) if windows is None else waveform

    return read


def _fitted(waveform: np.ndarray, extractor: Extractor) -> np.ndarray:
    return waveform if extractor.n_samples is None else fit_waveform(waveform, extractor.n_samples, extractor.fit)


def _pieces(
    clips_read: Iterable[tuple[ClipFeatures, Reading]], extractor: Extractor, windows: Windows | None
) -> Iterator[tuple[ClipFeatures, np.ndarray]]:
    """Yield each clip's waveform, or its windows one after the other; note the problems of the others."""
    for result, reading in clips_read:
        if isinstance(reading, AudioError):
            result.problem = reading
        elif windows is None:
            yield result, reading
        else:
            for start, end in windows.bounds(len(reading), extractor.sampling_rate):
                result.spans.append((start / extractor.sampling_rate, end / extractor.sampling_rate))
                yield result, _fitted(reading[start:end], extractor)


class _Computation:
    """Runs the extractor on waveforms, batch by batch, in one buffer that is used again and again."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.buffer = np.empty((0, 0), np.float32)

    def __call__(self, pieces: Iterator[tuple[ClipFeatures, np.ndarray]], size: int) -> None:
        owners: list[ClipFeatures] = []
        waveforms: Any = self._empty_batch(size)
        for owner, waveform in pieces:
            if isinstance(waveforms, list):
                waveforms.append(waveform)
            else:
                waveforms[len(owners)] = waveform
            owners.append(owner)
            if len(owners) == size:
                self._compute(owners, waveforms)
                owners, waveforms = [], self._empty_batch(size)
        if owners:
            self._compute(owners, waveforms[: len(owners)])

    def _empty_batch(self, size: int) -> Any:
        if self.extractor.n_samples is None:
            return []
        if len(self.buffer) < size:
            self.buffer = np.empty((size, self.extractor.n_samples), np.float32)
        return self.buffer[:size]

    def _compute(self, owners: list[ClipFeatures], waveforms: Any) -> None:
        for owner, row in zip(owners, self.extractor(waveforms), strict=True):
            owner.rows.append(row)
            if not np.isfinite(row).all():
                owner.problem = AudioError(
                    "gives features that are not finite", cure="look at the clip: it may be corrupt, or the weights may be"
                )


class _ReadAhead:
    """Reads clips in a pool of threads, at most `look_ahead` of them in advance, and gives them in order."""

    def __init__(self, read: Callable[[int], Reading], positions: list[int], jobs: int, look_ahead: int) -> None:
        self._read, self._positions, self._look_ahead = read, iter(positions), look_ahead
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="decode")
        self._pending: deque[Future] = deque()

    def __enter__(self) -> Iterator[Reading]:
        return self._results()

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _results(self) -> Iterator[Reading]:
        self._refill()
        while self._pending:
            reading = self._pending.popleft().result()
            self._refill()
            yield reading

    def _refill(self) -> None:
        for position in self._positions:
            self._pending.append(self._pool.submit(self._read, position))
            if len(self._pending) >= self._look_ahead:
                return
