"""Keras layers: the Kapre front end and the normalisations of the published networks.

TensorFlow enters the package here. On many processors it leaves oneDNN's kernels off unless asked, which makes the
convnet two to three times slower; so they are asked for, unless TF_ENABLE_ONEDNN_OPTS is set outside.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
