"""Opens every weight and model file that this package understands."""

from pathlib import Path

import keras

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError, WeightsError
from mgc_keras.networks.checkpoints import is_checkpoint, open_checkpoint
from mgc_keras.networks.hdf5 import open_hdf5
from mgc_keras.networks.kinds import NetworkKind, kind_of, network_kinds
from mgc_keras.networks.registry import entry_of, fetch_weights, say_if_changed, weight_files
from mgc_keras.networks.saved import (
    check_stored_tensors,
    config_of_h5_file,
    config_of_keras_file,
    is_of_keras2,
    load_saved,
)
from mgc_keras.networks.tensors import check_is_file


def load_model(
    path: str | Path, *, output: str | None = None, input: str | None = None, **options: str | None
) -> keras.Model:
    """Open a weight or model file; its kind is told by its content.

    What a file gives where no option is given:

    ====================================  =========  =============  ===========  =================  =========
    file                                  output     normalization  framing      decibel_reference  input
    ====================================  =========  =============  ===========  =================  =========
    Choi 2017, Keras 1.2 on Theano        features   batch          theano       batch              waveform
    Choi 2017, Keras 1.2 on TensorFlow    features   batch          tensorflow   batch              waveform
    its successor, Keras 2.1.1 and Kapre  tags       population     tensorflow   batch              waveform
    MusicTaggerCRNN, Keras 1              tags       --             --           --                 waveform
    the same, tuned to ten genres         genres     --             --           --                 waveform
    musicnn, TensorFlow 1 or Keras 2      tags       --             --           --                 waveform
    these networks, saved by Keras 3      as saved   as saved       as saved     as saved           as saved
    other models, saved by Keras 2 or 3   as saved   --             --           --                 as saved
    ====================================  =========  =============  ===========  =================  =========

    A network has no option where ``--`` stands, and other models have none at all. Files of Keras 3 end in ``.h5`` or
    ``.keras``; their layers must be Keras's, Kapre's or this package's.

    Parameters
    ----------
    path : str or Path
        The file, or a name that ``mgc-keras weights list`` shows.
    output : {"features", "tags", "genres"}, optional
        "features" of the convnet and of MusicTaggerCRNN, whatever the file gives; "tags" or "genres" where it has that
        head.
    input : {"waveform", "melspectrogram"}, optional
        What the model takes.
    **options
        What else the network knows; for the convnet of Choi et al. (2017) `normalization` ("batch", "population"),
        `framing` ("theano", "tensorflow") and `decibel_reference` ("batch", "clip"): see
        `mgc_keras.studies.choi2017.network.convnet`.

    Returns
    -------
    keras.Model
        Not compiled. Every tensor of the file was matched with one of the network.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or of another network; it carries code (a Lambda layer), points to other files,
        asks for far more memory than it fills, or holds NaN or other types than floats; or its network has no such
        option, or lacks what the option needs: Choi's TensorFlow file has no tagging head, files with batch
        statistics have no population statistics, a file for ten genres has no tags.
    OptionError
        No network has such an option, or such a value of it.

    Notes
    -----
    ``weights_layer0`` … ``weights_layer3`` hold the first layers of the network that ``weights_layer4`` holds; they are
    refused. A file in the form of a published one, but with another SHA-256, is named on standard error, once.

    Example
    -------
    >>> model = load_model("weights_layer4_theano.hdf5", output="tags")     # doctest: +SKIP
    """
    options |= {"output": output, "input": input}
    chosen = {name: value for name, value in options.items() if value is not None}
    _check_options(chosen)
    return _open(_find(path), chosen)


def _check_options(chosen: dict[str, str]) -> None:
    known: dict[str, dict[str, None]] = {}
    for kind in network_kinds():
        for name, values in kind.choices.items():
            known.setdefault(name, {}).update(dict.fromkeys(values))
    for name, value in chosen.items():
        if name not in known:
            raise OptionError("no network has such an option", field=name, cure=f"choose one of {', '.join(known)}")
        checked_choice(name, value, tuple(known[name]))


