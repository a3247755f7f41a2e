"""A network that several test modules look at: it takes seconds to build."""

import keras
import pytest

from mgc_keras.models.ouyang2023 import frozen_inception

INCEPTION_SAMPLES = 6000


@pytest.fixture(scope="session")
def inception() -> keras.Model:
    """InceptionV3 with a small head, the smallest picture, three classes, from random weights of seed 1."""
    return frozen_inception(3, INCEPTION_SAMPLES, weights="none", image_size=(75, 75), head_units=[5], seed=1)
