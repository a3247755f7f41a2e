"""Makes the clips that go wrong in the wild: one file of each kind, from a short synthetic tune."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 22050


def tune(seconds: float = 2.0, sampling_rate: int = RATE, channels: int = 2, seed: int = 0) -> np.ndarray:
    """A gliding, noisy tone, another one in each channel: (n_samples, channels) float32, exact in 16 bits."""
    time = np.arange(int(seconds * sampling_rate)) / sampling_rate
    generator = np.random.default_rng(seed)
    voices = [0.4 * np.sin(2 * np.pi * (220 + 30 * k + 40 * time) * time) for k in range(channels)]
    samples = np.stack(voices, axis=1) + 0.02 * generator.standard_normal((len(time), channels))
    return (np.round(samples * 32768) / 32768).astype(np.float32)


def write(path: Path, samples: np.ndarray, sampling_rate: int = RATE, **options: str) -> Path:
    """Write with libsndfile, the format chosen by the suffix; 16 bits where the format is lossless."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".wav", ".au", ".flac"):
        options = {"subtype": "PCM_16", **options}
    soundfile.write(path, samples, sampling_rate, **options)
    return path


def cut(path: Path, source: Path, fraction: float = 0.6) -> Path:
    """Copy the first part of a file, as a broken download leaves it."""
    content = source.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    return path


def promise_more(path: Path, source: Path) -> Path:
    """Copy a wav or au file with a header that promises 100 MB of samples."""
    content = source.read_bytes()
    if source.suffix == ".wav":
        place = content.index(b"data") + 4
        promise = (10**8).to_bytes(4, "little")
    else:
        place, promise = 8, (10**8).to_bytes(4, "big")
    path.write_bytes(content[:place] + promise + content[place + 4 :])
    return path


def write_unusable(folder: Path) -> dict[str, str]:
    """Write one file of each kind that gives no waveform; return file name -> a word of the error it must raise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "folder.wav").mkdir()
    (folder / "zero_bytes.wav").touch()
    for suffix in (".wav", ".au", ".flac", ".ogg", ".mp3"):
        (folder / f"text{suffix}").write_text("This is no music.\n" * 200)
    (folder / "page.mp3").write_text("<!DOCTYPE html><html><body>404</body></html>" * 50)
    (folder / "zeros.wav").write_bytes(bytes(30000))
    (folder / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(200_000))
    write(folder / "no_samples.wav", np.zeros((0, 1)))
    for name, value in {"nan.wav": np.nan, "infinite.wav": np.inf}.items():
        samples = tune()
        samples[1000, 0] = value
        write(folder / name, samples, subtype="FLOAT")
    whole = write(folder / "whole.flac", tune())
    cut(folder / "cut.flac", whole)
    content = bytearray(whole.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (folder / "endless.flac").write_bytes(content)
    whole.unlink()
    return {
        "missing.wav": "no such file",
        "folder.wav": "is a folder",
        "zero_bytes.wav": "zero bytes",
        **{f"text{suffix}": "looks like text" for suffix in (".wav", ".au", ".flac", ".ogg", ".mp3")},
        "page.mp3": "web page",
        "zeros.wav": "file of zeros",
        "noise.mp3": "cannot be decoded",
        "no_samples.wav": "holds no samples",
        "nan.wav": "NaN or infinite",
        "infinite.wav": "NaN or infinite",
        "cut.flac": "damaged",
        "endless.flac": "how long it is",
    }
