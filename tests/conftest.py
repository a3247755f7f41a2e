"""Fixtures shared by all tests."""

import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

# Its settings must reach TensorFlow before a test imports Keras.
from mgc_keras import execution

if TYPE_CHECKING:
    import keras

# Files of more than about 10 s, the longest first: begun last, one would keep a process waiting for the other's end.
# Before all that search: compiled once, the solver is there for every process.
LONGEST = (
    "search/test_smo.py", "layers/test_scattering.py", "studies/asgharivaskasi2019/test_study.py",
    "studies/choi2017/test_recorded_scores.py", "features/test_on_cluster.py", "networks/test_image_network.py",
    "training/test_strategies.py", "cli/test_features.py", "published/musicnn/test_musicnn.py",
    "studies/song2017/test_pretraining.py", "test_execution.py", "studies/song2017/test_study.py", "cli/test_main.py",
    "studies/common/test_report.py", "studies/ouyang2023/test_study.py", "networks/test_backbones.py",
    "networks/test_contract.py", "studies/song2017/test_finetuning.py", "studies/choi2017/test_transformer.py",
    "scattering/test_reference.py", "studies/song2017/test_network.py", "training/test_batches.py",
    "features/test_joined.py", "search/test_cluster.py", "studies/jimenez2017/test_study.py", "cli/test_merge.py",
    "cli/test_check.py", "features/test_network.py", "studies/choi2017/test_study.py", "scattering/test_blocks.py",
    "judging/test_judge.py", "training/test_classifier.py", "corpus/test_corpus.py", "training/test_tagger.py",
    "training/test_optimizers.py", "training/test_stepping.py",
)  # fmt: skip
SHARED_DATA = Path(os.environ.get("MGC_KERAS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real clips and golden outputs; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the golden outputs and real clips in {SHARED_DATA} (set MGC_KERAS_TEST_DATA)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def built_inception() -> tuple["keras.Model", list[np.ndarray]]:
    """InceptionV3 with a small head, the smallest image, three classes, from random weights of seed 1, and these."""
    from mgc_keras.networks.image_network import image_network

    size = {"image_size": (75, 75), "antialias": True}
    model = image_network("inceptionv3", 3, 6000, weights="none", head_units=[5], seed=1, **size)
    return model, model.get_weights()


@pytest.fixture
def inception(built_inception: tuple["keras.Model", list[np.ndarray]]) -> "keras.Model":
    """The same network for every test, as it was built: some tests move its weights, and it takes seconds to build."""
    model, start = built_inception
    model.set_weights(start)
    return model


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Leave what was imported out of the search for garbage: there is much of it, and it stays."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, and let tests compute on the device that is there."""
    # The processes that pytest starts share the cores: on top of that, threads of BLAS wait longer than they work.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Where the tests themselves run in the background.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if Path("/dev/nvidiactl").exists():
        # What is exact on a CPU as it is must be asked for on a GPU.
        execution.set_precision()
    else:
        # Commands and studies make TensorFlow deterministic for good: in this very process, they would do so to
        # other tests.
        execution._make_deterministic = lambda: None
