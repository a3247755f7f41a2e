"""The contract that every layer and every model keeps, in one helper."""

import copy
from pathlib import Path

import keras
import numpy as np
from forked import Forked

_RELOAD = """
import sys
from pathlib import Path
import numpy as np
from mgc_keras.networks.load import load_model
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.h5")) + sorted(folder.glob("*.keras")):
    inputs = np.load(folder / f"{path.stem}_inputs.npy", allow_pickle=False)
    np.save(folder / f"{path.name}_outputs.npy", np.asarray(load_model(path)(inputs, training=False)))
"""


def check_contract(subject: keras.layers.Layer, inputs: np.ndarray, *, batch_independent: bool) -> None:
    """Check shape, dtype, batch independence where promised, and the round trip through the configuration.

    Parameters
    ----------
    subject : keras.layers.Layer or keras.Model
        What is checked.
    inputs : np.ndarray
        A batch of at least two different clips.
    batch_independent : bool
        Whether a clip's output is promised not to depend on the others. Where it is not, it must depend on them, or
        the promise could be made.
    """
    outputs = np.asarray(subject(inputs, training=False))
    assert outputs.shape == tuple(subject.compute_output_shape(inputs.shape))
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()
    one_by_one = np.concatenate([np.asarray(subject(clip[None], training=False)) for clip in inputs])
    scale = max(float(np.abs(outputs).max()), 1.0)
    assert (np.abs(one_by_one - outputs).max() < 1e-5 * scale) == batch_independent

    config = subject.get_config()
    kind = keras.Model if isinstance(subject, keras.Model) else type(subject)
    twin = kind.from_config(copy.deepcopy(config))
    assert twin.get_config() == config
    twin(inputs, training=False)
    twin.set_weights(subject.get_weights())
    np.testing.assert_array_equal(np.asarray(twin(inputs, training=False)), outputs)


def check_reload(cases: dict[str, tuple[keras.layers.Layer, np.ndarray]], folder: Path) -> None:
    """Save every layer (in a model of its own) and model as .h5 and .keras; reload all in another process; compare.

    Parameters
    ----------
    cases : dict
        ``{name: (layer or model, inputs)}``.
    folder : Path
        An empty folder for the files.
    """
    expected = {}
    for name, (subject, inputs) in cases.items():
        model = subject
        if not isinstance(subject, keras.Model):
            start = keras.Input(inputs.shape[1:])
            model = keras.Model(start, subject(start))
        _move_weights_from_their_start(model)
        expected[name] = np.asarray(model(inputs, training=False))
        np.save(folder / f"{name}_inputs.npy", inputs)
        model.save(folder / f"{name}.h5")
        model.save(folder / f"{name}.keras")
    reloading = Forked("-c", _RELOAD, folder)
    _, errors = reloading.communicate()
    assert reloading.returncode == 0, errors
    for name, outputs in expected.items():
        for kind in ("h5", "keras"):
            reloaded = np.load(folder / f"{name}.{kind}_outputs.npy", allow_pickle=False)
            np.testing.assert_array_equal(reloaded, outputs, err_msg=f"{name}.{kind}")


def _move_weights_from_their_start(model: keras.Model) -> None:
    # A weight that is not restored would go unseen if it were still what a fresh model begins with.
    generator = np.random.default_rng(5)
    for variable in model.trainable_variables:
        value = np.asarray(variable)
        variable.assign(value + 0.05 * generator.standard_normal(value.shape))
