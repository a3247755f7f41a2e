"""Formats beyond wav, flac, ogg and mp3: all that libsndfile reads, and ffmpeg's, with it and without."""

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from broken_clips import RATE, tune, write

from mgc_keras.audio import ffmpeg
from mgc_keras.audio.check import check_folder
from mgc_keras.audio.containers import SUFFIXES_OF_FORMAT, open_clip
from mgc_keras.audio.files import find_clips, read_waveform
from mgc_keras.datasets.manifest import folder_manifest
from mgc_keras.errors import AudioError, MgcKerasError, OptionError
from mgc_keras.features.clips import list_clips

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg on the PATH")
# How an MP4 file begins: enough for one that only a stand-in for ffmpeg has to read.
MP4 = b"\0\0\0\x20ftypM4A "


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder on the PATH with a program ffmpeg, which notes its arguments and decodes any file to a known tune."""
    folder = tmp_path / "bin"
    write(folder / "tune.au", tune(0.5), subtype="FLOAT")
    lines = (
        f"#!{sys.executable} -S",
        "import pathlib, shutil, sys",
        "here = pathlib.Path(__file__).parent",
        "here.joinpath('arguments').write_text('\\n'.join(sys.argv[1:]))",
        "if 'damaged' in ' '.join(sys.argv):",
        "    sys.exit('[mov @ 0x55e79f7d7bc0] moov atom not found\\nmore')",
        "if 'cut' in ' '.join(sys.argv):",
        "    print('[mov @ 0x55e79f7d7bc0] stream 0: partial file', file=sys.stderr)",
        "if 'full' in ' '.join(sys.argv):",
        "    sys.exit('av_interleaved_write_frame(): No space left on device')",
        "shutil.copyfileobj(open(here / 'tune.au', 'rb'), sys.stdout.buffer)",
    )
    folder.joinpath("ffmpeg").write_text("\n".join(lines))
    folder.joinpath("ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def mp4(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(MP4)
    return path


def test_all_formats_that_libsndfile_writes_here_are_found_and_read(tmp_path: Path) -> None:
    expected, samples = {}, tune(0.3, 8000, channels=1)[:, 0]
    for format_name in soundfile.available_formats().keys() & SUFFIXES_OF_FORMAT.keys() - {"MP3", "OGG", "SDS"}:
        kinds = soundfile.available_subtypes(format_name)
        kind = "PCM_16" if "PCM_16" in kinds else next(iter(kinds))
        for suffix in SUFFIXES_OF_FORMAT[format_name]:
            path = tmp_path / f"{format_name}{suffix}"
            soundfile.write(path, samples, 8000, format=format_name, subtype=kind)
            expected[path] = kind
    assert len(expected) > 30 and find_clips(tmp_path) == sorted(expected)
    for path, kind in expected.items():
        with open_clip(path) as clip:
            # Names that end in .wav, .snd or .iff alike; the content counts.
            assert (clip.format, clip.samplerate) == (path.stem, 8000)
        # A-law and other coarse kinds are as exact as they are.
        np.testing.assert_allclose(read_waveform(path, None), samples, atol=0 if kind == "PCM_16" else 0.05)
    assert check_folder(tmp_path).counts().keys() == {"duplicate"}


@pytest.mark.parametrize("name", ["x.aif", "x.caf", "x.w64", "x.oga", "x.opus"])
def test_real_files_of_these_formats_are_found_and_read_whole(shared_data: Path, name: str) -> None:
    folder = shared_data / "quirks" / "audio"
    assert folder / name in find_clips(folder)
    waveform = read_waveform(folder / name, 12000)
    # All five hold the same two seconds; opus starts a few milliseconds late.
    assert abs(len(waveform) - 24000) < 120
    reference = read_waveform(folder / "x.w64", 12000)
    n = min(len(waveform), len(reference)) - 1000
    lag = np.argmax(np.correlate(waveform[: n + 1000], reference[500 : n - 500], "valid")) - 500
    assert abs(lag) < 100


def test_what_only_ffmpeg_reads_is_left_out_where_it_is_not(
    tmp_path: Path, no_ffmpeg: None, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "music"
    write(folder / "rock" / "1.wav", tune(0.2))
    for name in ("rock/2.m4a", "pop/3.M4A", "pop/4.wma"):
        mp4(folder / name)
    (folder / "rock" / "cover.jpg").touch()
    left_out = ["pop/3.M4A", "pop/4.wma", "rock/2.m4a"]
    said = f"{folder}: 3 audio files are left out, 2 .m4a and 1 .wma: {', '.join(left_out)} (install ffmpeg, "
    with caplog.at_level(logging.WARNING, "mgc_keras"):
        clips = list_clips(folder)
        assert clips.filepaths == ["rock/1.wav"] and list(clips.left_out) == left_out
        assert folder_manifest(folder)["filepath"].tolist() == ["rock/1.wav"]
        report = check_folder(folder)
        assert list(report.left_out) == left_out and report.skipped == {".jpg": 1, ".m4a": 2, ".wma": 1}
    told = [message for message in caplog.messages if "left out" in message]
    assert len(told) == 3 and all(message.startswith(said) for message in told)
    for look in (list_clips, check_folder):
        with pytest.raises(
            MgcKerasError, match=r"that can be read here: 2 audio files are left out, 1 .m4a and 1 .wma"
        ):
            look(folder / "pop")


def test_left_out_files_of_several_folders_are_named_by_their_paths(tmp_path: Path, no_ffmpeg: None) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder / f"{folder}.wav", tune(0.1))
        mp4(tmp_path / folder / "c.m4a")
    clips = list_clips([tmp_path / "a", tmp_path / "b"])
    assert list(clips.left_out) == [(tmp_path / folder / "c.m4a").as_posix() for folder in "ab"]


def test_named_without_ffmpeg_it_is_an_error_with_the_cure(tmp_path: Path, no_ffmpeg: None) -> None:
    for name in ("song.m4a", "song.mp3"):
        with pytest.raises(AudioError) as caught:
            read_waveform(mp4(tmp_path / name))
        assert "is an MP4 or M4A file" in caught.value.problem and "install ffmpeg" in caught.value.cure
    # Not there at all, it is a clip that cannot be read, as any other.
    assert list_clips([tmp_path / "gone.m4a"]).clip_ids == ["gone"]
    (tmp_path / "text.m4a").write_text("no music " * 99)
    with pytest.raises(AudioError, match="looks like text") as caught:
        read_waveform(tmp_path / "text.m4a")
    assert "ffmpeg" not in caught.value.cure


def test_ffmpeg_decodes_what_libsndfile_does_not(tmp_path: Path, stand_in: Path) -> None:
    for name in ("music/1.m4a", "music/named.mp3"):
        np.testing.assert_array_equal(read_waveform(mp4(tmp_path / name), None), tune(0.5).mean(axis=1))
        arguments = (stand_in / "arguments").read_text().splitlines()
        assert arguments[arguments.index("-i") + 1] == f"file:{tmp_path / name}" and "-t" not in arguments
        # Playlists and addresses are closed to it.
        assert arguments[arguments.index("-protocol_whitelist") + 1] == "file" and "-nostdin" in arguments
        assert not {"hls", "concat", "dash"} & set(arguments[arguments.index("-format_whitelist") + 1].split(","))
    part = read_waveform(tmp_path / "music" / "1.m4a", None, offset=0.1, duration=0.2)
    np.testing.assert_array_equal(part, tune(0.5).mean(axis=1)[int(0.1 * RATE) :][: int(0.2 * RATE)])
    arguments = (stand_in / "arguments").read_text().splitlines()
    assert float(arguments[arguments.index("-t") + 1]) == pytest.approx(1.3)
    assert [clip.name for clip in find_clips(tmp_path / "music")] == ["1.m4a", "named.mp3"]
    findings = {finding.clip: finding for finding in check_folder(tmp_path / "music").findings}
    assert findings["named.mp3"].detail == "same audio as 1.m4a"
    wrong = [finding for finding in check_folder(tmp_path / "music").findings if finding.kind == "wrong_extension"]
    assert [(finding.clip, finding.cure) for finding in wrong] == [("named.mp3", "convert it to wav")]


def test_ffmpegs_complaints_are_errors_and_findings(tmp_path: Path, stand_in: Path) -> None:
    with pytest.raises(AudioError) as caught:
        read_waveform(mp4(tmp_path / "music" / "damaged.m4a"))
    assert caught.value.problem == "ffmpeg cannot decode it: moov atom not found"
    (tmp_path / "music" / "damaged.m4a").unlink()
    mp4(tmp_path / "music" / "cut.m4a")
    (finding,) = check_folder(tmp_path / "music").findings
    assert finding.kind == "truncated" and finding.detail == "ffmpeg says: stream 0: partial file; 0.5 s decode"
    # No fault of the clip: it must not become a row of errors.csv.
    with pytest.raises(MgcKerasError, match="the disk is full") as full:
        read_waveform(mp4(tmp_path / "full.m4a"))
    assert not isinstance(full.value, AudioError)


@needs_ffmpeg
def test_values_are_those_of_a_wav_that_ffmpeg_makes(tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", tune(2.0))

    def run(*arguments: str | Path) -> None:
        subprocess.run([shutil.which("ffmpeg"), "-v", "error", "-y", *map(str, arguments)], check=True)

    for name in ("1.m4a", "2.aac", "3.wma", "4.mp4", "5.webm", "6.mka", "7.wv", "8.tta", "9.ac3"):
        run("-i", source, tmp_path / name)
        run("-i", tmp_path / name, "-c:a", "pcm_f32le", tmp_path / "as.wav")
        ours, theirs = read_waveform(tmp_path / name, None), read_waveform(tmp_path / "as.wav", None)
        np.testing.assert_array_equal(ours, theirs)
        assert 1.99 < len(ours) / soundfile.info(tmp_path / "as.wav").samplerate < 2.1
        part = {"sampling_rate": 12000, "offset": 0.25, "duration": 0.5}
        np.testing.assert_array_equal(
            read_waveform(tmp_path / name, **part), read_waveform(tmp_path / "as.wav", **part), name
        )
    run("-i", source, "-c:a", "alac", tmp_path / "exact.m4a")
    np.testing.assert_array_equal(read_waveform(tmp_path / "exact.m4a", None), read_waveform(source, None))
    assert ffmpeg.version() not in ("", "not installed")


@needs_ffmpeg
def test_a_playlist_that_is_named_as_a_song_opens_no_other_file(tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", tune(1.0))
    (tmp_path / "1.m4a").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{source}\n#EXT-X-ENDLIST\n")
    (tmp_path / "2.wma").write_text(f"ffconcat version 1.0\nfile {source.name}\n")
    for name in ("1.m4a", "2.wma"):
        with pytest.raises(AudioError, match="ffmpeg cannot decode it"):
            read_waveform(tmp_path / name)


def test_an_empty_folder_names_no_short_list_of_formats(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="wav, flac, mp3 or other audio files"):
        list_clips(tmp_path)
