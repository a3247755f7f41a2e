"""The authors' published files: read right, and refused with a reason where they do not fit."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mgc_keras.errors import ManifestError
from mgc_keras.studies.choi2017.authors_files import PUBLISHED_TASKS, read_published_scores, read_published_task
from mgc_keras.studies.choi2017.study import STUDY, DataOptions, Options
from mgc_keras.studies.common.options import RunOptions
from mgc_keras.studies.common.run import Run

N_CLIPS = {
    "ballroom_extended": 4180,
    "emoMusic_a": 744,
    "emoMusic_v": 744,
    "gtzan_genre": 1000,
    "gtzan_speechmusic": 128,
    "jamendo_vd": 4086,
    "urbansound": 8732,
}


@pytest.mark.parametrize("task", PUBLISHED_TASKS)
def test_every_task_is_read(shared_data, task):
    data, blocks = read_published_task(shared_data / "choi2017", task)
    assert len(data) == len(set(data.clip_ids)) == len(data.target) == N_CLIPS[task]
    assert list(blocks) == ["1", "2", "3", "4", "5"] + ([] if task == "urbansound" else ["mfcc"])
    assert all(len(block) == len(data) for block in blocks.values())
    assert data.estimator == ("SVR" if task.startswith("emoMusic") else "SVC")


def test_what_is_predefined_and_grouped(shared_data):
    folder = shared_data / "choi2017"
    sounds, vocals = (read_published_task(folder, task)[0] for task in ("urbansound", "jamendo_vd"))
    assert sorted(set(sounds.fold)) == list(range(1, 11))
    assert {name: int((vocals.split == name).sum()) for name in set(vocals.split)} == {
        "train": 2592,
        "valid": 821,
        "test": 673,
    }
    # Jamendo's 93 songs lie in one part each; so do UrbanSound8K's recordings, but for five that its owners cut in two.
    assert len(set(vocals.groups)) == 93
    assert pd.Series(vocals.split).groupby(vocals.groups).nunique().max() == 1
    assert (pd.Series(sounds.fold).groupby(sounds.groups).nunique() > 1).sum() == 5


def test_the_layer_files_count_from_0(shared_data):
    folder = shared_data / "choi2017"
    _, blocks = read_published_task(folder, "gtzan_genre")
    raw = np.load(folder / "data_feats" / "gtzan_genre_layer_4.npy", allow_pickle=False)
    assert np.array_equal(blocks["5"], raw)


def test_scores_are_read(shared_data):
    scores = read_published_scores(shared_data / "choi2017")
    assert len(scores) == 210 and set(scores["task"]) == set(PUBLISHED_TASKS)
    assert scores.set_index(["task", "feature"]).loc[("gtzan_genre", "12345"), "score"] == 0.898


@pytest.fixture
def folder(tmp_path):
    """A small folder in the authors' layout."""
    (tmp_path / "data_csv").mkdir()
    (tmp_path / "data_feats").mkdir()
    table = pd.DataFrame({"id": ["x", "x", "y"], "filepath": ["a/1.au", "a/2.au", "b/3.au"], "label": [0, 0, 1]})
    table.to_csv(tmp_path / "data_csv" / "gtzan_genre.csv")
    for layer in range(5):
        np.save(tmp_path / "data_feats" / f"gtzan_genre_layer_{layer}.npy", np.zeros((3, 32), np.float32))
    return tmp_path


def test_ids_that_repeat_give_way_to_file_names(folder):
    task, blocks = read_published_task(folder, "gtzan_genre")
    assert task.clip_ids == ["1", "2", "3"] and "mfcc" not in blocks


def _write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def _save(name, array):
    return lambda folder: np.save(folder / "data_feats" / name, array)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda folder: shutil.rmtree(folder / "data_csv"), "gtzan_genre.csv: no such file"),
        (lambda folder: (folder / "data_feats" / "gtzan_genre_layer_2.npy").unlink(), "layer_2.npy: no such file"),
        (_save("gtzan_genre_layer_2.npy", np.zeros((4, 32), np.float32)), "has the shape"),
        (_save("gtzan_genre_layer_2.npy", np.zeros((3, 32), int)), "and type int64"),
        (_save("gtzan_genre_mfcc.npy", np.zeros((3, 60))), "has the shape"),
        (_save("gtzan_genre_layer_0.npy", np.full((3, 32), np.nan)), "not finite"),
        (_save("gtzan_genre_layer_0.npy", np.array([{}], dtype=object)), "not a plain NumPy array"),
        (_write("data_feats/gtzan_genre_layer_0.npy", b"text"), "not a plain NumPy array"),
        (_write("data_feats/gtzan_genre_layer_0.npy", b""), "not a plain NumPy array"),
        (_write("data_csv/gtzan_genre.csv", b""), "not a table"),
        (_write("data_csv/gtzan_genre.csv", b"id,filepath\n1,a\n"), "label: the column is missing"),
        (_write("data_csv/gtzan_genre.csv", b"id,filepath,label\n"), "no rows"),
        (_write("data_csv/gtzan_genre.csv", b"id,filepath,label\n1,a,\n2,b,1\n3,c,1\n"), "a label is missing"),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, spoil, complaint):
    spoil(folder)
    with pytest.raises(ManifestError, match=complaint.replace(".", r"\.")):
        read_published_task(folder, "gtzan_genre")


def test_unknown_tasks_and_missing_scores_are_refused(tmp_path):
    with pytest.raises(ManifestError, match="is unknown"):
        read_published_task(tmp_path, "gtzan")
    with pytest.raises(ManifestError, match="published_scores.csv"):
        read_published_scores(tmp_path)


def test_the_run_names_every_file_that_it_reads(shared_data: Path, tmp_path: Path) -> None:
    folder, run_options = shared_data / "choi2017", RunOptions(tasks=("gtzan_speechmusic",), out=tmp_path)
    with Run(STUDY, Options(data=DataOptions(published_features=folder), run=run_options)) as run:
        inputs = json.loads((run.folder / "config.json").read_text())["inputs"]
    assert set(inputs) == {str(folder / "published_scores.csv"), *map(str, folder.rglob("gtzan_speechmusic*"))}
    for path, digest in inputs.items():
        assert digest == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    weights = folder / "weights" / "weights_layer4_theano.hdf5"
    own = Options(data=DataOptions(source_weights=str(weights)), run=RunOptions(out=tmp_path / "own"))
    with Run(STUDY, own) as run:
        assert list(json.loads((run.folder / "config.json").read_text())["inputs"]) == [str(weights)]
