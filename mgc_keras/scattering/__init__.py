"""The scattering transform of Andén and Mallat (2014), equal to Kymatio 0.3.0 and many times faster. No Keras.

Read the files in this order:

1. `reference`: the transform in plain NumPy. All else computes the same numbers, and is tested against it.
2. `options`, `filters`: the parameters, the wavelets and the low-pass.
3. `folding`, `baseband`: what a wavelet does to a spectrum, at Kymatio's sampling rate and at half of it.
4. `padding`, `averaging`: what lies beyond a clip's ends, and the low-pass as matrix products.
5. `groups`, `plan`: which wavelets are computed together, and all constants of a transform.
6. `operations`, `transform`: what is asked of a library of arrays, and the transform written with that.
7. `on_tensorflow`, `on_scipy`, `loops`: the two libraries, and the compiled inner loops of the second.
8. `blocks`: how many clips TensorFlow computes at once.

To transform clips, use `mgc_keras.layers.scattering` or, without TensorFlow, `mgc_keras.features.scattering`.

Where the speed comes from:

* A wavelet is zero on most bins. It is multiplied in its band alone, straight into the spectrum of the subsampled
  result.
* The real and the imaginary part of a wavelet's result are two real signals. So all Fourier transforms are real ones,
  and negative frequencies are never stored.
* Wavelets of one scale are transformed together. The longest results are computed at half of Kymatio's rate, which is
  all that their bandwidth needs, and interpolated.
* Fast wavelets are computed on little more than the clip. Only the part that slow wavelets read is extended by
  reflection as far as those reach, and it has few samples.
* The low-pass is computed only at the frames, one sample in 2^J: a small matrix product in time.
"""
