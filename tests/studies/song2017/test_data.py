"""Which clips and tags a network is pre-trained on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.studies.song2017.data import tag_columns, validation_clips

TABLE = pd.DataFrame({
    "clip_id": list("abcde"),
    "filepath": ["mp3/0/a.mp3", "mp3/f/b.mp3", "mp3/c/c.mp3", "mp3/f/d.mp3", "mp3/off/e.mp3"],
    "label_rare": [0, 0, 1, 0, 0],
    "label_common": [1, 1, 0, 1, 0],
    "label_usual": [0, 1, 0, 1, 1],
    "split": ["train", "test", "valid", "test", "train"],
})  # fmt: skip
TAGS = Manifest("tags", TABLE, Path())


@pytest.mark.parametrize(
    ("rule", "learnt", "held_out"), [("split", "ae", "c"), ("folder:f", "ace", "bd"), ("last:2", "abc", "de")]
)
def test_rules(rule: str, learnt: str, held_out: str) -> None:
    used, held = validation_clips(TAGS, rule)
    names = TABLE["clip_id"].to_numpy()
    assert "".join(names[used & ~held]) == learnt and "".join(names[held]) == held_out


@pytest.mark.parametrize("rule", ["", "first:3", "last:", "last:x", "folder:", "split:3"])
def test_unknown_rules_are_refused(rule: str) -> None:
    with pytest.raises(OptionError, match="source-validation"):
        validation_clips(TAGS, rule)


@pytest.mark.parametrize("rule", ["last:0", "last:5", "folder:e", "split"])
def test_rules_that_leave_nothing_are_refused(rule: str) -> None:
    manifest = TAGS if rule != "split" else Manifest("tags", TABLE.drop(columns="split"), Path())
    with pytest.raises(MgcKerasError, match="to learn from and clips to hold out"):
        validation_clips(manifest, rule)


def test_the_most_frequent_tags_come_in_manifest_order() -> None:
    assert tag_columns(TAGS) == ["label_rare", "label_common", "label_usual"]
    assert tag_columns(TAGS, 2) == ["label_common", "label_usual"]
    assert tag_columns(TAGS, 1) == ["label_common"]


def test_tags_that_make_no_sense_are_refused() -> None:
    with pytest.raises(OptionError, match="source-tags"):
        tag_columns(TAGS, 4)
    with pytest.raises(MgcKerasError, match="holds no tags"):
        tag_columns(Manifest("tags", TABLE[["clip_id", "filepath"]], Path()))
    with pytest.raises(MgcKerasError, match="label_usual"):
        tag_columns(Manifest("tags", TABLE.assign(label_usual=np.linspace(0, 1, 5)), Path()))
