"""Readers of old and new weight files, and where the published ones come from."""

import mgc_keras.layers  # noqa: F401  (settles which kernels TensorFlow takes, before it is imported)
