"""Audio files in and out: decode only the seconds needed, mix to mono, resample, bring to a length.

Decoding is libsndfile's and resampling is soxr's; both work outside Python's global lock, so a pool of threads reads
clips in parallel. The results are those of ``librosa.load`` with ``mono=True``.
"""

import io
import math
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from mgc_keras.audio.clip import Clip
from mgc_keras.audio.containers import AUDIO_SUFFIXES, begins_like_audio, open_clip, readable_suffixes, remark
from mgc_keras.audio.kaiser_best import kaiser_best_blocks
from mgc_keras.checks import checked_choice
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.files import whole_file

FITS = ("repeat", "zero_pad", "crop")
CHANNELS = ("mix", "left", "right")
RESAMPLERS = ("soxr", "kaiser_best")
# Samples of all channels together that are decoded at a time: few enough that many threads do not wait for memory at
# each step, enough that they seldom wait for Python's lock. For blocks below 4 MiB the C library gives memory back to
# the system, and takes it anew, at every clip: a fifth of the time of an mp3.
_BLOCK_SAMPLES = 1 << 20
# Full scale is 1. What exceeds this is no sound, and its square may exceed what float32 can hold.
HIGHEST_LEVEL = 1e6
# Samples of a waveform that is held as a whole: 1 GiB, six hours at 12 kHz.
MOST_SAMPLES = 1 << 28


def read_waveform(
    path: str | Path,
    sampling_rate: int | None = 12000,
    offset: float = 0.0,
    duration: float | None = None,
    channel: str = "mix",
    remarks: list[str] | None = None,
    resampler: str = "soxr",
) -> np.ndarray:
    """Read a clip as a mono waveform.

    A wav, au, aiff, ogg or mp3 file that ends before its header says (a broken download) gives what decodes, as in
    librosa; a FLAC file does not decode at the break. A header that contradicts itself may give another rate or other
    samples than were written, except of FLAC. `mgc_keras.audio.check` finds such files. An mp3 or ogg file that goes on
    behind the end that its header or its size lets expect is read to its end.

    Parameters
    ----------
    path : str or Path
        Of any file that libsndfile reads (wav, flac, ogg, opus, mp3, aiff, au, caf …) or, where it is on the PATH,
        ffmpeg (m4a, aac, wma, mp4 …).
    sampling_rate : int or None
        Of the result, in Hz; None keeps the file's own.
    offset : float
        Where to start, in seconds.
    duration : float or None
        How many seconds to read at most; None reads to the end. The number of samples is fixed at the file's own rate,
        so the result can be one sample longer than ``duration * sampling_rate``: see `fit_waveform`.
    channel : {"mix", "left", "right"}
        The mean over the channels, or the first or second of them; a mono file has one for all.
    remarks : list of str, optional
        What makes the clip look damaged is put there, if reading it shows anything: see `containers.remark`.
    resampler : {"soxr", "kaiser_best"}
        soxr's HQ, librosa's default since 0.10; or the one before, which networks of 2017 to 2022 were trained with:
        see `mgc_keras.audio.kaiser_best`.

    Returns
    -------
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        In the range -1 to 1 for integer formats.

    Raises
    ------
    AudioError
        The file is missing, a folder, empty, no audio, damaged beyond decoding, without samples in the seconds asked
        for, too long to be held in memory, or it contains samples that are NaN, infinite or above a million times full
        scale.
    OptionError
        `sampling_rate`, `offset`, `duration`, `channel` or `resampler` makes no sense.

    Example
    -------
    >>> waveform = read_waveform("song.mp3", sampling_rate=12000, duration=29.0)    # doctest: +SKIP
    >>> fit_waveform(waveform, 348000).shape                                        # doctest: +SKIP
    (348000,)
    """
    blocks: list[np.ndarray] = []
    n_samples = 0
    try:
        options: dict[str, Any] = {"remarks": remarks, "resampler": resampler}
        for block in waveform_blocks(path, sampling_rate, offset, duration, channel, **options):
            blocks.append(block)
            n_samples += len(block)
            if n_samples > MOST_SAMPLES:
                problem = f"is longer than a waveform may be, {MOST_SAMPLES} samples"
                raise AudioError(problem, path=path, cure="cut it into shorter files")
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    except MemoryError as error:
        raise no_memory(path) from error


