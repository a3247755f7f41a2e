"""Names of feature sets, candidates and protocols."""

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.search import CORRECTED, PUBLISHED, Candidate, Protocol, candidates
from mgc_keras.search.grid import by_kernel, likely_winner
from mgc_keras.studies.choi2017.feature_sets import feature_blocks, feature_names, layer_sets


def test_layer_sets_are_the_subsets_of_five_layers():
    assert len(layer_sets()) == len(set(layer_sets())) == 31
    assert set(layer_sets()) - set(layer_sets("published")) == {"1235", "1245", "1345"}
    assert feature_names("published")[-2:] == ["mfcc", "mfcc+12345"]
    assert feature_names(prefix="random_", mfcc=False)[0] == "random_1"


def test_feature_blocks():
    assert feature_blocks("135") == ("1", "3", "5")
    assert feature_blocks("mfcc+random_12") == ("mfcc", "random_1", "random_2")
    for nonsense in ("", "11", "mfcc+", "mfcc+mfcc"):
        with pytest.raises(OptionError):
            feature_blocks(nonsense)


def test_the_authors_grid():
    grid = candidates(160)
    assert len(grid) == len(set(grid)) == 32
    assert {candidate.C for candidate in grid} == {0.1, 2.0, 8.0, 32.0}
    gammas = {candidate.gamma for candidate in grid if candidate.kernel == "rbf"}
    assert gammas == {2**-3, 2**-5, 2**-7, 2**-9, 2**-11, 2**-13, 1 / 160}
    assert len(candidates(128)) == 28  # 1/128 is 2^-7


def test_every_candidate_has_its_turn_whatever_comes_first():
    grid = candidates(96)
    for first in (likely_winner(grid, 96), grid[0], grid[17]):
        groups = by_kernel(grid, first)
        assert sorted(index for group in [[grid.index(first)], *groups] for index in group) == list(range(32))
        assert all(len({grid[index].gamma for index in group}) == 1 for group in groups)


def test_protocols():
    assert not PUBLISHED.scaling and not PUBLISHED.nested and PUBLISHED.fold_weighting == "size"
    assert CORRECTED.scaling and CORRECTED.nested and CORRECTED.folds == "grouped" and not CORRECTED.batch_features


@pytest.mark.parametrize(
    "call",
    [
        lambda: layer_sets("some"),
        lambda: candidates(3, "huge"),
        lambda: candidates(3, []),
        lambda: Candidate("rbf", 1.0),
        lambda: Candidate("linear", 0.0),
        lambda: Candidate("poly", 1.0, 0.1),
        lambda: Protocol("x", folds="random"),
        lambda: Protocol("x", fold_weighting="none"),
        lambda: Protocol("x", n_folds=1),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(OptionError):
        call()
