"""The parameter grid, and the settings of a search."""

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.search import CORRECTED, PUBLISHED, Candidate, SearchSettings, candidates
from mgc_keras.search.grid import by_kernel, likely_best


def test_the_authors_grid():
    grid = candidates(160)
    assert len(grid) == len(set(grid)) == 32
    assert {candidate.C for candidate in grid} == {0.1, 2.0, 8.0, 32.0}
    gammas = {candidate.gamma for candidate in grid if candidate.kernel == "rbf"}
    assert gammas == {2**-3, 2**-5, 2**-7, 2**-9, 2**-11, 2**-13, 1 / 160}
    assert len(candidates(128)) == 28  # 1/128 is 2^-7


def test_every_candidate_has_its_turn_whatever_comes_first():
    grid = candidates(96)
    for first in (likely_best(grid, 96), grid[0], grid[17]):
        groups = by_kernel(grid, first)
        assert sorted(index for group in [[grid.index(first)], *groups] for index in group) == list(range(32))
        assert all(len({grid[index].gamma for index in group}) == 1 for group in groups)


def test_settings():
    assert not PUBLISHED.standardize and not PUBLISHED.nested and PUBLISHED.fold_weighting == "size"
    assert CORRECTED.standardize and CORRECTED.nested and CORRECTED.fold_weighting == "pooled"


@pytest.mark.parametrize(
    "call",
    [
        lambda: candidates(3, "huge"),
        lambda: candidates(3, []),
        lambda: Candidate("rbf", 1.0),
        lambda: Candidate("linear", 0.0),
        lambda: Candidate("poly", 1.0, 0.1),
        lambda: SearchSettings("x", fold_weighting="none"),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(OptionError):
        call()
