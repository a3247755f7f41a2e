"""Kernel matrices of feature sets, from inner products that are computed once for each block of columns.

The inner product of two clips over several blocks is the sum of those over each, and so is the squared distance. So one
matrix a block is enough for every feature set, every gamma and every fold.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mgc_keras.errors import OptionError

# Rows and columns that are worked on together, so that they stay in the processor's cache.
_TILE = 256
# Gram matrices that are kept; further ones are computed afresh each time.
BYTES_KEPT = 4_000_000_000


class BlockKernels:
    """Gram matrices (inner products) of blocks of features, kept as long as they fit in memory.

    Parameters
    ----------
    blocks : mapping of str to np.ndarray [shape=(n_clips, n_columns), dtype=float]
        Every block has the same clips in the same order.
    order : np.ndarray [shape=(n_clips,), dtype=int] or None
        The order that the clips shall have in every matrix; None: as they are.
    bytes_kept : int
        How large the matrices that are kept may be together; None: four gigabytes.

    Raises
    ------
    OptionError
        Blocks of unequal length, not two-dimensional, without columns, or with values that are not finite.
    """

    def __init__(
        self, blocks: Mapping[str, np.ndarray], order: np.ndarray | None = None, bytes_kept: int | None = None
    ) -> None:
        self._blocks = {name: np.asarray(block, dtype=np.float64) for name, block in blocks.items()}
        _check_blocks(self._blocks)
        self.n_clips = len(next(iter(self._blocks.values())))
        if order is not None:
            self._blocks = {name: block[order] for name, block in self._blocks.items()}
        self._kept: dict[tuple, np.ndarray] = {}
        self._max_kept = (BYTES_KEPT if bytes_kept is None else bytes_kept) // max(1, 8 * self.n_clips**2)

    def n_features(self, names: Sequence[str]) -> int:
        """Count the columns of the blocks together."""
        return sum(self._blocks[name].shape[1] for name in names)

    def gram(self, names: Sequence[str], train: np.ndarray | None = None, each: Callable = map) -> np.ndarray:
        """Sum the inner products over blocks, (n_clips, n_clips) float64, symmetric to the last bit.

        Parameters
        ----------
        names : sequence of str
        train : np.ndarray [shape=(n_clips,), dtype=bool] or None
            Standardise each column by the mean and standard deviation (population) of these clips, given in
            `order`; columns that are constant there are only centred. None: leave the features as they are.
        each : callable
            `map`, or that of a pool of threads, to share the rows among.
        """
        parts = [self._gram_of_block(name, train) for name in names]
        total = np.empty((self.n_clips, self.n_clips))

        def fill(begin: int) -> None:
            rows = slice(begin, begin + _TILE)
            total[rows] = parts[0][rows]
            for part in parts[1:]:
                total[rows] += part[rows]

        list(each(fill, range(0, self.n_clips, _TILE)))
        return total

    def _gram_of_block(self, name: str, train: np.ndarray | None) -> np.ndarray:
        key = (name, None if train is None else train.tobytes())
        if key in self._kept:
            return self._kept[key]
        block = self._blocks[name] if train is None else _standardised(self._blocks[name], train)
        gram = block @ block.T
        if len(self._kept) < self._max_kept:
            self._kept[key] = gram
        return gram


def _standardised(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Give each column a mean of 0 and a deviation of 1 over the clips fitted on; constant ones are only shifted."""
    seen = features[train]
    deviation = np.where(seen.max(axis=0) == seen.min(axis=0), 1.0, seen.std(axis=0))
    return (features - seen.mean(axis=0)) / np.where(deviation == 0, 1.0, deviation)


def kernel_matrix(
    gram: np.ndarray, gamma: float | None, each: Callable = map, out: np.ndarray | None = None
) -> np.ndarray:
    """Turn inner products, (n_clips, n_clips) float64 and symmetric, into a kernel matrix.

    Parameters
    ----------
    gram : np.ndarray
    gamma : float or None
        Of the RBF kernel exp(-gamma |x - y|^2); None: the linear kernel, which is `gram` itself.
    each : callable
        As in `BlockKernels.gram`.
    out : np.ndarray or None
        Where to put an RBF kernel: new memory costs as much time as the kernel itself.
    """
    if gamma is None:
        return gram
    kernel, squares = np.empty_like(gram) if out is None else out, np.diag(gram).copy()

    def fill(begin: int) -> None:
        rows = slice(begin, begin + _TILE)
        for first in range(begin, len(gram), _TILE):
            columns = slice(first, first + _TILE)
            # |x - y|^2 = |x|^2 + |y|^2 - 2 x.y, in the order in which libsvm adds it up.
            tile = gram[rows, columns] * -2.0
            tile += squares[rows, None] + squares[None, columns]
            tile *= -gamma
            np.exp(tile, out=tile)
            kernel[rows, columns] = tile
            kernel[columns, rows] = tile.T

    list(each(fill, range(0, len(gram), _TILE)))
    return kernel


def _check_blocks(blocks: Mapping[str, np.ndarray]) -> None:
    if not blocks:
        raise OptionError("no features given", field="features_by_block", cure="give at least one block")
    lengths = {name: len(block) for name, block in blocks.items()}
    if len(set(lengths.values())) > 1:
        raise OptionError(f"blocks differ in their numbers of clips: {lengths}", field="features_by_block")
    for name, block in blocks.items():
        field = f"features_by_block[{name!r}]"
        if block.ndim != 2 or 0 in block.shape:
            raise OptionError(f"needs the shape (n_clips, n_columns), has {block.shape}", field=field)
        if not np.isfinite(block).all():
            clip = int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            cure = "leave the clip out, or export its features again"
            raise OptionError(f"clip {clip} has a value that is not finite", field=field, cure=cure)
