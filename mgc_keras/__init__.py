"""Five published music-genre-classification studies in Keras 3 on TensorFlow, and what they are made of.

=================  ===============================================================================================
To …               use
=================  ===============================================================================================
listen             `read_waveform`, `fit_waveform`, `write_waveform`
list clips         `check_folder`, `build_manifest`, `folder_manifest`, `read_manifest`, `write_manifest`
compute            `export_features`, `read_features`, `ConvnetFeatures`, `MelSpectrogram`, `Scattering`,
                   `segment_waveform`
load a network     `load_model`, `calibrate`
search SVMs        `search.search`, `search.sweep`
judge              `score`, `score_interval`, `bootstrap_interval`, `compare`, `holm`, `majority_vote`
tell genres, tags  `classify`, `tag`, `SongAnswer`, `SongScorer`
invent music       `write_corpus`
use a GPU          `set_precision`
catch errors       `MgcKerasError`
=================  ===============================================================================================

A name is imported when it is first used, so that ``import mgc_keras`` stays fast and needs no TensorFlow. The file
``__init__.pyi`` beside this one lists them all, for Python and for type checkers.

Example
-------
>>> import mgc_keras
>>> model = mgc_keras.load_model("weights_layer4_theano.hdf5")       # doctest: +SKIP
>>> waveform = mgc_keras.read_waveform("song.mp3", duration=29.0)    # doctest: +SKIP
"""

import os

import lazy_loader

from mgc_keras._version import __version__ as __version__
from mgc_keras.caches import provide_caches

# TensorFlow reads these when it is first imported; settings made outside win. On many processors it leaves oneDNN's
# kernels off unless asked, and it returns large maps to the system after every step: each halves the convnet's speed.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")

if os.name != "posix":
    raise ImportError("mgc_keras runs on Linux and macOS; on Windows, install it in WSL or a container")
provide_caches()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
