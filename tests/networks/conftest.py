"""A network that several test modules look at: it takes seconds to build."""

import keras
import numpy as np
import pytest

from mgc_keras.studies.ouyang2023.networks import frozen_inception

INCEPTION_SAMPLES = 6000


@pytest.fixture(scope="session")
def built_inception() -> tuple[keras.Model, list[np.ndarray]]:
    """InceptionV3 with a small head, the smallest picture, three classes, from random weights of seed 1, and these."""
    model = frozen_inception(3, INCEPTION_SAMPLES, weights="none", image_size=(75, 75), head_units=[5], seed=1)
    return model, model.get_weights()


@pytest.fixture
def inception(built_inception: tuple[keras.Model, list[np.ndarray]]) -> keras.Model:
    """The same network for every test, as it was built: some tests move its weights."""
    model, start = built_inception
    model.set_weights(start)
    return model
