"""Cutting: where segments begin, what becomes of the rest, and files that hold what was cut."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from fake_datasets import write, write_song

from mgc_keras.audio.files import read_waveform
from mgc_keras.audio.spans import Windows
from mgc_keras.datasets.cutting import SETTINGS_FILE, Cutting, cut_clips, cut_manifest
from mgc_keras.datasets.manifest import Manifest, folder_manifest, read_manifest, write_manifest
from mgc_keras.errors import AudioError, OptionError


def cut_by_hand(clip: list[float], length: int, hop: int, keep: bool, fit: str) -> list[list[float]]:
    """Walk along a clip, sample by sample."""
    segments, start, covered = [], 0, 0
    while start + length <= len(clip):
        segments.append(clip[start : start + length])
        covered, start = start + length, start + hop
    if not segments or (keep and covered < len(clip) and start < len(clip)):
        rest = clip[start:]
        while len(rest) < length:
            rest = rest + ([0.0] if fit != "repeat" else [rest[len(rest) - len(clip[start:])]])
        segments.append(rest)
    return segments


@pytest.mark.parametrize("fit", ["repeat", "zero_pad", "crop"])
@pytest.mark.parametrize("remainder", ["drop", "fit"])
@pytest.mark.parametrize("hop", [1, 2, 3, 5])
def test_against_walking_along_each_clip(hop: int, remainder: str, fit: str) -> None:
    clips = [np.arange(1.0, n + 1) for n in range(1, 15)]
    segments = cut_clips(clips, 1, Cutting(3.0, float(hop), remainder, fit))
    by_hand = [cut_by_hand(clip.tolist(), 3, hop, remainder == "fit", fit) for clip in clips]
    np.testing.assert_array_equal(segments.waveforms, np.concatenate(by_hand))
    np.testing.assert_array_equal(segments.clip, np.repeat(np.arange(14), [len(some) for some in by_hand]))
    first = np.array([segment[0] for some in by_hand for segment in some])
    np.testing.assert_array_equal(segments.start, first - 1)


@pytest.mark.parametrize(("seconds", "hop"), [(3.0, 3.0), (3.0, 1.1), (0.7, 2.0)])
def test_whole_segments_are_the_windows_of_the_feature_export(seconds: float, hop: float) -> None:
    for n_samples in (1, 29, 30, 31, 305, 600):
        windows = [start for start, _ in Windows(seconds, hop).bounds(n_samples, 10)]
        assert Cutting(seconds, hop).starts(n_samples, 10).tolist() == windows


def test_an_array_of_clips_is_cut_as_by_reshaping() -> None:
    clips = np.random.default_rng(0).normal(size=(4, 30 * 100 + 50)).astype(np.float32)
    segments = cut_clips(clips, sampling_rate=100)
    assert segments.waveforms.dtype == np.float32
    np.testing.assert_array_equal(segments.waveforms, clips[:, :3000].reshape(40, 300))
    np.testing.assert_array_equal(segments.clip, np.repeat(np.arange(4), 10))
    np.testing.assert_array_equal(segments.start, np.tile(np.arange(0, 3000, 300), 4))


def test_clips_that_cannot_be_cut_are_named() -> None:
    with pytest.raises(OptionError, match="no clips"):
        cut_clips([], 100)
    with pytest.raises(AudioError, match=r"clip 1 has the shape \(0,\)"):
        cut_clips([np.zeros(5), np.zeros(0)], 100)
    with pytest.raises(AudioError, match=r"clip 0 has the shape \(2, 5\)"):
        cut_clips([np.zeros((2, 5))], 100)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"hop": -1.0}, "hop"),
        ({"remainder": "keep"}, "remainder"),
        ({"fit": "mirror"}, "fit"),
    ],
)
def test_options_that_make_no_sense(options: dict, field: str) -> None:
    with pytest.raises(OptionError, match=field):
        Cutting(**options)


class TestManifest:
    @pytest.fixture
    def songs(self, tmp_path: Path) -> Manifest:
        write_song(tmp_path / "songs", "jazz/long.wav", seconds=7.5)
        write_song(tmp_path / "songs", "rock/short.wav", seconds=1.0)
        write_song(tmp_path / "songs", "rock/twin.wav", seconds=3.0)
        shutil.copy(tmp_path / "songs/rock/twin.wav", tmp_path / "songs/rock/twin.flac.wav")
        table = folder_manifest(tmp_path / "songs").assign(artist=["Ann", "Bob", "Cat", "Dot"], fold=[1, 2, 3, 4])
        return read_manifest(write_manifest(table, tmp_path / "songs" / "songs.csv"))

    def test_files_and_rows(self, songs: Manifest, tmp_path: Path) -> None:
        built = cut_manifest(songs, tmp_path / "cut", Cutting(3.0))
        cut = read_manifest(write_manifest(built.table, tmp_path / "cut" / "songs_3s.csv"))
        assert built.problems == {}
        expected = ["jazz/long_0", "jazz/long_1", "rock/short_0", "rock/twin.flac_0", "rock/twin_0"]
        assert cut.clip_ids == expected
        assert cut.table["cut_from"].tolist() == [name.rpartition("_")[0] for name in expected]
        assert cut.table["start_s"].tolist() == [0.0, 3.0, 0.0, 0.0, 0.0]
        assert cut.table["label"].tolist() == ["jazz", "jazz", "rock", "rock", "rock"]
        assert cut.table["artist"].tolist() == ["Ann", "Ann", "Bob", "Cat", "Dot"]
        assert cut.table["fold"].tolist() == [1, 1, 2, 3, 4]
        samples, rate = soundfile.read(cut.filepaths[1], dtype="int16")
        assert rate == 100
        np.testing.assert_allclose(samples, np.arange(300, 600), atol=1)
        samples, _ = soundfile.read(cut.filepaths[2], dtype="int16")
        np.testing.assert_allclose(samples, np.tile(np.arange(100), 3), atol=1)

    def test_files_that_differ_in_suffix_alone_stay_apart(self, tmp_path: Path) -> None:
        for name in ("a.wav", "a.au"):
            soundfile.write(tmp_path / name, np.full(300, 0.5 if name == "a.au" else 0.25), 100, subtype="PCM_16")
        write(tmp_path, "two.csv", "clip_id,filepath,label", "x,a.wav,jazz", "y,a.au,jazz")
        table = cut_manifest(read_manifest(tmp_path / "two.csv"), tmp_path / "cut", Cutting(3.0)).table
        assert table["clip_id"].tolist() == ["x_0", "y_0"]
        levels = [read_waveform(tmp_path / "cut" / name, None).mean() for name in table["filepath"]]
        np.testing.assert_allclose(levels, [0.25, 0.5], atol=1e-4)

    def test_what_is_clipped_is_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        sine = np.sin(np.arange(40000) * np.sqrt(2))
        for name, level in (("loud", 8.0), ("full", 1.0)):
            soundfile.write(tmp_path / f"{name}.wav", level * sine, 8000, subtype="FLOAT")
        write(tmp_path, "two.csv", "clip_id,filepath,label", "x,loud.wav,jazz", "y,full.wav,jazz")
        cut_manifest(read_manifest(tmp_path / "two.csv"), tmp_path / "cut", Cutting(1.0))
        # The share of a sine that lies above an eighth of its height.
        share = 100 * (1 - 2 / np.pi * np.arcsin(1 / 8))
        said = f"{tmp_path / 'loud.wav'}: {share:.0f} % of its samples are beyond full scale, and clipped"
        assert caplog.messages == [said]

    def test_a_song_that_cannot_be_read_is_reported(self, songs: Manifest, tmp_path: Path) -> None:
        (tmp_path / "songs/rock/short.wav").write_bytes(b"no audio")
        built = cut_manifest(songs, tmp_path / "cut", Cutting(3.0))
        assert [songs.clip_ids[position] for position in built.problems] == ["rock/short"]
        assert "short.wav" in str(*built.problems.values())
        assert "rock/short" not in set(built.table["cut_from"]) and len(built.table) == 4

    def test_a_stopped_run_goes_on_and_other_settings_are_refused(self, songs: Manifest, tmp_path: Path) -> None:
        first = cut_manifest(songs, tmp_path / "cut", Cutting(3.0))
        kept, lost = tmp_path / "cut/jazz/long_0.wav", tmp_path / "cut/jazz/long_1.wav"
        whole, time = lost.read_bytes(), kept.stat().st_mtime_ns
        lost.unlink()
        again = cut_manifest(songs, tmp_path / "cut", Cutting(3.0))
        pd.testing.assert_frame_equal(first.table, again.table)
        assert lost.read_bytes() == whole and kept.stat().st_mtime_ns == time
        settings = (tmp_path / "cut" / SETTINGS_FILE).read_bytes()
        for cutting, rate in ((Cutting(2.0), None), (Cutting(3.0), 50)):
            with pytest.raises(OptionError, match="other settings"):
                cut_manifest(songs, tmp_path / "cut", cutting, rate)
        assert (tmp_path / "cut" / SETTINGS_FILE).read_bytes() == settings

    def test_a_clip_that_changed_is_cut_again(self, songs: Manifest, tmp_path: Path) -> None:
        song, cut = tmp_path / "songs/jazz/long.wav", tmp_path / "cut"
        cut_manifest(songs, cut, Cutting(3.0))
        others = {path: path.stat().st_mtime_ns for path in cut.rglob("rock/*.wav")}
        soundfile.write(song, np.arange(420, dtype="int16")[::-1], 100, subtype="PCM_16")
        table = cut_manifest(songs, cut, Cutting(3.0)).table
        assert table["filepath"].tolist()[:2] == ["jazz/long_0.wav", "rock/short_0.wav"]
        np.testing.assert_allclose(
            soundfile.read(cut / "jazz/long_0.wav", dtype="int16")[0], np.arange(419, 119, -1), atol=1
        )
        # The clip is too short now for a second segment.
        assert sorted(path.name for path in (cut / "jazz").iterdir()) == ["long_0.wav"]
        assert {path: path.stat().st_mtime_ns for path in others} == others
        state = song.stat()
        soundfile.write(song, np.arange(420, dtype="int16"), 100, subtype="PCM_16")
        os.utime(song, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert song.stat().st_size == state.st_size
        table = cut_manifest(songs, cut, Cutting(3.0)).table
        assert soundfile.read(cut / "jazz/long_0.wav", dtype="int16")[0][0] < 5
        # Segments of a version that kept no states, and of records that went bad.
        for broken in ("{}", '{"jazz/long": 5}', '{"jazz/long": {"clip": null}}', "7"):
            record = json.loads((cut / SETTINGS_FILE).read_text()) | {"results": json.loads(broken)}
            (cut / SETTINGS_FILE).write_text(json.dumps(record))
            (cut / "jazz/long_0.wav").write_text("old")
            pd.testing.assert_frame_equal(cut_manifest(songs, cut, Cutting(3.0)).table, table)
            assert soundfile.info(cut / "jazz/long_0.wav").frames == 300
        song.unlink()
        assert list(cut_manifest(songs, cut, Cutting(3.0)).problems) == [0]

    def test_a_run_that_stopped_is_gone_on_with_and_no_clip_is_overwritten(
        self, songs: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = cut_manifest(songs, tmp_path / "whole", Cutting(3.0)).table
        read = []

        def stopping(path: Path, sampling_rate: int) -> np.ndarray:
            read.append(path.name)
            if len(read) == 3:
                raise KeyboardInterrupt
            return read_waveform(path, sampling_rate)

        monkeypatch.setattr("mgc_keras.datasets.cutting.read_waveform", stopping)
        with pytest.raises(KeyboardInterrupt):
            cut_manifest(songs, tmp_path / "cut", Cutting(3.0))
        pd.testing.assert_frame_equal(cut_manifest(songs, tmp_path / "cut", Cutting(3.0)).table, whole)
        assert read == ["long.wav", "short.wav", "twin.flac.wav", "twin.flac.wav", "twin.wav"]
        files = [
            {path.relative_to(home): path.read_bytes() for path in home.rglob("*.*")}
            for home in (tmp_path / "whole", tmp_path / "cut")
        ]
        assert files[0] == files[1]
        write_song(tmp_path / "songs", "jazz/long_1.wav", seconds=3.0)
        own = folder_manifest(tmp_path / "songs")
        before = (tmp_path / "songs/jazz/long_1.wav").read_bytes()
        with pytest.raises(OptionError, match="long_1.wav: -o: is a clip of the manifest"):
            cut_manifest(Manifest("own", own, tmp_path / "songs"), tmp_path / "songs", Cutting(3.0))
        assert (tmp_path / "songs/jazz/long_1.wav").read_bytes() == before

    def test_real_songs_at_another_rate(self, shared_data: Path, tmp_path: Path) -> None:
        home = shared_data / "audio" / "emotify"
        songs = folder_manifest(home).iloc[[0, 20]]
        songs = Manifest("emotify", songs.reset_index(drop=True), home)
        built = cut_manifest(songs, tmp_path, Cutting(20.0), 22050)
        for path, (_, rows) in zip(songs.filepaths, built.table.groupby("cut_from", sort=False), strict=True):
            waveform = read_waveform(path, 22050)
            assert len(rows) == len(waveform) // 441000 >= 2
            joined = np.concatenate([read_waveform(tmp_path / name, None) for name in rows["filepath"]])
            # Half a step of 16-bit files, and one where decoded mp3 exceeds full scale.
            np.testing.assert_allclose(joined, np.clip(waveform[: len(joined)], -1, 1), atol=2.0**-15)
