"""Whether scattering coefficients of the first order say what a mel-spectrogram says.

Song et al. (2017), eq. 1, after Andén and Mallat (2014): the energy of a band, averaged over a window, is about the
squared wavelet modulus averaged over it. So a first-order coefficient should follow the root of a mel band's energy.
"""

import math

import numpy as np
import pandas as pd

from mgc_keras.errors import OptionError
from mgc_keras.evaluation.audit import AuditResult
from mgc_keras.scattering.filters import SIGMA_0, gaussian_width
from mgc_keras.scattering.on_scipy import ScipyOperations
from mgc_keras.scattering.options import LOG_FLOOR, ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.transform import Transform

# The window is cut where it has fallen to 4e-6.
_WINDOW_REACH = 5.0
# So many widths of its bump a wavelet is wide at half power, and so is a triangle whose base is twice as wide.
_TRIANGLE = 2 * math.sqrt(math.log(2))


def melspectrogram_relation(waveforms: np.ndarray, sampling_rate: int, J: int = 13, Q: int = 8) -> AuditResult:
    """Correlate first-order scattering coefficients with a mel-spectrogram of the same bands, frames and window.

    Parameters
    ----------
    waveforms : np.ndarray [shape=(n_clips, n_samples), dtype=float32]
    sampling_rate, J, Q : int
        In Hz; as in `mgc_keras.layers.scattering.Scattering`.

    Returns
    -------
    AuditResult
        One row a wavelet, highest frequency first: frequency_hz, bandwidth_hz (at half power), correlation (Pearson's,
        over all frames of all clips), correlation_log (of the logarithms, which is what networks are given), n_frames
        (those where neither is silent). A band that is silent throughout has no correlation.

    Raises
    ------
    OptionError
        No clips, or clips shorter than the filters reach.
    """
    if not len(waveforms):
        raise OptionError("there are no clips to compare", field="waveforms")
    plan = ScatteringPlan(ScatteringOptions(waveforms.shape[1], J, (Q, 1), 2**J, 1))
    transform = Transform(plan, ScipyOperations())
    theirs = np.concatenate([np.asarray(transform(clip))[1:].T for clip in waveforms])
    mels = np.concatenate([band_amplitudes(clip, plan) for clip in waveforms])
    rows = []
    for number, path in enumerate(plan.paths[1:]):
        ours, mel = theirs[:, number] / path.height, mels[:, number]
        # Below -120 dB of a full-scale tone there is nothing to compare.
        heard = (ours > LOG_FLOOR) & (mel > LOG_FLOOR)
        ours, mel = ours[heard], mel[heard]
        rows.append(
            {
                "frequency_hz": path.frequencies[0] * sampling_rate,
                "bandwidth_hz": _TRIANGLE * plan.widths[number] * sampling_rate,
                "correlation": _correlation(ours, mel),
                "correlation_log": _correlation(np.log(ours), np.log(mel)),
                "n_frames": int(heard.sum()),
            }
        )
    table = pd.DataFrame(rows)
    return AuditResult("melspectrogram", table, _conclusion(table, len(waveforms)))


def band_amplitudes(waveform: np.ndarray, plan: ScatteringPlan) -> np.ndarray:
    """Return the roots of mel band energies, on the frames of a scattering transform.

    A spectrogram whose window is the low-pass of the scattering, and triangular bands, each centred on a wavelet and as
    wide at half power. `plan` averages clips of this length, (n_samples,).

    Returns
    -------
    np.ndarray [shape=(n_frames, n_bands), dtype=float64]
        A tone of amplitude a at the centre of a band gives a/2, as a wavelet's modulus does.
    """
    width = gaussian_width(SIGMA_0 / plan.options.T)
    reach = math.ceil(_WINDOW_REACH * width)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    n_fft = 2 ** math.ceil(math.log2(len(window)))
    padded = np.pad(waveform.astype(np.float64), plan.long.sides(len(waveform)), mode="reflect")
    first, _ = plan.span(int(math.log2(plan.hop)))
    centres = (first + np.arange(plan.n_frames)) * plan.hop
    amplitudes = np.empty((plan.n_frames, len(plan.widths)))
    frequencies = np.arange(n_fft // 2 + 1) / n_fft
    bands = [_triangle(frequencies, path.frequencies[0], sigma) for path, sigma in zip(plan.paths[1:], plan.widths)]
    for frame, centre in enumerate(centres):
        samples = padded[(centre + np.arange(-reach, reach + 1)) % len(padded)]
        power = np.abs(np.fft.rfft(samples * window, n_fft)) ** 2
        amplitudes[frame] = [weights @ power[begin : begin + len(weights)] for begin, weights in bands]
    return np.sqrt(amplitudes / (n_fft * (window**2).sum()))


def _triangle(frequencies: np.ndarray, xi: float, sigma: float) -> tuple[int, np.ndarray]:
    """Return the first bin of a triangular band, and its weights from there on."""
    weights = 1 - np.abs(frequencies - xi) / (_TRIANGLE * sigma)
    bins = np.flatnonzero(weights > 0)
    return int(bins[0]), weights[bins[0] : bins[-1] + 1]


def _correlation(values: np.ndarray, others: np.ndarray) -> float:
    if len(values) < 3 or values.std() == 0 or others.std() == 0:
        return float("nan")
    return float(np.corrcoef(values, others)[0, 1])


def _conclusion(table: pd.DataFrame, n_clips: int) -> str:
    known = table.dropna(subset=["correlation_log"])
    if known.empty:
        return f"The {n_clips} clips are silent in every band: nothing to compare."
    worst = known.loc[known["correlation_log"].idxmin()]
    return (
        f"Over {n_clips} clips and {len(known)} bands, the logarithms correlate by "
        f"{known['correlation_log'].median():.3f} in the median band and by {worst.correlation_log:.3f} in the worst, "
        f"at {worst.frequency_hz:.3g} Hz; the values themselves by {known['correlation'].median():.3f} in the median "
        "band."
    )
