"""The fast transforms against the scattering transform written out in NumPy, and that against Kymatio."""

import subprocess
import sys

import numpy as np
import pytest
from eagerly import uncompiled

from mgc_keras.layers.scattering import Scattering
from mgc_keras.scattering.on_scipy import ScipyOperations
from mgc_keras.scattering.options import ScatteringOptions
from mgc_keras.scattering.plan import ScatteringPlan
from mgc_keras.scattering.reference import scattering
from mgc_keras.scattering.transform import Transform

try:
    from kymatio.scattering1d.frontend.numpy_frontend import ScatteringNumPy1D
except ImportError:  # SciPy 1.17 and later
    ScatteringNumPy1D = None
needs_kymatio = pytest.mark.skipif(ScatteringNumPy1D is None, reason="Kymatio's transforms need SciPy < 1.17")

# Small and odd lengths, several wavelets an octave in both orders, low-passes shorter and longer than 2^J. Last, a
# bound of a path's error in double precision, which comes from padding less than Kymatio does.
CASES = [
    (4096, {"J": 6, "Q": (4, 1), "T": 300}, 5e-10),
    (3001, {"J": 5, "Q": (1, 1)}, 1.5e-9),
    (8001, {"J": 7, "Q": (8, 1)}, 1e-7),
    (6005, {"J": 6, "Q": (3, 2), "oversampling": 1}, 4e-7),
    (10003, {"J": 8, "Q": (2, 1), "T": 100}, 1e-8),
    (4001, {"J": 5, "Q": (2, 1), "average": False}, 1e-12),
]


def noise(n_samples: int) -> np.ndarray:
    # Louder towards the end, so that nothing hides what is reflected there.
    return 0.1 * np.random.default_rng(0).standard_normal(n_samples) * np.linspace(0.1, 1, n_samples)


def errors(result: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Return the largest relative L2 error of a path."""
    assert [path.shape for path in result] == [path.shape for path in expected]
    pairs = zip(result, expected, strict=True)
    return max(float(np.linalg.norm(path - right) / np.linalg.norm(right)) for path, right in pairs)


def by_scipy(waveform: np.ndarray, options: dict, dtype: str, exact: bool) -> list[np.ndarray]:
    options = {"T": 2 ** options["J"], **options}
    plan = ScatteringPlan(ScatteringOptions(len(waveform), **options), exact=exact)
    transform = Transform(plan, ScipyOperations(dtype))
    return list(transform(waveform.astype(dtype)))


def by_layer(waveform: np.ndarray, options: dict, double: bool) -> dict[tuple[int, ...], np.ndarray]:
    layer = Scattering(double=double, **options)
    outputs = layer(waveform[None])
    rows = outputs[0].numpy() if layer.average else [output.numpy()[0] for output in outputs]
    return {path.wavelets: row for path, row in zip(layer.paths, rows, strict=True)}


@pytest.mark.parametrize(("n_samples", "options", "bound"), CASES)
def test_fast_transforms_equal_the_reference(n_samples: int, options: dict, bound: float) -> None:
    waveform = noise(n_samples)
    expected = scattering(waveform, **options)
    with uncompiled():
        in_double, in_single = (by_layer(waveform, options, double) for double in (True, False))
    assert list(in_double) == list(expected)
    paths = list(expected.values())
    assert errors(list(in_double.values()), paths) < bound
    assert errors(by_scipy(waveform, options, "float64", True), paths) < bound
    assert errors(by_scipy(waveform, options, "float32", False), paths) < 3e-6
    assert errors(list(in_single.values()), paths) < 3e-6


def test_fast_transforms_equal_the_reference_on_a_long_clip() -> None:
    # Five seconds at 16 kHz: long enough for both paddings and for wavelets at half rate.
    waveform, options = noise(80001), {"J": 9, "Q": (4, 1)}
    paths = list(scattering(waveform, **options).values())
    with uncompiled():
        in_double, in_single = (list(by_layer(waveform, options, double).values()) for double in (True, False))
    assert errors(in_double, paths) < 2e-9
    assert errors(by_scipy(waveform, options, "float64", True), paths) < 2e-9
    assert errors(by_scipy(waveform, options, "float64", False), paths) < 1e-6
    assert errors(by_scipy(waveform, options, "float32", False), paths) < 1e-6
    assert errors(in_single, paths) < 1e-6


@needs_kymatio
@pytest.mark.parametrize(("n_samples", "options"), [case[:2] for case in CASES])
def test_the_reference_equals_kymatio(n_samples: int, options: dict) -> None:
    waveform, settings = noise(n_samples), {**options}
    if not settings.pop("average", True):
        settings["T"] = 0
    theirs = ScatteringNumPy1D(shape=n_samples, out_type="list", **settings)(waveform)
    ours = scattering(waveform, **options)
    assert [path["n"] for path in theirs] == list(ours)
    assert errors(list(ours.values()), [np.ravel(path["coef"]) for path in theirs]) < 1e-12


def test_needs_neither_keras_nor_tensorflow() -> None:
    code = "import sys, mgc_keras.scattering.reference; print({'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
