"""A feature set that needs no network, and clips to compute it from. Workers import it: nothing heavy here."""

import time
from pathlib import Path

import numpy as np
import soundfile


class ToyExtractor:
    """Peak and energy of each waveform, and the mean energy of its batch, which tells who shared it."""

    name, columns, dtype = "toy", ("peak", "energy", "batch_energy"), "float32"
    sampling_rate, fit, seed = 8000, "zero_pad", 0

    def __init__(self, batch_size=4, n_samples=4000, batch_order="file", seed=0):
        self.batch_size, self.n_samples, self.batch_order, self.seed = batch_size, n_samples, batch_order, seed
        self.duration = None if n_samples is None else n_samples / self.sampling_rate
        self.sizes = []
        self.stop_after = None

    def describe(self):
        return {"name": self.name, "n_samples": self.n_samples}

    def __call__(self, waveforms):
        if self.stop_after is not None and len(self.sizes) == self.stop_after:
            raise KeyboardInterrupt
        self.sizes.append(len(waveforms))
        energies = np.array([np.mean(waveform.astype(np.float64) ** 2) for waveform in waveforms])
        peaks = [np.abs(waveform).max() for waveform in waveforms]
        return np.stack([peaks, energies, np.full(len(energies), energies.mean())], axis=1).astype(np.float32)


class WaitingExtractor(ToyExtractor):
    """One that takes its time: until a gate opens, or a tenth of a second for each batch."""

    def __init__(self, *, slow: bool = False, gate: Path | None = None, **options: object) -> None:
        super().__init__(**options)
        self.slow, self.gate, self.calls = slow, gate, 0

    def __call__(self, waveforms):
        self.calls += 1
        while self.gate is not None and self.calls > 3 and not self.gate.exists():
            time.sleep(0.01)
        if self.slow:
            time.sleep(0.1)
        return super().__call__(waveforms)


class OneAtATime(ToyExtractor):
    """One that cannot be called while it is called."""

    is_busy = False

    def __call__(self, waveforms):
        assert not OneAtATime.is_busy
        OneAtATime.is_busy = True
        time.sleep(0.1)
        OneAtATime.is_busy = False
        return super().__call__(waveforms)


def write_clips(folder: Path, n_clips: int, seconds: float = 0.5, rate: int = 8000) -> list[Path]:
    """Write noise of different loudness; return the paths in sorted order."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    paths = [folder / f"clip{index:03d}.wav" for index in range(n_clips)]
    for index, path in enumerate(paths):
        noise = generator.uniform(-1, 1, int(seconds * rate)) * (index + 1) / n_clips
        soundfile.write(path, noise, rate, subtype="PCM_16")
    return paths
