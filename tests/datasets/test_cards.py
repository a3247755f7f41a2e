"""Cards and committed manifests: one contract for all, and the script that derives GTZAN's split."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from mgc_keras.datasets import cards
from mgc_keras.datasets.cards import card_names, count_problems, manifest_folder, read_card
from mgc_keras.datasets.manifest import read_manifest
from mgc_keras.errors import ManifestError

SCRIPT = manifest_folder() / "derive_gtzan_split.py"
CARDS = sorted(path.stem for path in manifest_folder().glob("*.json"))
COMMITTED = sorted(path.stem for path in manifest_folder().glob("*.csv"))


@pytest.mark.parametrize("name", CARDS)
def test_card_contract(name: str) -> None:
    card = read_card(name)
    for field in ("title", "description", "citation", "licence", "source", "layout", "split_rule"):
        assert getattr(card, field).strip(), field
    assert any(year in card.citation for year in map(str, range(1995, 2026)))
    if card.classes is not None:
        assert len(set(card.classes)) == len(card.classes)
        assert card.counts is None or all(count > 0 for count in card.counts.values())
    else:
        assert card.n_label_columns > 0
    for parts in (card.splits, card.folds):
        if parts is not None:
            assert sum(parts.values()) <= card.n_clips
    assert card.sampling_rate is None or 8000 <= card.sampling_rate <= 48000
    assert all(isinstance(note, str) and note for note in card.notes)


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_manifest_contract(name: str) -> None:
    manifest = read_manifest(manifest_folder() / f"{name}.csv")
    card = read_card(name)
    assert count_problems(manifest.table, card) == []
    assert manifest.class_names == sorted(card.classes)
    assert manifest.table.columns[:2].tolist() == ["clip_id", "filepath"]
    assert manifest.table["filepath"].is_unique
    assert (manifest_folder() / f"{name}.csv").read_bytes().count(b"\r") == 0


def test_every_dataset_of_the_studies_has_a_card() -> None:
    wanted = "gtzan_genre gtzan_music_speech ballroom_extended emomusic jamendo_vocal urbansound8k"
    assert {*wanted.split(), "magnatagatune", "msd_lastfm50", "artists1517"} <= set(card_names())


def test_known_sizes() -> None:
    assert read_card("gtzan_genre").splits == {"train": 443, "valid": 197, "test": 290}
    assert read_card("magnatagatune").n_label_columns == 188
    assert len(read_card("msd_lastfm50").label_columns) == 50
    assert len(read_card("ballroom_extended").classes) == 13
    assert read_card("ballroom_extended").classes[-1] == "Quickstep"
    assert len(read_card("urbansound8k").folds) == 10
    assert len(read_card("artists1517").classes) == 19
    # The counts per genre are not known; the study's own totals are told in words.
    assert read_card("artists1517").counts is None
    assert "19 genres, 3100 songs and about 23 000 clips" in " ".join(read_card("artists1517").notes)


def test_gtzan_manifest_is_in_the_authors_order(shared_data: Path) -> None:
    theirs = pd.read_csv(shared_data / "choi2017" / "data_csv" / "gtzan_genre.csv")
    manifest = read_manifest(manifest_folder() / "gtzan_genre.csv")
    assert ("gtzan_genre/" + manifest.table["filepath"]).tolist() == theirs["filepath"].tolist()
    assert manifest.label_indices.tolist() == theirs["label"].tolist()


def test_counts_name_what_differs() -> None:
    table = read_manifest(manifest_folder() / "gtzan_genre.csv").table
    card = read_card("gtzan_genre")
    fewer = table.drop(index=54 + 500)
    stranger = pd.concat([table, pd.DataFrame({"label": ["polka"], "split": [""]})])
    assert count_problems(fewer, card) == [
        "clips: expected 1000, found 999",
        "class jazz: expected 100, found 99",
        *_split(fewer),
    ]
    assert "class polka: expected 0, found 1" in count_problems(stranger, card)
    assert "column split: expected, not found" in count_problems(table.drop(columns="split"), card)


def _split(table: pd.DataFrame) -> list[str]:
    sizes = {"train": 443, "valid": 197, "test": 290}
    found = {split: int((table["split"] == split).sum()) for split in sizes}
    return [
        f"split {split}: expected {sizes[split]}, found {found[split]}"
        for split in sizes
        if found[split] != sizes[split]
    ]


class TestBadCards:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(cards, "manifest_folder", lambda: tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": "other"}, "name"),
            ({"kind": "guess"}, "kind"),
            ({"classes": None, "counts": None}, "classes"),
            ({"classes": ["music"]}, "counts"),
            ({"n_clips": 3}, "n_clips"),
            ({"label_columns": ["a"], "n_label_columns": 2}, "n_label_columns"),
            ({"surprise": 1}, "surprise"),
        ],
    )
    def test_contradiction(self, change: dict, field: str, folder: Path) -> None:
        content = json.loads((manifest_folder() / "gtzan_music_speech.json").read_text(encoding="utf-8")) | change
        (folder / "gtzan_music_speech.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ManifestError) as raised:
            read_card("gtzan_music_speech")
        assert raised.value.field == field

    def test_no_json(self, folder: Path) -> None:
        (folder / "x.json").write_text("{", encoding="utf-8")
        with pytest.raises(ManifestError, match="not JSON"):
            read_card("x")

    def test_unknown_name_lists_the_known(self) -> None:
        with pytest.raises(ManifestError, match="gtzan_genre"):
            read_card("../setup")

    def test_cards_round_trip(self) -> None:
        for name in card_names():
            text = (manifest_folder() / f"{name}.json").read_text(encoding="utf-8")
            assert json.dumps(asdict(read_card(name)), indent=2, ensure_ascii=False) + "\n" == text


def test_manifest_folder_of_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "share" / "mgc_keras" / "data_manifests"
    monkeypatch.setattr(cards, "__file__", str(tmp_path / "lib" / "mgc_keras" / "data" / "cards.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(cards.site, "getuserbase", lambda: str(tmp_path / "user"))
    with pytest.raises(ManifestError, match="install mgc_keras again"):
        manifest_folder()
    installed.mkdir(parents=True)
    assert manifest_folder() == installed


class TestGtzanSplit:
    """The script reads the lists out of a module's text; running that text would fail."""

    @staticmethod
    def _module(folder: Path, **changes: list[str]) -> Path:
        table = read_manifest(manifest_folder() / "gtzan_genre.csv").table
        lists = {
            f"filtered_{split}": table["clip_id"][table["split"] == split].tolist()
            for split in ("train", "valid", "test")
        }
        lines = ["raise SystemExit('this module was run')", "import nothing_of_this_name"]
        lines += [f"{name} = {members!r}" for name, members in (lists | changes).items() if members]
        (folder / "gtzan.py").write_text("\n".join(lines), encoding="utf-8")
        return folder / "gtzan.py"

    @staticmethod
    def _derive(*words: str | Path, search: Path | None = None) -> subprocess.CompletedProcess:
        environment = os.environ | ({"PYTHONPATH": str(search)} if search else {})
        return subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, env=environment)

    def test_same_bytes_as_committed(self, tmp_path: Path) -> None:
        done = self._derive(self._module(tmp_path), "-o", tmp_path / "gtzan_genre.csv")
        assert done.returncode == 0, done.stderr
        committed = (manifest_folder() / "gtzan_genre.csv").read_bytes()
        assert (tmp_path / "gtzan_genre.csv").read_bytes() == committed

    def test_finds_an_installed_package_without_importing_it(self, tmp_path: Path) -> None:
        (tmp_path / "torchaudio" / "datasets").mkdir(parents=True)
        (tmp_path / "torchaudio" / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
        self._module(tmp_path / "torchaudio" / "datasets")
        done = self._derive("-o", tmp_path / "gtzan_genre.csv", search=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "443" in done.stdout

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"filtered_test": ["blues.00012"]}, "expected {'train': 443"),
            ({"filtered_valid": None}, "filtered_valid: the list is missing"),
            ({"filtered_train": ["polka.00001"]}, "polka.00001"),
        ],
    )
    def test_changed_lists_are_refused(self, changes: dict, message: str, tmp_path: Path) -> None:
        done = self._derive(self._module(tmp_path, **changes), "-o", tmp_path / "gtzan_genre.csv")
        assert done.returncode == 2
        assert message in done.stderr
        assert not (tmp_path / "gtzan_genre.csv").exists()

    def test_the_real_module(self, tmp_path: Path) -> None:
        if importlib.util.find_spec("torchaudio") is None:
            pytest.skip("torchaudio is not installed")
        done = self._derive("-o", tmp_path / "gtzan_genre.csv")
        assert done.returncode == 0, done.stderr
        committed = (manifest_folder() / "gtzan_genre.csv").read_bytes()
        assert (tmp_path / "gtzan_genre.csv").read_bytes() == committed
