# ruff: noqa: I001 (ordered by job)
# The public names, said once: Python reads this file when the package is imported, type checkers and editors too.
# A name `x` of the module `a.b` is the line `from .a.b import x as x`.

# Listen.
from .audio.files import fit_waveform as fit_waveform
from .audio.files import read_waveform as read_waveform
from .audio.files import write_waveform as write_waveform

# List clips.
from .audio.check import check_folder as check_folder
from .datasets.builders import build_manifest as build_manifest
from .datasets.manifest import folder_manifest as folder_manifest
from .datasets.manifest import read_manifest as read_manifest
from .datasets.manifest import write_manifest as write_manifest

# Compute.
from .features.export import export_features as export_features
from .features.table import read_features as read_features
from .studies.choi2017.transformer import ConvnetFeatures as ConvnetFeatures
from .layers.melspectrogram import MelSpectrogram as MelSpectrogram
from .layers.scattering import Scattering as Scattering
from .segmentation.segments import segment_waveform as segment_waveform

# Load a network.
from .networks.load import load_model as load_model
from .studies.choi2017.calibration import calibrate as calibrate

# Search SVMs.
from . import search as search

# Judge.
from .evaluation.intervals import bootstrap_interval as bootstrap_interval
from .evaluation.intervals import score_interval as score_interval
from .evaluation.metrics import score as score
from .evaluation.paired import compare as compare
from .evaluation.paired import holm as holm
from .evaluation.voting import majority_vote as majority_vote

# Tell genres and tags of songs.
from .answers.songs import classify as classify
from .answers.songs import tag as tag
from .answers.answer import SongAnswer as SongAnswer
from .features.songs import SongScorer as SongScorer

# Invent music.
from .corpus.write import write_corpus as write_corpus

# Use a GPU.
from .execution import set_precision as set_precision

# Catch errors.
from .errors import MgcKerasError as MgcKerasError

__version__: str
