"""Protocols: what the original program did, and what it should have done."""

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.protocols import CORRECTED, PUBLISHED, Protocol


def test_protocols():
    assert not PUBLISHED.scaling and not PUBLISHED.nested and PUBLISHED.fold_weighting == "size"
    assert CORRECTED.scaling and CORRECTED.nested and CORRECTED.folds == "grouped" and not CORRECTED.batch_features


@pytest.mark.parametrize("fields", [{"folds": "random"}, {"fold_weighting": "none"}, {"n_folds": 1}])
def test_nonsense_is_refused(fields):
    with pytest.raises(OptionError):
        Protocol("x", **fields)
