"""From clips to features: threads decode ahead while the network computes, in a bounded amount of memory."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import joblib
import numpy as np

from mgc_keras.audio.files import fit_waveform, no_memory, read_waveform, waveform_blocks
from mgc_keras.audio.spans import Spans
from mgc_keras.errors import AudioError, DiskError, OptionError
from mgc_keras.features.clips import Clips
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.joined import JoinedFeatures, in_groups, own_batches
from mgc_keras.threads import one_thread

# Longer waveforms are read span by span: 64 MiB, 23 minutes at 12 kHz.
_HELD_SAMPLES = 1 << 24
# Of all channels, that are decoded at a time where the clip may be long.
_BLOCK_SAMPLES = 1 << 20


class LongWaveform:
    """A waveform too long to be held: slices of it are decoded when they are asked for.

    Slices that go forward are decoded once; one that begins before the last one decodes the clip anew.
    """

    def __init__(self, blocks: Callable[[], Iterator[np.ndarray]], n_samples: int) -> None:
        self._blocks, self._n_samples = blocks, n_samples
        self._start_anew()

    def _start_anew(self) -> None:
        self._stream, self._start, self._held = self._blocks(), 0, np.zeros(0, np.float32)

    def __len__(self) -> int:
        return self._n_samples

    def __getitem__(self, span: slice) -> np.ndarray:
        start, stop, _ = span.indices(self._n_samples)
        if start < self._start:
            self._start_anew()
        while self._start + len(self._held) < stop:
            block = next(self._stream, None)
            if block is None:
                raise AudioError("has become shorter while it was read", cure="see to it that the file stays as it is")
            kept = self._held[start - self._start :]
            self._start += len(self._held) - len(kept)
            self._held = np.concatenate([kept, block]) if len(kept) else block
        return self._held[start - self._start : stop - self._start]


Reading = np.ndarray | AudioError


@dataclass
class ClipFeatures:
    """What became of one clip.

    Parameters
    ----------
    position : int
        In the manifest.
    rows : list of np.ndarray [shape=(n_features,)]
        One row, or one a span; empty for a clip that failed.
    spans : list of (float, float)
        Start and end of each span in seconds; empty where clips are not cut.
    problem : AudioError or None
        Why there are no rows.
    seconds : float
        Length of the clip, where it was cut into spans; else nan.
    remark : str
        What makes it look damaged, though it was read; "" if reading it showed nothing.
    """

    position: int
    rows: list[np.ndarray] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    problem: AudioError | None = None
    seconds: float = math.nan
    remark: str = ""


def clip_features(
    clips: Clips, extractor: Extractor, batches: list[np.ndarray], *, jobs: int, spans: Spans | None = None
) -> Iterator[list[ClipFeatures]]:
    """Compute features batch by batch, a list for each in its order.

    A clip that cannot be read takes no place in its batch and is handed on with its problem.

    Parameters
    ----------
    clips : Clips
    extractor : Extractor
    batches : list of np.ndarray [dtype=int]
        Positions of the clips that share a batch: see `compose_batches`.
    jobs : int
        Threads that decode.
    spans : Windows, Excerpts or your own, optional
        Cut each clip into these; those of a batch of clips are computed `extractor.batch_size` at a time. By default
        the extractor's own, if it has some.
    """
    if isinstance(extractor, JoinedFeatures):
        yield from _joined_features(clips, extractor, batches, jobs)
        return
    spans = getattr(extractor, "spans", None) if spans is None else spans
    positions = (position for batch in batches for position in batch.tolist())
    # Spans need a clip's whole waveform; they are brought to the extractor's length one by one.
    fitted = () if spans else (extractor.duration, extractor.n_samples, extractor.fit)
    remarks: dict[int, str] = {}
    resampler = getattr(extractor, "resampler", "soxr")
    options: dict[str, Any] = {"sliced": spans is not None, "remarks": remarks, "resampler": resampler}
    read = reader(clips, extractor.sampling_rate, *fitted, **options)
    # Two batches ahead keep the decoders busy while the network computes; large batches and songs need no such stock.
    look_ahead = jobs + 1 if spans else max(2 * jobs, min(2 * extractor.batch_size, 32))
    with read_ahead(read, positions, jobs, look_ahead) as readings:
        sizes = [len(batch) if spans is None else extractor.batch_size for batch in batches]
        # Waveforms of one length go into memory that is used again and again, by one computation after the other.
        length, n_streams = extractor.n_samples, getattr(extractor, "streams", 1)
        shape = None if length is None else (max(sizes, default=0), length)
        memories = [None if shape is None else np.empty(shape, np.float32) for _ in range(n_streams)]
        n_begun, recent = 0, deque[Future](maxlen=n_streams)
        under_way: deque[tuple[list[ClipFeatures], list[tuple[list[ClipFeatures], Future]]]] = deque()

        def finished(n_left: int) -> Iterator[list[ClipFeatures]]:
            while len(under_way) > n_left:
                done, computations = under_way.popleft()
                for result in done:
                    result.remark = remarks.pop(result.position, "")
                for owners, future in computations:
                    _give(owners, future.result())
                for result in done:
                    _summarize(result, extractor)
                yield done

        with ThreadPoolExecutor(n_streams, thread_name_prefix="compute") as pool:
            for batch, size in zip(batches, sizes, strict=True):
                results = [ClipFeatures(position) for position in batch.tolist()]
                waveforms = _waveforms(zip(results, readings, strict=False), extractor, spans)
                under_way.append((results, []))
                while True:
                    if len(recent) == n_streams:
                        wait([recent[0]])  # it works in the memory whose turn it is
                    owners, together = _together(islice(waveforms, size), memories[n_begun % n_streams])
                    if not owners:
                        break
                    recent.append(pool.submit(_compute, extractor, together))
                    under_way[-1][1].append((owners, recent[-1]))
                    n_begun += 1
                yield from finished(n_streams - 1)
            yield from finished(0)


def _joined_features(
    clips: Clips, extractor: JoinedFeatures, batches: list[np.ndarray], jobs: int
) -> Iterator[list[ClipFeatures]]:
    by_part = []
    for part in extractor.parts:
        own = list(own_batches(batches, part))
        results = clip_features(clips, part, [batch for some in own for batch in some], jobs=jobs)
        by_part.append(in_groups(results, [len(some) for some in own]))
    for of_batch in zip(*by_part, strict=True):
        yield [_joined(of_clip, extractor) for of_clip in zip(*of_batch, strict=True)]


def _joined(of_clip: tuple[ClipFeatures, ...], extractor: JoinedFeatures) -> ClipFeatures:
    remark = next((found.remark for found in of_clip if found.remark), "")
    problem = next((found.problem for found in of_clip if found.problem is not None), None)
    rows = [] if problem else [extractor.join([found.rows[0] for found in of_clip])]
    return ClipFeatures(of_clip[0].position, rows, problem=problem, remark=remark)


def reader(
    clips: Clips,
    sampling_rate: int,
    duration: float | None = None,
    n_samples: int | None = None,
    fit: str = "repeat",
    *,
    sliced: bool = False,
    remarks: dict[int, str] | None = None,
    resampler: str = "soxr",
) -> Callable[[int], Reading]:
    """Return a function from a clip's position to its waveform, or to the error that says why there is none.

    Parameters
    ----------
    clips : Clips
    sampling_rate, duration
        As for `mgc_keras.audio.files.read_waveform`.
    n_samples, fit
        As for `mgc_keras.audio.files.fit_waveform`; without `n_samples` clips are taken as long as they are.
    sliced : bool
        Whether only slices are taken of a waveform: a long one is then a `LongWaveform`.
    remarks : dict of int to str, optional
        Where what makes a clip look damaged is put, by its position, once it is read.
    resampler : str
        As for `mgc_keras.audio.files.read_waveform`.
    """
    by_parts = sliced or duration is None and n_samples is not None

    def waveform_of(path: Path, found: list[str]) -> np.ndarray:
        if not by_parts:
            options: dict[str, Any] = {"channel": clips.channel, "remarks": found, "resampler": resampler}
            return read_waveform(path, sampling_rate, duration=duration, **options)
        blocks = partial(
            waveform_blocks,
            path,
            sampling_rate,
            channel=clips.channel,
            block_samples=_BLOCK_SAMPLES,
            remarks=found,
            resampler=resampler,
        )
        return _held_or_long(blocks, max(_HELD_SAMPLES, n_samples or 0))

    def read(position: int) -> Reading:
        path, found = clips.paths[position], list[str]()
        try:
            waveform = waveform_of(path, found)
            if remarks is not None and found:
                remarks[position] = found[0]
            return waveform if n_samples is None else fit_waveform(waveform, n_samples, fit)
        except (AudioError, OSError, MemoryError) as error:
            return _problem(error, path)

    return read


def _problem(error: AudioError | OSError | MemoryError, path: str | Path | None = None) -> AudioError:
    if isinstance(error, AudioError):
        path = path or error.path
        is_lost = path is not None and _is_lost(Path(path))
        return DiskError(error.problem, path=path, cure=error.cure) if is_lost else error
    if isinstance(error, MemoryError):
        return no_memory()
    return DiskError(error.strerror or str(error), path=path, cure="see to it that the file can be read")


def _held_or_long(blocks: Callable[[], Iterator[np.ndarray]], most: int) -> np.ndarray:
    """Read a clip whole; what has more than `most` samples is a `LongWaveform`, which whoever slices cannot tell."""
    held: list[np.ndarray] = []
    n_samples = 0
    for block in blocks():
        n_samples += len(block)
        if n_samples <= most:
            held.append(block)
        else:
            held.clear()
    return np.concatenate(held) if held else cast(np.ndarray, LongWaveform(blocks, n_samples))


def _is_lost(path: Path) -> bool:
    """Tell whether the disk does not give a file, which decoders take for damage."""
    if not path.is_file():
        return not path.exists()
    try:
        with open(path, "rb") as stream:
            while stream.read(1 << 20):
                pass
    except OSError:
        return True
    return False


def checked_jobs(jobs: int | None) -> int:
    """Return a number of threads: `jobs`, or one a core for None. Raises `OptionError` below 1."""
    if jobs is not None and jobs < 1:
        raise OptionError(f"{jobs} makes no sense", field="jobs", cure="give a positive number of threads")
    return joblib.cpu_count() if jobs is None else jobs


def _waveforms(
    clips_read: Iterable[tuple[ClipFeatures, Reading]], extractor: Extractor, spans: Spans | None
) -> Iterator[tuple[ClipFeatures, np.ndarray]]:
    """Yield each clip's waveform, or its spans one after the other; note the problems of the others."""
    for result, reading in clips_read:
        if isinstance(reading, AudioError):
            result.problem = reading
        elif spans is None:
            yield result, reading
        else:
            result.seconds = len(reading) / extractor.sampling_rate
            for start, end in spans.bounds(len(reading), extractor.sampling_rate):
                try:
                    waveform = reading[start:end]
                except (AudioError, OSError, MemoryError) as error:
                    result.problem = _problem(error)
                    break
                if extractor.n_samples is not None:
                    waveform = fit_waveform(waveform, extractor.n_samples, extractor.fit)
                result.spans.append((start / extractor.sampling_rate, end / extractor.sampling_rate))
                yield result, waveform


