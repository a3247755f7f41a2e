"""Five published music-genre-classification studies in Keras 3 on TensorFlow.

The names below resolve when first used, so that ``import mgc_keras`` stays fast and needs no TensorFlow.

Example
-------
>>> import mgc_keras
>>> model = mgc_keras.load_model("weights_layer4_theano.hdf5")       # doctest: +SKIP
>>> waveform = mgc_keras.read_waveform("song.mp3", duration=29.0)    # doctest: +SKIP
"""

import os
from importlib import import_module
from typing import Any

from mgc_keras._version import __version__

# TensorFlow reads these when it is first imported; settings made outside win. On many processors it leaves oneDNN's
# kernels off unless asked, and it gives large maps back to the system after every step: each halves the convnet's speed.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")

_HOME_OF = {
    "MgcKerasError": "mgc_keras.errors",
    "read_waveform": "mgc_keras.audio.files",
    "fit_waveform": "mgc_keras.audio.files",
    "read_manifest": "mgc_keras.datasets.manifest",
    "check_folder": "mgc_keras.audio.check",
    "load_model": "mgc_keras.networks.load",
    "calibrate": "mgc_keras.studies.choi2017.calibration",
    "export_features": "mgc_keras.features.export",
}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mgc_keras' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
