"""What this study adds to the networks that the package opens: the five-layer convnet, from three kinds of file."""

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from mgc_keras.errors import WeightsError
from mgc_keras.layers.melspectrogram import DECIBEL_REFERENCES, FRAMINGS
from mgc_keras.networks.kinds import INPUTS, FileReader, NetworkKind
from mgc_keras.networks.saved import check_stored_tensors, holds_config
from mgc_keras.networks.tensors import set_tensors
from mgc_keras.studies.choi2017.keras1_weights import is_keras1_weights, is_theano, read_keras1
from mgc_keras.studies.choi2017.keras2_weights import is_keras2_convnet, read_keras2
from mgc_keras.studies.choi2017.layerwise import batch_statistics_features
from mgc_keras.studies.choi2017.network import (
    FEATURE_COLUMNS,
    NORMALIZATIONS,
    OUTPUTS,
    convnet,
    is_convnet,
    options_of,
    with_variant,
)


def _from_keras1(file: h5py.File, path: Path, chosen: dict[str, str]) -> keras.Model:
    tensors = read_keras1(file, path)
    # The authors' features come from Theano; their TensorFlow file belongs to the same network run on TensorFlow.
    framing = "theano" if is_theano(file) else "tensorflow"
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
    return _rebuilt(tensors, path, **{"output": "features", "normalization": "batch", "framing": framing} | chosen)


def _from_keras2(file: h5py.File, path: Path, chosen: dict[str, str]) -> keras.Model:
    check_stored_tensors(file, path)
    defaults = {"output": "tags", "normalization": "population", "framing": "tensorflow", "decibel_reference": "batch"}
    return _rebuilt(read_keras2(file, path), path, standardize_clips=True, **defaults | chosen)


def _rebuilt(tensors: dict[str, np.ndarray], path: Path, **options: Any) -> keras.Model:
    if "tags/kernel" in tensors:
        options["n_tags"] = tensors["tags/kernel"].shape[1]
    elif options["output"] == "tags":
        cure = "take its features, or tags from weights_layer4_theano.hdf5"
        raise WeightsError("the file lacks the tagging head", path=path, field="dense_1", cure=cure)
    return set_tensors(convnet(**options), tensors)


def _for_single_clips(model: keras.Model, output: str) -> dict[str, str]:
    # The authors' networks refer decibels to the batch; a song must stand for itself.
    tags = {"output": "tags"} if options_of(model).output == "features" and output == "tags" else {}
    return {"decibel_reference": "clip", "input": "waveform", **tags}


KINDS = (
    NetworkKind(
        name="the Choi 2017 convnet",
        recognises=is_convnet,
        choices={
            "output": OUTPUTS,
            "normalization": NORMALIZATIONS,
            "framing": FRAMINGS,
            "decibel_reference": DECIBEL_REFERENCES,
            "input": INPUTS,
        },
        variant=with_variant,
        readers=(
            FileReader(is_keras1_weights, _from_keras1, ("choi2017_theano", "choi2017_tensorflow")),
            FileReader(lambda file: holds_config(file, is_keras2_convnet), _from_keras2, ("choi2017_keras2",)),
        ),
        for_single_clips=_for_single_clips,
        columns=lambda model: FEATURE_COLUMNS if options_of(model).output == "features" else (),
        whole_batch=batch_statistics_features,
    ),
)