def _together(
    owned: Iterator[tuple[ClipFeatures, np.ndarray]], memory: np.ndarray | None
) -> tuple[list[ClipFeatures], list[np.ndarray] | np.ndarray]:
    """Gather waveforms that are computed together, in `memory` where that is given, and whose they are."""
    owners, waveforms = [], []
    for place, (owner, waveform) in enumerate(owned):
        owners.append(owner)
        if memory is None:
            waveforms.append(waveform)
        else:
            memory[place] = waveform
    return owners, waveforms if memory is None else memory[: len(owners)]


def _give(owners: list[ClipFeatures], rows: list[np.ndarray | AudioError]) -> None:
    """Give each owner its row, or note why there is none."""
    for owner, row in zip(owners, rows, strict=True):
        if isinstance(row, AudioError):
            owner.problem = row
            continue
        owner.rows.append(row)
        if not np.isfinite(row).all():
            cure = "look at the clip: it may be corrupt, or the weights may be"
            owner.problem = AudioError("gives features that are not finite", cure=cure)


def _summarize(result: ClipFeatures, extractor: Extractor) -> None:
    summarize = getattr(extractor, "summarize", None)
    if summarize is not None:
        result.rows, result.spans = [summarize(result.rows)] if result.rows and not result.problem else [], []


@one_thread()
def _compute(extractor: Extractor, waveforms: Any) -> list[np.ndarray | AudioError]:
    """Compute rows of waveforms together; if one of them makes that impossible, one by one."""
    try:
        return list(extractor(waveforms))
    except (AudioError, MemoryError) as error:
        problem = _problem(error)
    if len(waveforms) == 1:
        return [problem]
    if getattr(extractor, "depends_on_batch", False):
        raise problem
    return [row for place in range(len(waveforms)) for row in _compute(extractor, waveforms[place : place + 1])]


@contextmanager
def read_ahead(
    read: Callable[[int], Reading], positions: Iterable[int], jobs: int, look_ahead: int
) -> Iterator[Iterator[Reading]]:
    """Read clips in a pool of `jobs` threads, at most `look_ahead` of them in advance; give them in their order."""
    remaining = iter(positions)
    pending: deque[Future] = deque()
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="decode")

    def readings() -> Iterator[Reading]:
        pending.extend(pool.submit(read, position) for position in islice(remaining, look_ahead))
        while pending:
            reading = pending.popleft().result()
            pending.extend(pool.submit(read, position) for position in islice(remaining, 1))
            yield reading

    try:
        yield readings()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
