"""Opens every weight and model file that this package understands."""

import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.layers.melspectrogram import DECIBEL_REFERENCES, FRAMINGS, checked_choice
from mgc_keras.models.choi2017 import INPUTS, NORMALIZATIONS, OUTPUTS, convnet
from mgc_keras.models.crnn_parts import crnn_variant
from mgc_keras.models.music_tagger_crnn import OUTPUTS as CRNN_OUTPUTS
from mgc_keras.models.music_tagger_crnn import is_crnn
from mgc_keras.models.variants import is_convnet, set_tensors, with_variant
from mgc_keras.weights.crnn import crnn_from_file, is_crnn_weights
from mgc_keras.weights.keras1 import is_keras1_weights, is_theano, read_keras1
from mgc_keras.weights.keras2 import is_keras2_convnet, read_keras2
from mgc_keras.weights.registry import REGISTRY, fetch_weights
from mgc_keras.weights.saved import check_stored_tensors, config_of_h5_file, config_of_keras_file, load_saved

_CHOICES = {
    "output": tuple(dict.fromkeys((*OUTPUTS, *CRNN_OUTPUTS))),
    "normalization": NORMALIZATIONS,
    "framing": FRAMINGS,
    "decibel_reference": DECIBEL_REFERENCES,
    "input": INPUTS,
}


def load_model(
    path: str | Path,
    *,
    output: str | None = None,
    normalization: str | None = None,
    framing: str | None = None,
    decibel_reference: str | None = None,
    input: str | None = None,
) -> keras.Model:
    """Open a weight or model file; its kind is told by its content.

    ================================  ============  =============  ============  ==================  ==========
    kind                              output        normalization  framing       decibel_reference   input
    ================================  ============  =============  ============  ==================  ==========
    Keras-1.2 weights, Theano         **features**  batch          theano        batch               waveform
    Keras-1.2 weights, TensorFlow     **features**  batch          tensorflow    batch               waveform
    Keras-2.1.1 Kapre model           **tags**      population     tensorflow    batch               waveform
    MusicTaggerCRNN, both forms       **tags**      (population)   (reflect)     (unit)              waveform
    the same, tuned to ten genres     **genres**    (population)   (reflect)     (unit)              waveform
    ``.h5``, ``.keras`` from here     as saved      as saved       as saved      as saved            as saved
    ================================  ============  =============  ============  ==================  ==========

    Parameters
    ----------
    path : str or Path
        The file, or a name that ``mgc-keras weights list`` shows.
    output : {"features", "tags", "genres"}, optional
        See `mgc_keras.models.choi2017.convnet` and `mgc_keras.models.music_tagger_crnn.music_tagger_crnn`, here and
        below. Default: see the table. What stands in brackets cannot be changed.
    normalization : {"batch", "population"}, optional
    framing : {"theano", "tensorflow"}, optional
    decibel_reference : {"batch", "clip"}, optional
    input : {"waveform", "melspectrogram"}, optional

    Returns
    -------
    keras.Model
        Not compiled. Every tensor of the file was matched with one of the network.

    Raises
    ------
    WeightsError
        The file is missing, damaged, of another network, carries code (a Lambda layer), or lacks what an option needs:
        the TensorFlow file has no tagging head, batch-statistics files have no population statistics, a file for ten
        genres has no tags.
    OptionError
        An option has an unknown value.

    Notes
    -----
    ``weights_layer0`` … ``weights_layer3`` hold the first layers of the network that ``weights_layer4`` holds; they are
    refused.

    Example
    -------
    >>> model = load_model("weights_layer4_theano.hdf5", output="tags")     # doctest: +SKIP
    """
    options = {
        "output": output,
        "normalization": normalization,
        "framing": framing,
        "decibel_reference": decibel_reference,
        "input": input,
    }
    chosen = {name: value for name, value in options.items() if value is not None}
    for name, value in chosen.items():
        checked_choice(name, value, _CHOICES[name])
    return _open(_find(path), chosen)


