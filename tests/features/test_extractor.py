"""Who shares a batch."""

import numpy as np
import pytest

from mgc_keras.errors import OptionError
from mgc_keras.features.extractor import compose_batches


@pytest.mark.parametrize("order", ["file", "sorted", "shuffled", "single"])
@pytest.mark.parametrize("n_clips", [0, 1, 7, 8])
def test_every_clip_occurs_once_in_batches_of_the_size(order, n_clips):
    batches = compose_batches(n_clips, 4, order, labels=list("zyxwvuts")[:n_clips])
    size = 1 if order == "single" else 4
    assert [len(batch) for batch in batches[:-1]] == [size] * max(0, len(batches) - 1)
    assert sorted(np.concatenate([[], *batches])) == list(range(n_clips))


def test_orders():
    assert np.concatenate(compose_batches(5, 2)).tolist() == [0, 1, 2, 3, 4]
    assert np.concatenate(compose_batches(5, 2, "sorted", labels=list("babab"))).tolist() == [1, 3, 0, 2, 4]
    first, again, other = (np.concatenate(compose_batches(50, 8, "shuffled", seed=seed)).tolist() for seed in (1, 1, 2))
    assert first == again != other and first != sorted(first)


@pytest.mark.parametrize(("size", "order"), [(0, "file"), (4, "sorted"), (4, "alphabetical")])
def test_refuses_what_makes_no_sense(size, order):
    with pytest.raises(OptionError, match="batch"):
        compose_batches(5, size, order)
