"""Names of feature sets, and what the study's protocols mean for their search."""

from dataclasses import replace

import pytest

from mgc_keras import search
from mgc_keras.errors import OptionError
from mgc_keras.protocols import Protocol
from mgc_keras.studies.choi2017.feature_sets import feature_blocks, layer_sets
from mgc_keras.studies.choi2017.scored_search import search_settings
from mgc_keras.studies.choi2017.study import STUDY


def test_layer_sets_are_the_subsets_of_five_layers():
    assert len(layer_sets()) == len(set(layer_sets())) == 31
    assert set(layer_sets()) - set(layer_sets("published")) == {"1235", "1245", "1345"}
    with pytest.raises(OptionError):
        layer_sets("some")


def test_feature_blocks():
    assert feature_blocks("135") == ("1", "3", "5")
    assert feature_blocks("mfcc+random_12") == ("mfcc", "random_1", "random_2")
    for nonsense in ("", "11", "mfcc+", "mfcc+mfcc"):
        with pytest.raises(OptionError):
            feature_blocks(nonsense)


def test_protocols_are_searched_as_they_say():
    published, corrected = (STUDY.protocol(name) for name in ("published", "corrected"))
    assert search_settings(published, 0) == search.PUBLISHED
    assert search_settings(corrected, 0) == search.CORRECTED
    scaled = Protocol("published", {**published.mended, "scaling": True})
    assert search_settings(scaled, 3) == replace(search.PUBLISHED, standardize=True, seed=3)
    without = search_settings(STUDY.protocol("corrected-without-nested"), 0)
    assert without == replace(search.CORRECTED, name="corrected-without-nested", nested=False)
