"""Checkpoints that are not what a training wrote."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mgc_keras.errors import MgcKerasError
from mgc_keras.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


def test_a_checkpoint_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path) -> None:
    variable = keras.Variable(np.zeros(3, np.float32))
    save_checkpoint(tmp_path / "own.npz", Checkpoint([{"loss": 1.0}]), [variable], {})
    assert load_checkpoint(tmp_path / "own.npz", [variable], {}).rows == [{"loss": 1.0}]
    np.savez_compressed(tmp_path / "bomb.npz", variable_0=np.zeros(1 << 20), rows="[]", settings="{}")
    with pytest.raises(MgcKerasError, match="bomb.npz: is no whole checkpoint .a part of it is compressed"):
        load_checkpoint(tmp_path / "bomb.npz", [variable], {})
