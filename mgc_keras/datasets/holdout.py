"""Hold-out: clips to train on and clips to score, by one seeded draw that keeps the classes' shares.

Asgharivaskasi et al. (2019) train on 70 % and validate on 30 % of the files. Draw before anything is cut: segments of
one song must not stand on both sides.
"""

from dataclasses import replace

import numpy as np

from mgc_keras.datasets.repeated_folds import INNER_FOLDS, Fold
from mgc_keras.datasets.splits import Column, train_test_fold, validation_fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import OptionError

SHARE = 0.3
# Branches that the search for the best shares may try, some seconds' worth. Collections of music need one or a few.
_NODE_LIMIT = 2000


def stratified_holdout(
    labels: Column, groups: Column | None = None, *, share: float = SHARE, seed: int | tuple[int, ...] = 0
) -> np.ndarray:
    """Hold out a share of the clips of every class, at random.

    Parameters
    ----------
    labels : sequence of str or int, (n_clips,)
    groups : sequence or None, (n_clips,)
        Artist (or song) of each clip: the clips of one stay on one side. None: every clip stands for itself.
    share : float
        Of the clips to hold out, between 0 and 1; 0.3 in the study.

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=bool]
        True where a clip is held out.

    Raises
    ------
    OptionError
        A class has one clip (or one group) alone, no choice of groups puts every class on both sides, `share` is not
        between 0 and 1, or the lengths differ.

    Notes
    -----
    Every class has at least one clip on each side. Without groups, each class holds out its share to within one clip,
    and all of them together hold out the whole number nearest to the share, unless a class of few clips needs another
    number. With groups, these numbers are the aim: of all choices of groups, those that miss it by the fewest clips,
    summed over the classes, are sought by integer programming, and a random cost decides between them. Where clips of
    one group have many classes, the search may stop early, near the best.

    Example
    -------
    >>> stratified_holdout(list("aaaaaaaaaabbbbbbbbbb"), seed=1).reshape(2, 10).sum(axis=1).tolist()
    [3, 3]
    """
    labels = np.asarray(labels)
    shape_of_groups = () if groups is None else np.shape(groups)
    if labels.ndim != 1 or not len(labels) or (groups is not None and shape_of_groups != labels.shape):
        problem = f"labels have the shape {labels.shape}, groups {shape_of_groups}"
        raise OptionError(problem, field="labels", cure="give one for each clip")
    names, classes = np.unique(labels, return_inverse=True)
    members = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    counts = np.zeros((members.max() + 1, len(names)), dtype=int)
    np.add.at(counts, (members, classes), 1)
    for name in names[(counts > 0).sum(axis=0) < 2]:
        problem = f"class {str(name)!r} has one {'clip' if groups is None else 'artist (or song)'} alone"
        raise OptionError(problem, field="labels", cure="give it more of them, or leave the class out")
    if not 0 < share < 1:
        raise OptionError(f"{share} is no share to hold out", field="share", cure="give a number between 0 and 1")
    wanted = _wanted(counts.sum(axis=0), share)
    random = np.random.default_rng(seed)
    if groups is None:
        held_out = np.zeros(len(classes), dtype=bool)
        for number, n_wanted in enumerate(wanted):
            held_out[random.permutation(np.flatnonzero(classes == number))[:n_wanted]] = True
        return held_out
    return _chosen_groups(counts, wanted, share, random)[members]


def holdout_fold(
    task: StudyTask,
    *,
    grouped: bool = True,
    validation: bool = True,
    share: float = SHARE,
    validation_share: float = 1 / INNER_FOLDS,
    seed: int = 0,
) -> Fold:
    """Return the one fold of the study of Asgharivaskasi et al. (2019).

    Parameters
    ----------
    task : StudyTask
        Its clips must be whole files, not segments.
    grouped : bool
        Take the clips that the dataset marks "test" and "valid", else keep artists together where they are known. As
        published, clips are drawn from every class, whoever plays and whatever is marked.
    validation : bool
        Part clips that choose the model from those to train on. As published there are none, so whatever is chosen is
        chosen on `test`.
    share, validation_share : float
        Of the clips in `test`, and of the rest in `validation`, where the dataset marks none.

    Raises
    ------
    OptionError
        Too few clips (or artists) of a class: see `stratified_holdout`.
    ManifestError
        The dataset's own split marks no clips "test", or all.
    """
    if not grouped:
        task = replace(task, groups=None, split=None)
    if task.split is not None:
        held_out = train_test_fold(task.split) == 0
    else:
        held_out = stratified_holdout(task.target, task.groups, share=share, seed=seed)
    rest = np.flatnonzero(~held_out)
    chooses = np.zeros(len(rest), dtype=bool)
    if validation:
        training = task.subset(rest)
        marked = validation_fold(training.split)
        if marked is not None:
            chooses = marked == 0
        else:
            chooses = stratified_holdout(training.target, training.groups, share=validation_share, seed=(seed, 1))
    return Fold(0, 0, rest[~chooses], rest[chooses], np.flatnonzero(held_out))


def _wanted(counts: np.ndarray, share: float) -> np.ndarray:
    """Return how many clips each class should hold out: the largest remainders are rounded up."""
    exact = share * counts
    wanted = np.floor(exact).astype(int)
    n_more = int(np.floor(share * counts.sum() + 0.5)) - wanted.sum()
    wanted[np.argsort(wanted - exact, kind="stable")[:n_more]] += 1
    return np.clip(wanted, 1, counts - 1)


def _chosen_groups(counts: np.ndarray, wanted: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Choose groups whose clips of each class, `counts` (n_groups, n_classes), come nearest to `wanted`.

    The unknowns are a 0 or 1 for each group, then each class's surplus, then its deficit. Surplus and deficit cost one
    a clip. A group costs a random share of its clips, less than nothing for as many as should be held out; all groups
    together differ by less than one clip, so that these costs decide between equals alone, and large groups are as
    welcome as small ones.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack

    n_groups, n_classes = counts.shape
    held_out = csr_array(counts.T.astype(float))
    one_each = eye_array(n_classes)
    costs = (random.random(n_groups) - share) * counts.sum(axis=1) / counts.sum()
    result = milp(
        np.concatenate([costs, np.ones(2 * n_classes)]),
        integrality=np.concatenate([np.ones(n_groups), np.zeros(2 * n_classes)]),
        bounds=Bounds(0, np.concatenate([np.ones(n_groups), np.full(2 * n_classes, np.inf)])),
        constraints=[
            LinearConstraint(hstack([held_out, -one_each, one_each]), wanted, wanted),
            LinearConstraint(hstack([held_out, csr_array((n_classes, 2 * n_classes))]), 1, counts.sum(axis=0) - 1),
        ],
        options={"node_limit": _NODE_LIMIT, "mip_rel_gap": 0},
    )
    if result.x is None:
        problem = "no choice of artists puts clips of every class on both sides"
        raise OptionError(problem, field="groups", cure="leave out a class that few artists have, or give more artists")
    return result.x[:n_groups] > 0.5
