"""Log-scattering coefficients as sequences, computed by SciPy: no TensorFlow is needed to export them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np

from mgc_keras.features.extractor import Extractor
from mgc_keras.scattering.on_scipy import ScipyOperations
from mgc_keras.scattering.options import LOG_FLOOR, ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.transform import Transform
from mgc_keras.threads import one_thread


class ScatteringExtractor(Extractor):
    """Scattering coefficients of order 0, 1 and 2, a row a frame, as `mgc_keras.layers.scattering.Scattering` does.

    Parameters
    ----------
    n_samples : int
        Length that every clip is brought to: shorter ones are repeated, longer ones cut.
    sampling_rate : int
        In Hz; Song et al. (2017) use 16000.
    J, Q, max_order
        As in `Scattering`. Song et al. print neither J nor Q; 13 and 8 give half-second frames and eight wavelets an
        octave, as is usual for music.
    log : bool
        Give the logarithm of orders 1 and 2, as the layer's option `logarithm` does.
    batch_size : int
        Clips that are computed, and then saved, together.
    jobs : int or None
        Clips computed at the same time; by default one a core.

    Raises
    ------
    OptionError
        The clips are shorter than the filters reach.
    """

    name = "scattering"

    def __init__(
        self,
        n_samples: int,
        sampling_rate: int = 16000,
        J: int = 13,
        Q: int = 8,
        max_order: int = 2,
        log: bool = True,
        batch_size: int = 8,
        jobs: int | None = None,
    ) -> None:
        self.n_samples, self.sampling_rate, self.duration = n_samples, sampling_rate, n_samples / sampling_rate
        self.J, self.Q, self.max_order, self.log, self.batch_size = J, Q, max_order, log, batch_size
        self.jobs = joblib.cpu_count() if jobs is None else jobs
        plan = ScatteringPlan(ScatteringOptions(n_samples, J, (Q, 1), 2**J, max_order))
        self._transform = Transform(plan, ScipyOperations())
        self._heights = np.array([path.height for path in plan.paths[1:]], np.float32)[:, None]
        # Two wavelets may round to the same frequency: the number keeps names apart.
        self.columns = [f"{path.name(sampling_rate)}_{number:03d}" for number, path in enumerate(plan.paths)]

    def __reduce__(self) -> tuple:
        # For workers of a cluster, whose tasks share the cores: the filters are made there.
        names = ("n_samples", "sampling_rate", "J", "Q", "max_order", "log", "batch_size")
        return type(self), (*(getattr(self, name) for name in names), 1)

    def describe(self) -> dict[str, Any]:
        """Return the settings that fix the numbers, for the JSON beside the features."""
        names = ("name", "sampling_rate", "n_samples", "fit", "J", "Q", "max_order", "log")
        return {name: getattr(self, name) for name in names}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_frames, n_paths) float32 of waveforms (batch, n_samples)."""
        with one_thread(), ThreadPoolExecutor(self.jobs) as pool:
            return np.stack(list(pool.map(self._clip, waveforms)))

    def _clip(self, waveform: np.ndarray) -> np.ndarray:
        coefficients = np.asarray(self._transform(waveform))
        if self.log:
            coefficients[1:] = np.log(np.maximum(coefficients[1:], 0) / self._heights + np.float32(LOG_FLOOR))
        return coefficients.T
