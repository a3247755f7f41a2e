"""Hold-out: class shares, whole artists on one side, and the best choice of artists against trying all of them."""

from itertools import product

import numpy as np
import pytest

from mgc_keras.datasets.holdout import holdout_fold, stratified_holdout
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import ManifestError, OptionError


def class_counts(labels: np.ndarray, held_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    names = np.unique(labels)
    every = np.array([(labels == name).sum() for name in names])
    return every, np.array([(labels[held_out] == name).sum() for name in names])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.77])
@pytest.mark.parametrize("seed", range(5))
def test_each_class_holds_out_its_share_to_within_one_clip(share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(list("abcdef"), random.integers(10, 60, 6)))
    held_out = stratified_holdout(labels, share=share, seed=seed)
    every, held = class_counts(labels, held_out)
    assert (np.abs(held - share * every) < 1).all()
    assert abs(held.sum() - share * every.sum()) <= 0.5


def test_whole_shares_are_met_exactly() -> None:
    labels = np.repeat(list("abcdefghij"), 100)
    np.testing.assert_array_equal(class_counts(labels, stratified_holdout(labels))[1], 30)


def test_a_class_of_two_stands_on_both_sides() -> None:
    labels = np.array(list("aabbbbbbbbbbbbbbbbbb"))
    for share in (0.05, 0.95):
        assert class_counts(labels, stratified_holdout(labels, share=share))[1][0] == 1


def test_every_clip_is_drawn_equally_often() -> None:
    labels = np.repeat(["a", "b"], 10)
    often = np.mean([stratified_holdout(labels, seed=seed) for seed in range(2000)], axis=0)
    # Five standard deviations of a share of 0.3 over 2000 draws.
    assert np.abs(often - 0.3).max() < 5 * np.sqrt(0.3 * 0.7 / 2000)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_same_seed_draws_the_same(grouped: bool) -> None:
    labels, artists = np.repeat(list("abc"), 40), np.arange(120) // 4
    draws = [stratified_holdout(labels, artists if grouped else None, seed=seed) for seed in (3, 3, 4, 5)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2]) and not np.array_equal(draws[2], draws[3])


def best_by_trying_all(labels: np.ndarray, artists: np.ndarray, wanted: np.ndarray) -> int | None:
    """The fewest clips off, over all choices of artists that leave every class on both sides."""
    names, best = np.unique(artists), None
    for chosen in product((False, True), repeat=len(names)):
        every, held = class_counts(labels, np.isin(artists, names[list(chosen)]))
        if ((held > 0) & (held < every)).all():
            off = int(np.abs(held - wanted).sum())
            best = off if best is None else min(best, off)
    return best


@pytest.mark.parametrize("seed", range(40))
def test_artists_are_chosen_as_well_as_by_trying_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_artists, n_classes = random.integers(4, 9), random.integers(2, 5)
    artists = np.repeat(np.arange(n_artists), random.integers(1, 8, n_artists))
    home = random.integers(0, n_classes, n_artists)[artists]
    # Some artists have songs of other classes, too.
    labels = np.where(random.random(len(artists)) < 0.3, random.integers(0, n_classes, len(artists)), home)
    enough = all(len(np.unique(artists[labels == name])) > 1 for name in np.unique(labels))
    # The aim is that of the draw without artists, which the tests above hold against the shares.
    wanted = class_counts(labels, stratified_holdout(labels))[1] if enough else None
    best = best_by_trying_all(labels, artists, wanted) if enough else None
    if best is None:
        with pytest.raises(OptionError, match="alone" if not enough else "no choice of artists"):
            stratified_holdout(labels, artists)
        return
    for draw in range(3):
        held_out = stratified_holdout(labels, artists, seed=draw)
        assert not set(artists[held_out]) & set(artists[~held_out])
        assert np.abs(class_counts(labels, held_out)[1] - wanted).sum() == best


def test_a_collection_as_large_as_the_studys() -> None:
    random = np.random.default_rng(0)
    artists = np.concatenate([np.arange(1517), random.integers(0, 1517, 1583)])
    labels = np.where(random.random(3100) < 0.1, random.integers(0, 19, 3100), artists % 19)
    drawn = [stratified_holdout(labels, artists, seed=seed) for seed in range(2)]
    for held_out in drawn:
        assert not set(artists[held_out]) & set(artists[~held_out])
        every, held = class_counts(labels, held_out)
        assert (np.abs(held - 0.3 * every) < 1).all() and held.sum() == 930
        # Artists of many songs are as likely to be held out as those of few.
        assert abs(len(set(artists[held_out])) / 1517 - 0.3) < 0.03
    # Two draws that know nothing of each other agree on 0.3² + 0.7² of the clips.
    assert abs(np.mean(drawn[0] == drawn[1]) - 0.58) < 0.05


