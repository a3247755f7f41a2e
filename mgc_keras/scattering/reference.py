"""The scattering transform in plain NumPy: slow, and written to be read beside the papers.

Andén and Mallat, Deep scattering spectrum (IEEE TSP 62, 2014), define three orders:

    S0 x(t)           = x * phi (t)
    S1 x(t, l1)       = |x * psi_l1| * phi (t)
    S2 x(t, l1, l2)   = ||x * psi_l1| * psi_l2| * phi (t)

where * is convolution, phi a Gaussian low-pass and psi_l a Morlet wavelet. Kymatio 0.3.0 (Andreux et al., JMLR 21,
2020) fixes the rest: padding by reflection, subsampling by powers of two, and the scale of each path. The fast
transforms of this package are tested against this module.
"""

import math

import numpy as np
from kymatio.scattering1d.filter_bank import compute_temporal_support

from mgc_keras.scattering.filters import SIGMA_0, filter_bank


def scattering(
    waveform: np.ndarray,
    J: int,
    Q: tuple[int, int] = (8, 1),
    T: int | None = None,
    oversampling: int = 0,
    average: bool = True,
) -> dict[tuple[int, ...], np.ndarray]:
    """Return the scattering coefficients of one waveform, in float64.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,)]
    J, Q, T, oversampling, average
        As in `mgc_keras.layers.scattering.Scattering`.

    Returns
    -------
    dict of tuple of int to np.ndarray [shape=(n_frames,), dtype=float64]
        By path: () is S0, (l1,) is S1 of one wavelet, (l1, l2) is S2 of two; wavelets are numbered from the highest
        frequency down. The order is Kymatio's. Without averaging, the lengths of the paths differ.

    Example
    -------
    >>> tone = np.sin(2 * np.pi * 0.25 * np.arange(2048))
    >>> S = scattering(tone, J=5, Q=(1, 1))
    >>> max((path for path in S if len(path) == 1), key=lambda path: S[path].mean())
    (0,)
    """
    n_samples, T = len(waveform), T or 2**J
    n_padded = padded_length(n_samples, T)
    before = (n_padded - n_samples) // 2
    x = np.pad(waveform.astype(np.float64), (before, n_padded - n_samples - before), mode="reflect")
    first, second = (
        [(psi.j, morlet(psi.xi, psi.sigma, n_padded)) for psi in filter_bank(J, wavelets_per_octave)]
        for wavelets_per_octave in Q
    )
    phi = morlet(0.0, SIGMA_0 / T, n_padded)
    log2_T = int(math.log2(T))
    hop = max(log2_T - oversampling, 0)

    def log2_step(j: int) -> int:
        # A wavelet of scale j allows subsampling by 2^j; frames are never further apart than 2^log2_T.
        return max((min(j, log2_T) if average else j) - oversampling, 0)

    def frames(U: np.ndarray, k: int) -> np.ndarray:
        # U is given at every 2^k-th sample; its average is kept at every 2^hop-th one, and the padding is cut off.
        if average:
            U, k = convolve(U, phi).real[:: 2 ** (hop - k)], hop
        return U[math.ceil(before / 2**k) : math.ceil((before + n_samples) / 2**k)]

    S0: dict[tuple[int, ...], np.ndarray] = {(): frames(x, 0) if average else waveform.astype(np.float64)}
    S1: dict[tuple[int, ...], np.ndarray] = {}
    S2: dict[tuple[int, ...], np.ndarray] = {}
    for l1, (j1, psi1) in enumerate(first):
        k1 = log2_step(j1)
        U1 = np.abs(convolve(x, psi1))[:: 2**k1]
        S1[l1,] = frames(U1, k1)
        for l2, (j2, psi2) in enumerate(second):
            if j2 > j1:  # faster wavelets find next to nothing: a modulus varies no faster than its wavelet is wide
                k2 = log2_step(j2)
                U2 = np.abs(convolve(U1, psi2))[:: 2 ** (k2 - k1)]
                S2[l1, l2] = frames(U2, k2)
    return S0 | S1 | S2


def convolve(signal: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Convolve on a circle, given the frequency response of a filter.

    The response may have 2^k times as many bins as the signal, which is then subsampled by 2^k. The filter is
    subsampled as well: its response becomes the mean of its aliases, not their sum, and so a path that was subsampled
    by 2^k is 2^-k of what it would be at the full rate.
    """
    return np.fft.ifft(np.fft.fft(signal) * response.reshape(-1, len(signal)).mean(axis=0))


def morlet(xi: float, sigma: float, n_bins: int) -> np.ndarray:
    """Return the frequency response of a Morlet wavelet, or of the Gaussian low-pass where `xi` is 0.

    psi(t) = g(t) (exp(2 pi i xi t) - kappa): a Gaussian `g` that oscillates, less the part that gives it a mean. Its
    modulus sums to one over time, and its spectrum is periodic, as that of every sampled signal is.
    """
    frequencies = np.arange(n_bins) / n_bins + np.arange(-3, 4)[:, None]
    low = np.exp(-(frequencies**2) / (2 * sigma**2)).sum(axis=0)
    bump = np.exp(-((frequencies - xi) ** 2) / (2 * sigma**2)).sum(axis=0)
    response = bump - bump[0] / low[0] * low if xi else low
    return response / np.abs(np.fft.ifft(response)).sum()


def padded_length(n_samples: int, T: int) -> int:
    """Return Kymatio's length: a power of two that holds three times the support of the low-pass at both ends."""
    support = 3 * compute_temporal_support(morlet(0.0, SIGMA_0 / T, n_samples)[None], 1e-3)
    return 2 ** min(math.ceil(math.log2(n_samples + 2 * support)), int(math.log2(3 * n_samples - 2)))
