"""Parts of a chain against NumPy, tensors by name, and what is refused."""

import keras
import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.networks.parts import between, has_layers
from mgc_keras.networks.tensors import set_tensors, tensors_of


def chain(n_classes: int = 3) -> keras.Model:
    inputs = keras.Input((4,), name="vector")
    hidden = keras.layers.Dense(5, "relu", name="dense")(inputs)
    return keras.Model(inputs, keras.layers.Dense(n_classes, name="genres")(hidden))


def test_a_part_is_what_numpy_makes_of_its_layers() -> None:
    model, values = chain(), np.random.default_rng(0).standard_normal((2, 5)).astype(np.float32)
    tensors = tensors_of(model)
    head = between(model, "hidden", "genres", {"hidden": "dense"})
    assert head.name == "hidden_to_genres" and not has_layers(head, "dense") and has_layers(head, "genres")
    expected = values @ tensors["genres/kernel"] + tensors["genres/bias"]
    np.testing.assert_allclose(np.asarray(head(values)), expected, rtol=1e-5, atol=1e-6)
    model.get_layer("genres").bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_allclose(np.asarray(head(values)), expected + [1, 2, 3], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("genres", "dense", "end: dense is not above genres"),
        ("dense", "dense", "is not above"),
        ("x", "dense", "start: 'x'"),
    ],
)
def test_parts_that_are_none(start: str, end: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        between(chain(), start, end)


def test_a_network_with_the_tensors_of_another_keeps_its_own_head() -> None:
    old, new = chain(), chain(7)
    fresh = tensors_of(new)["genres/kernel"]
    assert set_tensors(new, tensors_of(old), except_layers=("genres",)) is new
    np.testing.assert_array_equal(tensors_of(new)["genres/kernel"], fresh)
    np.testing.assert_array_equal(tensors_of(new)["dense/kernel"], tensors_of(old)["dense/kernel"])
    with pytest.raises(OptionError, match="genres/kernel: has shape"):
        set_tensors(new, tensors_of(old))
