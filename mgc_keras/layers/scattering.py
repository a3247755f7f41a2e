"""The scattering transform as a Keras layer: in a model, in a `tf.function`, in `tf.data`, saved and loaded."""

from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from mgc_keras.errors import OptionError
from mgc_keras.layers.base import with_nan_of
from mgc_keras.scattering.blocks import clips_at_once, has_gpu, in_blocks
from mgc_keras.scattering.on_tensorflow import TensorFlowOperations
from mgc_keras.scattering.options import LOG_FLOOR, ScatteringOptions
from mgc_keras.scattering.plan import Path, ScatteringPlan
from mgc_keras.scattering.transform import Transform


@keras.saving.register_keras_serializable("mgc_keras")
class Scattering(keras.layers.Layer):
    """Waveform to scattering coefficients of order 0, 1 and 2: those of Kymatio 0.3.0, many times faster.

    A coefficient is ``|waveform * wavelet| * low-pass``, or ``||waveform * wavelet| * wavelet| * low-pass``: Andén and
    Mallat, Deep scattering spectrum (IEEE TSP 62, 2014); Song et al. (2017), section 2.
    `mgc_keras.scattering.reference` writes it out in NumPy.

    Parameters
    ----------
    J : int
        Log2 of the longest wavelets, in samples.
    Q : int or (int, int)
        Wavelets an octave, of first and second order; one number stands for the first, the second is then 1.
    T : int or None
        Length of the low-pass in samples; None: 2^J. Frames are 2^floor(log2 T) samples apart.
    max_order : {1, 2}
    average : bool
        False leaves the low-pass out: a list comes out, one tensor a path, of different lengths.
    oversampling : int
        Log2 of how many times more frames, and more samples within, there are than filters need.
    logarithm : bool
        Give log(max(coefficient, 0) / height + 1e-6) for orders 1 and 2, `height` being the power of two by which
        Kymatio scales the path. Order 0 has a sign and stays as it is.
    double : bool
        Work in float64, which takes about three times as long. In float32 what lies 140 dB below the loudest in the
        same band drowns in rounding, here as in Kymatio.
    block : int or None
        Clips that are computed at once; the others follow, block by block. None: on a GPU as many as 32 GiB hold if all
        arrays lived at the same time (far fewer do), sixteen of 30 s at 16 kHz; on a CPU what is quickest, one such
        clip or some shorter ones. It changes speed, memory and rounding (1e-7 of a path).

    Raises
    ------
    OptionError
        An option makes no sense, or, once the input is known, clips are shorter than the filters reach.

    Notes
    -----
    Input: (batch, n_samples) float, `n_samples` fixed. Output: (batch, n_paths, n_frames) float32, or float64 if
    `double`, whatever the policy. Gradients are finite on silence, where they are zero; a gradient keeps the arrays of
    all blocks. XLA compiles the layer and its gradient (``tf.function(layer, jit_compile=True)``), in float64, too.

    This layer averages and interpolates by matrix products. With TensorFloat-32, which TensorFlow uses on GPUs unless
    it is switched off, these are not Kymatio's coefficients (1.6e-4 off).

    Song et al. standardise each path by the mean and deviation of the training clips:
    ``keras.layers.Normalization(axis=1)`` behind this layer, adapted to them.

    Example
    -------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype("float32")
    >>> layer = Scattering(J=8, Q=8)
    >>> coefficients = layer(tone[None])
    >>> coefficients.shape
    TensorShape([1, 234, 63])
    >>> first = [path.order == 1 for path in layer.paths]
    >>> loudest = np.asarray(coefficients)[0, first].mean(axis=1).argmax()
    >>> round(layer.paths[1 + loudest].frequencies[0] * 16000)
    435
    """

    def __init__(
        self,
        J: int,
        Q: int | tuple[int, int] = 1,
        T: int | None = None,
        max_order: int = 2,
        average: bool = True,
        oversampling: int = 0,
        logarithm: bool = False,
        double: bool = False,
        block: int | None = None,
        **layer_options: Any,
    ) -> None:
        # Whatever the policy: half precision has no Fourier transform.
        layer_options["dtype"] = "float64" if double else "float32"
        super().__init__(**layer_options)
        self.J, self.T, self.max_order, self.average = J, T, max_order, average
        # A saved configuration has a list. The cast: typeshed's tuple() forgets how many there are.
        self.Q = (Q, 1) if isinstance(Q, int) else cast(tuple[int, int], tuple(Q))
        self.oversampling, self.logarithm, self.double, self.block = oversampling, logarithm, double, block
        if block is not None and (block < 1 or block != int(block)):
            raise OptionError(f"{block} makes no sense", field="block", cure="use a whole number from 1 on, or None")
        if not average and (logarithm or T is not None):
            field = "logarithm" if logarithm else "T"
            raise OptionError("needs averaged coefficients", field=field, cure="leave it out, or average")
        self._plan: ScatteringPlan | None = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the filters for the length of the input."""
        self._prepare(input_shape)

    @property
    def paths(self) -> list[Path]:
        """Order, frequencies (in cycles a sample) and scales of each output row; known once the layer is built."""
        return self._known_plan().paths

    def call(self, waveforms: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """Transform (batch, n_samples)."""
        waveforms = tf.cast(waveforms, self.compute_dtype)
        # Within another function the size of the batch may be known.
        return self._batch(waveforms) if tf.inside_function() else self._compiled(waveforms)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """Return (batch, n_paths, n_frames), or a list of (batch, n_samples of the path) without averaging."""
        plan = self._prepare(input_shape)
        if self.average:
            return input_shape[0], len(plan.paths), plan.n_frames
        return [(input_shape[0], length) for length in plan.lengths()]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("J", "Q", "T", "max_order", "average", "oversampling", "logarithm", "double", "block")
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _known_plan(self) -> ScatteringPlan:
        if self._plan is None:
            raise OptionError("the layer does not know how long clips are", field="plan", cure="call or build it first")
        return self._plan

    def _prepare(self, input_shape: tuple[int | None, ...]) -> ScatteringPlan:
        n_samples = input_shape[-1]
        if n_samples is None or len(input_shape) != 2:
            cure = "give waveforms (batch, n_samples) of one length"
            raise OptionError(
                f"the shape {tuple(input_shape)} does not say how long clips are", field="input", cure=cure
            )
        if self._plan is None or self._plan.options.n_samples != n_samples:
            T = 2**self.J if self.T is None else self.T
            options = ScatteringOptions(n_samples, self.J, self.Q, T, self.max_order, self.average, self.oversampling)
            self._plan = ScatteringPlan(options, exact=self.double)
            operations = TensorFlowOperations(self.compute_dtype, by_matrices=has_gpu())
            self._transform = Transform(self._plan, operations, together=has_gpu())
            # Compiled even where a model runs eagerly: hundreds of small operations share the filters as constants.
            signature = [tf.TensorSpec((None, n_samples), self.compute_dtype)]
            self._compiled = tf.function(self._batch, input_signature=signature, autograph=False)
        return self._plan

    def _batch(self, waveforms: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        plan, dtype = self._known_plan(), np.dtype(self.compute_dtype)

        def signature(n_clips: int | None) -> Any:
            if self.average:
                return tf.TensorSpec((n_clips, len(plan.paths), plan.n_frames), dtype)
            return [tf.TensorSpec((n_clips, length), dtype) for length in plan.lengths()]

        most = self.block or clips_at_once(plan, dtype.itemsize)
        outputs = in_blocks(self._transform, waveforms, most, signature)
        return self._loudness(outputs) if self.logarithm else outputs

    def _loudness(self, coefficients: tf.Tensor) -> tf.Tensor:
        heights = np.array([path.height for path in self._known_plan().paths[1:]], self.compute_dtype)[:, None]
        orders = coefficients[:, 1:]
        loudness = tf.math.log(tf.maximum(orders, 0.0) / heights + LOG_FLOOR)
        return tf.concat([coefficients[:, :1], with_nan_of(orders, loudness)], axis=1)
