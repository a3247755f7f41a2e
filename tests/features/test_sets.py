"""Feature sets: each is declared once, reads the options that it says it takes, and names blocks that its table has."""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import ManifestError, OptionError
from mgc_keras.features import sets
from mgc_keras.features.sets import FeatureOptions, FeatureSet, feature_sets

OPTIONS = [field.name for field in fields(FeatureOptions)]


@pytest.mark.parametrize("name", list(feature_sets()))
def test_options_that_a_set_does_not_read_are_refused(name: str) -> None:
    known = feature_sets()[name]
    assert set(known.takes) <= set(OPTIONS)
    given = {"weights": "some.h5"} if known.needs_weights else {}
    for option in OPTIONS:
        options = FeatureOptions(**given | {option: "x"})
        if option in known.takes:
            known.check(options)
        else:
            with pytest.raises(OptionError, match=f"--{option.replace('_', '-')}: --features {name} has no such"):
                known.check(options)
    if known.needs_weights:
        with pytest.raises(OptionError, match="needs weights"):
            known.check(FeatureOptions())


def test_blocks_are_the_columns_with_their_prefix() -> None:
    table = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=["a_1", "b_1", "a_2"])
    known = FeatureSet("toy", "", lambda *_: None, takes=(), blocks={"A": "a_", "B": "b_"})
    blocks = known.blocks_of(table)
    assert {name: block.tolist() for name, block in blocks.items()} == {"A": [[0, 2], [3, 5]], "B": [[1], [4]]}
    with pytest.raises(ManifestError, match=r"b_\*"):
        known.blocks_of(table.drop(columns="b_1"))


def test_a_study_adds_a_set_by_declaring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = FeatureSet("toy", "", lambda *_: None, takes=("seed",))
    found = {"feature_sets": [SimpleNamespace(FEATURE_SETS=(toy,))]}
    monkeypatch.setattr(sets, "modules_named", lambda name: found[name])
    assert feature_sets()["toy"] == toy and list(feature_sets()) == ["toy", "clip"]
