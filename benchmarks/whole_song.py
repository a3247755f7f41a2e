"""What is hearing a whole song worth? Features of its first seconds against those of windows all over it.

The 60 clips of Emotify that tests use (one minute, four genres) are classified by a support vector machine whose
settings are chosen inside the training folds (nested), folds grouped by artist, several seeds. Compared are sets of
features, by accuracy and by the mean difference to the first set with an interval over songs; and the time a clip takes,
in the same run. The statistics of the convnet's normalisation are those of other music, or each clip's own.

Run: python benchmarks/whole_song.py --weights weights_layer4_theano.hdf5 [--calibrate-on DIR] [--seeds 10]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mgc_keras  # noqa: F401, I001  (its settings must reach TensorFlow first)
import numpy as np
import pandas as pd

from mgc_keras.datasets.splits import artist_grouped_folds
from mgc_keras.execution import device_name, set_precision
from mgc_keras.features.export import export_features
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.mfcc import MfccExtractor
from mgc_keras.features.sets import FeatureOptions, feature_sets
from mgc_keras.features.table import read_features
from mgc_keras.features.whole_song import WholeSong
from mgc_keras.search import CORRECTED, search

DATA = Path(__file__).parents[2] / "shared" / "data"
EMOTIFY = DATA / "audio" / "emotify"
