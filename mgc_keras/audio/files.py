"""Audio files in and out: decode only the seconds needed, mix to mono, resample, bring to a length.

Decoding is libsndfile's and resampling is soxr's; both work outside Python's global lock, so a pool of threads reads
clips in parallel. The results are those of ``librosa.load`` with ``mono=True``.
"""

import io
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from mgc_keras.audio.containers import AUDIO_SUFFIXES, open_clip, readable_suffixes
from mgc_keras.checks import checked_choice
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.files import whole_file

FITS = ("repeat", "zero_pad", "crop")
_BLOCK_FRAMES = 1 << 24


def read_waveform(
    path: str | Path, sampling_rate: int | None = 12000, offset: float = 0.0, duration: float | None = None
) -> np.ndarray:
    """Read a clip as a mono waveform.

    A wav, au, ogg or mp3 file that ends before its header says (a broken download) gives what decodes, as in librosa;
    a FLAC file does not decode at the break. `mgc_keras.audio.check` finds such files.

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

    Returns
    -------
    waveform : np.ndarray [shape=(n_samples,), dtype=float32]
        The mean over the channels, in the range -1 to 1 for integer formats.

    Raises
    ------
    AudioError
        The file is missing, a folder, empty, no audio, damaged beyond decoding, without samples in the seconds asked
        for, or it contains NaN or infinite samples.
    OptionError
        `sampling_rate`, `offset` or `duration` makes no sense.

    Example
    -------
    >>> waveform = read_waveform("song.mp3", sampling_rate=12000, duration=29.0)    # doctest: +SKIP
    >>> fit_waveform(waveform, 348000).shape                                        # doctest: +SKIP
    (348000,)
    """
    _check_seconds(sampling_rate, offset, duration)
    with open_clip(path, None if duration is None else offset + duration) as clip:
        native_rate = clip.samplerate
        start = int(offset * native_rate)
        n_frames = clip.frames if duration is None else int(duration * native_rate)
        if start >= clip.frames:
            problem = "holds no samples" if clip.frames == 0 else f"ends before {offset} s, where reading should start"
            raise AudioError(problem, path=path, cure="replace the clip or leave it out")
        waveform = _read_mono(clip, path, start, n_frames)
    if not len(waveform):
        problem = "holds no samples in the seconds asked for"
        raise AudioError(problem, path=path, cure="replace the clip or leave it out")
    if not np.isfinite(waveform).all():
        raise AudioError("contains NaN or infinite samples", path=path, cure="export the clip again from its source")
    return waveform if sampling_rate is None else _resample(waveform, native_rate, sampling_rate)


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
    return np.pad(waveform, (0, n_samples - n))


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


def find_audio(folder: str | Path) -> tuple[list[Path], list[Path]]:
    """List the audio files in a folder and all its sub-folders: those that can be read here, and the others, sorted.

    Hidden files and folders are skipped, among them the ``._*`` files that macOS leaves on shared disks. Linked
    folders are followed, each real folder once. The others need ffmpeg, which is not on the PATH.

    Raises
    ------
    AudioError
        `folder` does not exist or is a file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise AudioError(problem, path=folder, cure="name a folder that holds audio files")
    paths, readable = sorted(path for path in walk_files(folder) if is_clip_name(path.name)), readable_suffixes()
    clips = [path for path in paths if _suffix(path.name) in readable]
    return clips, [path for path in paths if _suffix(path.name) not in readable]


def walk_files(folder: str | Path) -> Iterator[Path]:
    """Go through all files below a folder, except in hidden folders; a folder that may not be listed is an OSError."""
    visited = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
        # Links may form a ring; a real folder is entered once, and always by the alphabetically first way.
        real = os.path.realpath(here)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in files)


def _raise(error: OSError) -> None:
    raise error


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
    waveform = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        waveform += samples[:, channel]
    waveform /= samples.shape[1]
    return waveform


def _read_mono(clip: soundfile.SoundFile, path: str | Path, start: int, n_frames: int) -> np.ndarray:
    """Read up to `n_frames` from `start` on, mixed to mono."""
    blocks = []
    try:
        if start:
            clip.seek(start)
        # Any usual clip is one block. More of them keep a header that promises years from asking for as much memory.
        while n_frames > 0:
            wanted = min(n_frames, _BLOCK_FRAMES)
            blocks.append(mix_to_mono(_read_samples(clip, wanted)))
            n_frames = n_frames - wanted if len(blocks[-1]) == wanted else 0
    except soundfile.LibsndfileError as error:
        problem, cure = "is damaged and cannot be decoded", "replace the file or leave it out"
        raise AudioError(problem, path=path, cure=cure) from error
    if not blocks:
        return np.zeros(0, np.float32)
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _read_samples(clip: soundfile.SoundFile, n_frames: int) -> np.ndarray:
    if clip.subtype != "PCM_16":
        return clip.read(frames=n_frames, dtype="float32")
    # libsndfile's own conversion takes three times as long for the same numbers.
    samples = clip.read(frames=n_frames, dtype="int16").astype(np.float32)
    samples *= np.float32(2.0**-15)
    return samples


def _resample(waveform: np.ndarray, native_rate: int, sampling_rate: int) -> np.ndarray:
    if native_rate == sampling_rate:
        return waveform
    # soxr rounds the length its own way and gives nothing for very few samples: cut or fill to librosa's length.
    n_samples = math.ceil(len(waveform) * (sampling_rate / native_rate))
    resampled = soxr.resample(waveform, native_rate, sampling_rate, quality="HQ")
    return fit_waveform(resampled, n_samples, "zero_pad") if len(resampled) else np.zeros(n_samples, waveform.dtype)


def _check_seconds(sampling_rate: int | None, offset: float, duration: float | None) -> None:
    if sampling_rate is not None and sampling_rate <= 0:
        raise OptionError(f"{sampling_rate} Hz is no rate", field="sampling_rate", cure="give a positive rate in Hz")
    if not (math.isfinite(offset) and offset >= 0):
        raise OptionError(f"{offset} is no start", field="offset", cure="give seconds from 0")
    if duration is not None and not (math.isfinite(duration) and duration > 0):
        raise OptionError(f"{duration} is no duration", field="duration", cure="give seconds above 0, or None for all")