def waveform_blocks(
    path: str | Path,
    sampling_rate: int | None = 12000,
    offset: float = 0.0,
    duration: float | None = None,
    channel: str = "mix",
    block_samples: int = _BLOCK_SAMPLES,
    remarks: list[str] | None = None,
    resampler: str = "soxr",
) -> Iterator[np.ndarray]:
    """Yield a clip's waveform block by block, in memory that does not grow with its length.

    Parameters, errors and samples are those of `read_waveform`. `block_samples` are decoded at a time, those of all
    channels counted; they do not move the result. `remarks` come with the last block.
    """
    _check_seconds(sampling_rate, offset, duration)
    checked_choice("channel", channel, CHANNELS)
    resampled = {"soxr": _resampled, "kaiser_best": kaiser_best_blocks}[
        checked_choice("resampler", resampler, RESAMPLERS)
    ]
    with open_clip(path, None if duration is None else offset + duration) as clip:
        n_frames = None if duration is None else int(duration * clip.samplerate)
        start = int(offset * clip.samplerate)
        blocks = _native_blocks(clip, start, n_frames, channel, max(1, block_samples // clip.channels))
        first = next(blocks, None)
        if first is None:
            problem = "holds no samples"
            if n_frames == 0:
                problem = "holds no samples in the seconds asked for"
            elif start:
                problem = f"ends before {offset} s, where reading should start"
            raise AudioError(problem, path=path, cure="replace the clip or leave it out")
        blocks = chain([first], blocks)
        rate = clip.samplerate if sampling_rate is None else sampling_rate
        yield from blocks if rate == clip.samplerate else resampled(blocks, clip.samplerate, rate)
        if remarks is not None and (found := remark(clip)):
            remarks.append(found)


def no_memory(path: str | Path | None = None) -> AudioError:
    """Return the error that stands for a `MemoryError`."""
    cure = "cut it into shorter files, or close other programs"
    return AudioError("needs more memory than there is", path=path, cure=cure)


def fit_waveform(waveform: np.ndarray, n_samples: int, fit: str = "repeat") -> np.ndarray:
    """Bring a waveform to exactly `n_samples`.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n,), dtype=float32]
        n is at least 1.
    fit : str
        What happens to clips of another length. "repeat": a shorter clip is looped, a longer one cut at `n_samples`
        (Choi et al. 2017, footnote 2). "zero_pad": zeros behind a shorter one, a longer one cut at `n_samples` (their
        extraction script). "crop": the centre of a longer one, zeros behind a shorter one (MusicTaggerCRNN).

    Returns
    -------
    np.ndarray [shape=(n_samples,)]
        The same dtype; a view of `waveform` where nothing has to be added.

    Raises
    ------
    OptionError
        `fit` is unknown, or `n_samples` is below 1.
    AudioError
        The waveform has no samples.

    Example
    -------
    >>> fit_waveform(np.float32([1, 2, 3]), 5).tolist()
    [1.0, 2.0, 3.0, 1.0, 2.0]
    >>> fit_waveform(np.float32([1, 2, 3, 4, 5]), 3, "crop").tolist()
    [2.0, 3.0, 4.0]
    """
    checked_choice("fit", fit, FITS)
    if n_samples < 1:
        raise OptionError(f"{n_samples} is no length", field="n_samples", cure="give a positive number of samples")
    n = len(waveform)
    if n == 0:
        raise AudioError("a waveform without samples cannot be fitted", cure="leave the clip out")
    if n >= n_samples:
        start = (n - n_samples) // 2 if fit == "crop" else 0
        return waveform[start : start + n_samples]
    if fit == "repeat":
        return np.tile(waveform, -(-n_samples // n))[:n_samples]
    # np.pad gives the same after a hundred steps of Python, in which no other thread can decode.
    fitted = np.zeros(n_samples, waveform.dtype)
    fitted[:n] = waveform
    return fitted


def write_waveform(path: str | Path, waveform: np.ndarray, sampling_rate: int) -> Path:
    """Write a mono waveform as a 16-bit wav file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is created.
    waveform : np.ndarray [shape=(n_samples,), dtype=float]
        Samples in the range -1 to 1; what exceeds it is clipped.
    sampling_rate : int
        In Hz.

    Raises
    ------
    AudioError
        The waveform is not one-dimensional, or contains NaN or infinite samples.
    MgcKerasError
        The disk is full.
    """
    if waveform.ndim != 1 or not np.isfinite(waveform).all():
        problem = "only one-dimensional, finite waveforms can be written"
        raise AudioError(problem, path=path, cure="mix to mono and remove NaN samples")
    # Encoded in memory: a full disk then shows as an error of the operating system, which libsndfile would hide.
    encoded = io.BytesIO()
    soundfile.write(encoded, waveform, sampling_rate, format="WAV", subtype="PCM_16")
    with whole_file(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())
    return Path(path)


def find_clips(folder: str | Path) -> list[Path]:
    """List the audio files in a folder and all its sub-folders that can be read here: the first half of `find_audio`.

    Raises
    ------
    AudioError
        `folder` does not exist or is a file.
    """
    return find_audio(folder)[0]


def find_audio(folder: str | Path, locked_too: bool = False) -> tuple[list[Path], list[Path]]:
    """List the audio files in a folder and all its sub-folders: those that can be read here, and the others, sorted.

    Hidden files and folders are skipped, among them the ``._*`` files that macOS leaves on shared disks. Linked
    folders are followed, each real folder once. The others need ffmpeg, which is not on the PATH, or a suffix: files
    without one that begin like audio.

    Parameters
    ----------
    folder : str or Path
    locked_too : bool
        Let a sub-folder that may not be listed stand among the first, as a clip that cannot be read.

    Raises
    ------
    AudioError
        `folder` does not exist or is a file.
    PermissionError
        It, or without `locked_too` a sub-folder, may not be listed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise AudioError(problem, path=folder, cure="name a folder that holds audio files")
    locked: list[Path] = []
    clips: list[Path] = []
    others: list[Path] = []
    readable = readable_suffixes()
    for path in walk_files(folder, locked if locked_too else None):
        if is_clip_name(path.name):
            (clips if _suffix(path.name) in readable else others).append(path)
        elif not _suffix(path.name) and not path.name.startswith(".") and begins_like_audio(path):
            others.append(path)
    return sorted(clips + locked), sorted(others)


def walk_files(folder: str | Path, locked: list[Path] | None = None) -> Iterator[Path]:
    """Go through all files below a folder, except in hidden folders.

    A folder that may not be listed is a `PermissionError`; with `locked`, sub-folders of that kind are put there.
    """
    visited = set()

    def refuse(error: OSError) -> None:
        name = os.fsdecode(error.filename)
        if locked is None or not isinstance(error, PermissionError) or name == os.fspath(folder):
            raise error
        if (real := os.path.realpath(name)) not in visited:
            visited.add(real)
            locked.append(Path(name))

    for here, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        # Links may form a ring; a real folder is entered once, and always by the alphabetically first way.
        real = os.path.realpath(here)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in files)


def is_clip_name(name: str) -> bool:
    """Say whether a file name is that of a visible audio file (upper-case suffixes count too), readable here or not."""
    return not name.startswith(".") and _suffix(name) in AUDIO_SUFFIXES


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def mix_to_mono(samples: np.ndarray) -> np.ndarray:
    """Return the mean over the channels of (n_samples,) or (n_samples, n_channels), shape (n_samples,), same dtype."""
    if samples.ndim == 1:
        return samples
    # Channel by channel: numpy's own mean over so short an axis takes twenty times as long, as much as decoding an mp3.
    waveform = samples[:, 0] + samples[:, 1] if samples.shape[1] > 1 else samples[:, 0].copy()
    for channel in range(2, samples.shape[1]):
        waveform += samples[:, channel]
    waveform /= samples.shape[1]
    return waveform


def one_channel(samples: np.ndarray, channel: str) -> np.ndarray:
    """Return the mix, or the first or second channel, of (n_samples,) or (n_samples, n_channels)."""
    if channel == "mix" or samples.ndim == 1:
        return mix_to_mono(samples)
    return samples[:, CHANNELS.index(channel) - 1].copy()


def _native_blocks(
    clip: Clip, start: int, n_frames: int | None, channel: str, block_frames: int
) -> Iterator[np.ndarray]:
    """Yield up to `n_frames` from `start` on as mono blocks, at the clip's own rate; none is empty."""
    try:
        if start:
            clip.seek(start)
        while n_frames is None or n_frames > 0:
            wanted = block_frames if n_frames is None else min(n_frames, block_frames)
            with np.errstate(over="ignore", invalid="ignore"):
                block = one_channel(clip.read(wanted), channel)
            if not len(block):
                break
            lowest, highest = _checked_range(block, clip.path)
            clip.lowest, clip.highest = min(clip.lowest, lowest), max(clip.highest, highest)
            yield block
            n_frames = None if n_frames is None else n_frames - len(block)
    except soundfile.LibsndfileError as error:
        problem = "is damaged, or of a kind that cannot be decoded here"
        cure = "convert it to wav; if no program plays it, replace the file or leave it out"
        raise AudioError(problem, path=clip.path, cure=cure) from error


def _checked_range(waveform: np.ndarray, path: Path) -> tuple[float, float]:
    """Return the lowest and highest sample, if all can be sound: then those resampled are finite, too."""
    ends = float(waveform.min()), float(waveform.max())
    highest = max(-ends[0], ends[1])
    if highest <= HIGHEST_LEVEL:
        return ends
    problem = "contains NaN or infinite samples"
    if math.isfinite(highest):
        problem = f"contains samples of {highest:.1e} times full scale, which are no sound"
    raise AudioError(problem, path=path, cure="export the clip again from its source")


def _resampled(blocks: Iterator[np.ndarray], native_rate: int, sampling_rate: int) -> Iterator[np.ndarray]:
    """Resample blocks as if they were one waveform."""
    stream = soxr.ResampleStream(native_rate, sampling_rate, 1, dtype="float32", quality="HQ")
    n_read = n_given = 0
    block = next(blocks)
    while True:
        following = next(blocks, None)
        n_read += len(block)
        resampled = stream.resample_chunk(block, last=following is None)
        if following is None:
            break
        n_given += len(resampled)
        yield resampled
        block = following
    # soxr rounds the length its own way and gives nothing for very few samples: cut or fill to librosa's length.
    n_left = math.ceil(n_read * (sampling_rate / native_rate)) - n_given
    yield fit_waveform(resampled, n_left, "zero_pad") if len(resampled) else np.zeros(n_left, np.float32)


def _check_seconds(sampling_rate: int | None, offset: float, duration: float | None) -> None:
    if sampling_rate is not None and sampling_rate <= 0:
        raise OptionError(f"{sampling_rate} Hz is no rate", field="sampling_rate", cure="give a positive rate in Hz")
    if not (math.isfinite(offset) and offset >= 0):
        raise OptionError(f"{offset} is no start", field="offset", cure="give seconds from 0")
    if duration is not None and not (math.isfinite(duration) and duration > 0):
        raise OptionError(f"{duration} is no duration", field="duration", cure="give seconds above 0, or None for all")
