"""One module a published network, and what turns one variant of it into another."""

import mgc_keras.layers  # noqa: F401  (settles which kernels TensorFlow takes, before it is imported)
