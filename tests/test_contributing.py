"""The templates of CONTRIBUTING.md, copied into place, do what the recipes say."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_datasets import touch

import mgc_keras.datasets.builders
import mgc_keras.features
import mgc_keras.studies
from mgc_keras.datasets import cards
from mgc_keras.datasets.builders import build_manifest
from mgc_keras.features.clips import list_clips

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
TEMPLATES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
CARD = re.search(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE).group(1)


@pytest.fixture
def copy_into_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Return what makes modules of templates: they are found in the package as files of the checkout are."""

    def copy(package, *paths: str) -> None:
        folder = tmp_path / "copied" / package.__name__
        for path in paths:
            within = Path(path).relative_to(Path(*package.__name__.split(".")))
            (folder / within).parent.mkdir(parents=True, exist_ok=True)
            (folder / within).write_text(TEMPLATES[path], "utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])

    known = set(sys.modules)
    yield copy
    for name in [name for name in set(sys.modules) - known if str(tmp_path) in str(sys.modules[name].__dict__)]:
        del sys.modules[name]


@pytest.mark.parametrize("path", TEMPLATES)
def test_every_template_is_python(path: str) -> None:
    compile(TEMPLATES[path], path, "exec")


def test_a_dataset(copy_into_place: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_into_place(mgc_keras.datasets.builders, "mgc_keras/datasets/builders/my_dataset.py")
    (tmp_path / "my_dataset.json").write_text(CARD, "utf-8")
    monkeypatch.setattr(cards, "manifest_folder", lambda: tmp_path)
    names = {"Path": Path, "touch": touch}
    exec(TEMPLATES["tests/fake_datasets.py"], names)
    expected = names["_my_dataset"](tmp_path / "data")
    built = build_manifest("my_dataset", tmp_path / "data")
    assert built.table["clip_id"].tolist() == expected and built.missing == []
    assert cards.count_problems(built.table, cards.read_card("my_dataset")) == []


def test_a_feature_set(copy_into_place: Callable, tmp_path: Path) -> None:
    copy_into_place(mgc_keras.features, "mgc_keras/features/zero_crossings.py")
    names: dict = {}
    exec(TEMPLATES["tests/features/test_zero_crossings.py"], names)
    names["test_a_tone_crosses_zero_twice_a_period"]()
    time = np.arange(12000) / 12000
    for frequency in (100, 440):
        mgc_keras.write_waveform(
            tmp_path / "clips" / f"{frequency}.wav", np.sin(2 * np.pi * frequency * time + 1), 12000
        )
    table = mgc_keras.export_features(list_clips(tmp_path / "clips"), tmp_path / "t.csv", names["ZeroCrossings"]())
    np.testing.assert_allclose(pd.read_csv(table)["crossings_per_second"], [200, 880], atol=1)


def test_a_study(copy_into_place: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    files = ("__init__", "study", "steps")
    copy_into_place(mgc_keras.studies, *(f"mgc_keras/studies/author2026/{name}.py" for name in files))
    names: dict = {}
    exec(TEMPLATES["tests/studies/author2026/test_study.py"], names)
    names["test_a_small_run"](tmp_path / "run", capsys)