def _open(path: Path, chosen: dict[str, str]) -> keras.Model:
    """Open a zip archive named .keras or else an HDF5 file: by their beginnings, which Keras goes by only in part."""
    before = _state(path)
    with open(path, "rb") as stream:
        is_zip = stream.read(2) == b"PK"
    if is_checkpoint(path):
        return _from_checkpoint(path, chosen)
    if is_zip:
        if path.suffix != ".keras":
            problem = "is no whole .keras file: it is a zip archive of another name"
            is_wheel = path.suffix == ".whl"
            cure = (
                "run 'mgc-keras weights add FILE', then give a name that it prints"
                if is_wheel
                else "let its name end in .keras, or take another copy"
            )
            raise WeightsError(problem, path=path, cure=cure)
        config, is_keras2 = config_of_keras_file(path), False
    else:
        with open_hdf5(path, problem="is neither a whole HDF5 file nor a whole .keras file") as file:
            for kind in network_kinds():
                for reader in kind.readers:
                    if reader.recognises(file):
                        _check_choices(kind, chosen, path)
                        model = reader.read(file, path, chosen)
                        say_if_changed(path, tuple((name, entry_of(name).sha256) for name in reader.published))
                        return model
            if "model_config" not in file.attrs:
                problem = "holds no whole model and no weights of a published network"
                cure = "take a published weight file, or a model saved with model.save"
                raise WeightsError(problem, path=path, field=next(iter(file), "model_config"), cure=cure)
            if path.suffix not in (".h5", ".hdf5"):
                problem = "is a model in an HDF5 file, and these are named .h5 or .hdf5"
                raise WeightsError(problem, path=path, cure="rename it")
            config = config_of_h5_file(file, path)
            check_stored_tensors(file, path)
            is_keras2 = is_of_keras2(file)
    model = load_saved(path, config, is_keras2)
    if _state(path) != before:
        raise WeightsError("changed while it was read", path=path, cure="try again")
    return _variant(model, chosen, path)


def _from_checkpoint(path: Path, chosen: dict[str, str]) -> keras.Model:
    checkpoint = open_checkpoint(path)
    for kind in network_kinds():
        for reader in kind.checkpoints:
            if reader.recognises(checkpoint):
                _check_choices(kind, chosen, path)
                model = reader.read(checkpoint, chosen)
                say_if_changed(path, tuple((name, entry_of(name).sha256) for name in reader.published))
                return model
    problem = "is a TensorFlow checkpoint of no published network"
    field = next(iter(sorted(checkpoint.shapes)), "")
    raise WeightsError(problem, path=path, field=field, cure="take one of musicnn, or a model saved with model.save")


def _state(path: Path) -> tuple[int, ...]:
    now = path.stat()
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def _find(path: str | Path) -> Path:
    """Return the file itself, or that of a registered name."""
    known = weight_files()
    if str(path) in known and not Path(path).exists():
        return fetch_weights(str(path))
    check_is_file(path, f"give a weight file, or one of the names {', '.join(known)}")
    return Path(path)


def _check_choices(kind: NetworkKind, chosen: dict[str, str], path: Path) -> None:
    for name in chosen:
        if name not in kind.choices:
            problem = f"{kind.name} has no such choice"
            raise WeightsError(problem, path=path, field=name, cure="load it without this option")


def _variant(model: keras.Model, chosen: dict[str, str], path: Path) -> keras.Model:
    if not chosen:
        return model
    kind = kind_of(model)
    if kind is None:
        problem = f"the model {model.name!r} is not {' or '.join(kind.name for kind in network_kinds())}"
        cure = "only these have such a choice; other models are for 'mgc-keras classify' and 'tag'"
        raise WeightsError(problem, path=path, field=next(iter(chosen)), cure=cure)
    _check_choices(kind, chosen, path)
    try:
        return kind.variant(model, **chosen)
    except OptionError as error:
        raise WeightsError(error.problem, path=path, field=error.field, cure=error.cure) from error