def _open(path: Path, chosen: dict[str, str]) -> keras.Model:
    if zipfile.is_zipfile(path):
        return _variant(load_saved(path, config_of_keras_file(path)), chosen, path)
    try:
        with h5py.File(path, "r") as file:
            if is_crnn_weights(file):
                return _from_crnn(file, chosen, path)
            if is_keras1_weights(file):
                return _from_keras1(file, chosen, path)
            if "model_config" not in file.attrs:
                raise WeightsError(
                    "holds no whole model and no weights of a published network",
                    path=path,
                    field=next(iter(file), "model_config"),
                    cure="take a published weight file, or a model saved with model.save",
                )
            config = config_of_h5_file(file, path)
            check_stored_tensors(file, path)
            if is_keras2_convnet(config):
                return _from_keras2(file, chosen, path)
    except OSError as error:
        raise WeightsError(
            "is neither a whole HDF5 file nor a whole .keras file", path=path, cure="take another copy"
        ) from error
    return _variant(load_saved(path, config), chosen, path)


def _find(path: str | Path) -> Path:
    """Return the file itself, or that of a registered name."""
    if str(path) in REGISTRY and not Path(path).exists():
        return fetch_weights(str(path))
    if not Path(path).is_file():
        problem = "is a folder, not a file" if Path(path).is_dir() else "there is no such file"
        raise WeightsError(problem, path=path, cure=f"give a weight file, or one of the names {', '.join(REGISTRY)}")
    return Path(path)


def _from_crnn(file: h5py.File, chosen: dict[str, str], path: Path) -> keras.Model:
    fixed = sorted(set(chosen) - {"output", "input"})
    if fixed:
        raise WeightsError(
            "MusicTaggerCRNN has no such choice", path=path, field=fixed[0], cure="load it without this option"
        )
    return crnn_from_file(file, path, **chosen)


def _from_keras1(file: h5py.File, chosen: dict[str, str], path: Path) -> keras.Model:
    tensors = read_keras1(file, path)
    # The authors' features come from Theano; their TensorFlow file belongs to the same network run on TensorFlow.
    defaults = {
        "output": "features",
        "normalization": "batch",
        "framing": "theano" if is_theano(file) else "tensorflow",
    }
    never_updated = all(
        np.all(tensor == (1.0 if name.endswith("variance") else 0.0))
        for name, tensor in tensors.items()
        if "/moving_" in name
    )
    if chosen.get("normalization") == "population" and never_updated:
        raise WeightsError(
            "the file has no population statistics: they are all 0 and 1",
            path=path,
            field="normalization",
            cure="load it with 'batch' and use mgc_keras.calibrate",
        )
    return _rebuilt(tensors, defaults | chosen, path)


def _from_keras2(file: h5py.File, chosen: dict[str, str], path: Path) -> keras.Model:
    defaults = {"output": "tags", "normalization": "population", "framing": "tensorflow", "decibel_reference": "batch"}
    return _rebuilt(read_keras2(file, path), defaults | chosen, path, standardize_clips=True)


def _rebuilt(
    tensors: dict[str, np.ndarray], options: dict[str, str], path: Path, standardize_clips: bool = False
) -> keras.Model:
    if options["output"] == "tags" and "tags/kernel" not in tensors:
        raise WeightsError(
            "the file lacks the tagging head",
            path=path,
            field="dense_1",
            cure="take its features, or tags from weights_layer4_theano.hdf5",
        )
    n_tags = tensors["tags/kernel"].shape[1] if "tags/kernel" in tensors else 50
    model = convnet(n_tags=n_tags, standardize_clips=standardize_clips, **options)
    set_tensors(model, tensors)
    return model


def _variant(model: keras.Model, chosen: dict[str, str], path: Path) -> keras.Model:
    if not chosen:
        return model
    if is_crnn(model) and set(chosen) <= {"output", "input"}:
        change = crnn_variant
    elif is_convnet(model):
        change = with_variant
    else:
        raise WeightsError(
            f"the model {model.name!r} is not the Choi 2017 convnet or MusicTaggerCRNN",
            path=path,
            field=next(iter(chosen)),
            cure="load it without this option",
        )
    try:
        return change(model, **chosen)
    except OptionError as error:
        raise WeightsError(error.problem, path=path, field=error.field, cure=error.cure) from error
