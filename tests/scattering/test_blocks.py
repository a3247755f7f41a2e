"""The transform on several clips at once: what it makes of memory and of operations, and how many clips go together."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from mgc_keras.scattering import blocks
from mgc_keras.scattering.on_scipy import ScipyOperations
from mgc_keras.scattering.on_tensorflow import TensorFlowOperations
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.transform import Transform

# Both paddings and wavelets at half rate; one padding; only the first order; in double precision.
CASES = [
    (80001, 9, (4, 1), 2, False),
    (8001, 7, (8, 1), 2, False),
    (20000, 8, (8, 1), 1, False),
    (4096, 6, (2, 2), 2, True),
]
VIEWS = {"Const", "ExpandDims", "Identity", "IdentityN", "NoOp", "Pack", "Placeholder", "Reshape", "Shape", "Squeeze"}


def plan_of(n_samples, J, Q, max_order, double):
    return ScatteringPlan(ScatteringOptions(n_samples, J, Q, 2**J, max_order), exact=double)


def computing(function, n_clips, n_samples, dtype):
    """The operations of a function's graph that compute or copy something."""
    signature = [tf.TensorSpec((n_clips, n_samples), dtype)]
    graph = tf.function(function, input_signature=signature, autograph=False).get_concrete_function().graph
    return [operation for operation in graph.get_operations() if operation.type not in VIEWS]


@pytest.mark.parametrize("case", [CASES[0], CASES[3]])
def test_as_on_a_gpu_it_gives_the_same_coefficients_in_fewer_operations(case):
    plan, dtype = plan_of(*case), "float64" if case[-1] else "float32"
    apart = Transform(plan, TensorFlowOperations(dtype, by_matrices=True))
    together = Transform(plan, TensorFlowOperations(dtype, by_matrices=True), together=True)
    clips = 0.1 * np.random.default_rng(0).standard_normal((2, case[0]))
    result = together(tf.constant(clips, dtype)).numpy()
    by_scipy = Transform(plan, ScipyOperations("float64"))
    for clip, coefficients in zip(clips, result, strict=True):
        expected = by_scipy(clip)
        errors = np.linalg.norm(coefficients - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert errors.max() < (1e-12 if case[-1] else 3e-6)
    few, many = (len(computing(together, n_clips, case[0], dtype)) for n_clips in (2, 16))
    assert few == many <= len(computing(apart, None, case[0], dtype))


@pytest.mark.parametrize("case", CASES)
def test_bytes_of_a_clip_are_those_of_all_arrays_of_the_graph(case):
    plan, dtype = plan_of(*case), tf.float64 if case[-1] else tf.float32
    transform = Transform(plan, TensorFlowOperations(dtype.name, by_matrices=True), together=True)
    arrays = [array for operation in computing(transform, 1, case[0], dtype) for array in operation.outputs]
    total = sum(int(np.prod(array.shape)) * array.dtype.size for array in arrays)
    assert total <= blocks.bytes_of_a_clip(plan, dtype.size) <= 1.6 * total


def test_a_block_is_what_fits_on_a_gpu_and_what_is_quick_on_a_cpu(monkeypatch):
    music, second = plan_of(480000, 13, (8, 1), 2, False), plan_of(16000, 8, (8, 1), 2, False)
    monkeypatch.setattr(blocks, "has_gpu", lambda: False)
    assert blocks.clips_at_once(music, 4) == 1 and blocks.clips_at_once(second, 4) == 8
    limits = [None, [SimpleNamespace(memory_limit=None)], [SimpleNamespace(memory_limit=4096)]]
    monkeypatch.setattr(blocks, "has_gpu", lambda: True)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["one"])
    sizes = []
    for limit in limits:
        monkeypatch.setattr(tf.config, "get_logical_device_configuration", lambda gpu, limit=limit: limit)
        sizes.append(blocks.clips_at_once(music, 4))
    assert sizes == [16, 16, 2]