def test_artists_are_held_out_equally_often_whatever_their_number_of_songs() -> None:
    artists = np.repeat(np.arange(30), np.arange(30) % 5 + 1)
    labels = np.where(artists < 15, "a", "b")
    often = np.zeros(5)
    for seed in range(100):
        held_out = stratified_holdout(labels, artists, seed=seed)
        often += np.bincount(np.unique(artists[held_out]) % 5, minlength=5) / 6
    assert np.abs(often / 100 - 0.3).max() < 0.1


def test_what_cannot_be_held_out_is_named() -> None:
    with pytest.raises(OptionError, match="class 'b' has one clip alone"):
        stratified_holdout(list("aab"))
    with pytest.raises(OptionError, match=r"class 'b' has one artist \(or song\) alone"):
        stratified_holdout(list("aabb"), list("xyxx"))
    # Three classes, each shared by two of three artists: two of them always stand on one side.
    with pytest.raises(OptionError, match="no choice of artists"):
        stratified_holdout(list("abacbc"), list("xxyyzz"))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.3, float("nan")])
def test_a_share_that_makes_no_sense(share: float) -> None:
    with pytest.raises(OptionError, match="share"):
        stratified_holdout(list("aabb"), share=share)


@pytest.mark.parametrize(("labels", "groups"), [([], None), ([["a", "b"]], None), (list("aabb"), list("xyz"))])
def test_shapes_that_do_not_fit(labels: list, groups: list | None) -> None:
    with pytest.raises(OptionError, match="labels"):
        stratified_holdout(labels, groups)


LABELS = np.repeat(list("abc"), 20)
ARTISTS = np.char.add(LABELS, (np.arange(60) // 2).astype(str))
TASK = StudyTask("toy", "classification", [f"clip{i}" for i in range(60)], LABELS, groups=ARTISTS)


class TestFold:
    @pytest.mark.parametrize("protocol", ["published", "corrected"])
    def test_parts_are_disjoint_and_complete(self, protocol: str) -> None:
        fold = holdout_fold(TASK, protocol, seed=2)
        parts = (fold.training, fold.validation, fold.test)
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(60))
        assert len(fold.test) == 18
        # A fifth of 42 clips, as near as artists of two clips each allow.
        assert len(fold.validation) in ([0] if protocol == "published" else [6, 8, 10])
        for part in parts:
            assert not len(part) or set(LABELS[part]) == set("abc")

    def test_only_the_corrected_protocol_keeps_artists_together(self) -> None:
        folds = {protocol: holdout_fold(TASK, protocol) for protocol in ("published", "corrected")}
        sides = [set(ARTISTS[part]) for part in (folds["published"].training, folds["published"].test)]
        assert sides[0] & sides[1]
        fold = folds["corrected"]
        sides = [set(ARTISTS[part]) for part in (fold.training, fold.validation, fold.test)]
        assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]

    def test_the_datasets_own_split_holds_under_the_corrected_protocol(self) -> None:
        split = np.array(["train", "train", "valid", "test"])[np.arange(60) % 4]
        fold = holdout_fold(StudyTask("toy", "classification", TASK.clip_ids, LABELS, split=split), "corrected")
        for part, name in ((fold.training, "train"), (fold.validation, "valid"), (fold.test, "test")):
            np.testing.assert_array_equal(part, np.flatnonzero(split == name))
        without_valid = np.where(split == "valid", "train", split)
        task = StudyTask("toy", "classification", TASK.clip_ids, LABELS, split=without_valid)
        fold = holdout_fold(task, "corrected")
        np.testing.assert_array_equal(fold.test, np.flatnonzero(split == "test"))
        assert len(fold.validation) == 9 and len(holdout_fold(task, "published").test) == 18

    def test_refused(self) -> None:
        with pytest.raises(OptionError, match="unknown protocol 'nested'"):
            holdout_fold(TASK, "nested")
        task = StudyTask("toy", "classification", TASK.clip_ids, LABELS, split=np.full(60, "train"))
        with pytest.raises(ManifestError, match="needs both 'test' and other clips"):
            holdout_fold(task, "corrected")
        lonely = StudyTask("toy", "classification", TASK.clip_ids, LABELS, groups=np.char.add(LABELS, "0"))
        with pytest.raises(OptionError, match="class 'a' has one artist"):
            holdout_fold(lonely, "corrected")
