"""The network of Song et al. (2017) with its scattering in front: one model that takes waveforms."""

import keras

from mgc_keras.errors import OptionError
from mgc_keras.layers.scattering import Scattering
from mgc_keras.studies.song2017.network import options_of_network


def with_scattering(network: keras.Model, n_samples: int, *, J: int = 13, Q: int = 8) -> keras.Model:
    """Put a scattering layer in front of a network: one file that takes waveforms.

    Parameters
    ----------
    network : keras.Model
        A `gru_network` for the logarithms of scattering coefficients, as `ScatteringExtractor` exports them.
    n_samples : int
        Of a waveform.
    J, Q : int
        As for the sequences that the network was trained on.

    Returns
    -------
    keras.Model
        (batch, n_samples) float32 to (batch, n_outputs); it shares the network's weights.

    Raises
    ------
    OptionError
        The scattering has another number of paths than the network, or clips are shorter than its filters reach.

    Example
    -------
    >>> from mgc_keras.studies.song2017.network import gru_network
    >>> scattering = Scattering(J=6, Q=2)
    >>> n_paths = scattering.compute_output_shape((None, 4096))[1]
    >>> with_scattering(gru_network(n_paths, 5, width=4, depth=1), 4096, J=6, Q=2).output_shape
    (None, 5)
    """
    expected = options_of_network(network).n_paths
    waveforms = keras.Input((n_samples,), dtype="float32", name="waveform")
    coefficients = Scattering(J=J, Q=Q, logarithm=True, name="log_scattering")(waveforms)
    if coefficients.shape[1] != expected:
        raise OptionError(
            f"gives {coefficients.shape[1]} paths, and the network takes {expected}",
            field="J",
            cure="use J and Q of the sequences that it was trained on",
        )
    frames = keras.layers.Permute((2, 1), name="frames")(coefficients)
    return keras.Model(waveforms, network(frames), name="song2017_waveform")
