"""The check of a folder: every kind of finding from a file that really has the fault, and no other."""

import os
import shutil
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from broken_clips import RATE, cut, promise_more, tune, write, write_unusable

from mgc_keras.audio.check import KINDS, check_folder
from mgc_keras.audio.files import read_waveform
from mgc_keras.audio.mpeg import frame_length
from mgc_keras.audio.probe import probe_clip
from mgc_keras.errors import AudioError, OptionError


def kinds_by_clip(report):
    found = {}
    for finding in report.findings:
        found.setdefault(finding.clip, []).append(finding.kind)
    return found


def test_a_clean_folder(tmp_path):
    for k, suffix in enumerate([".wav", ".au", ".flac", ".ogg", ".mp3"]):
        write(tmp_path / f"class{k % 2}" / f"{k}{suffix}", tune(seed=k))
    (tmp_path / "class0" / "._0.wav").write_bytes(b"left by macOS")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "readme").touch()
    report = check_folder(tmp_path)
    assert report.findings == () and report.counts() == {} and report.n_clips == 5
    assert report.clips_per_folder == {"class0": 3, "class1": 2}
    assert report.skipped == {"": 1, ".txt": 1}


def test_real_clips_are_clean(shared_data):
    report = check_folder(shared_data / "audio" / "misc")
    assert report.findings == () and report.n_clips == 10


def test_every_unusable_file_is_found(tmp_path):
    expected = write_unusable(tmp_path)
    report = check_folder(tmp_path)
    found = kinds_by_clip(report)
    # A name that is missing or a folder cannot be found by a search for files.
    names = set(expected) - {"missing.wav", "folder.wav"}
    assert set(found) == names
    kinds = {"zero_bytes.wav": "empty", "no_samples.wav": "empty", "cut.flac": "truncated"}
    assert {name: found[name][0] for name in names} == {name: kinds.get(name, "unreadable") for name in names}
    assert all(finding.cure and finding.detail for finding in report.findings)


def test_every_clip_that_cannot_be_read_is_found(tmp_path):
    write_unusable(tmp_path)
    write(tmp_path / "good.wav", tune())
    affected = {finding.clip for finding in check_folder(tmp_path).findings}
    for path in sorted(tmp_path.glob("*.*")):
        if path.is_file() and path.name not in affected:
            assert np.isfinite(read_waveform(path)).all()
    assert "good.wav" not in affected


def test_truncated_clips(tmp_path):
    for suffix in (".wav", ".au", ".flac", ".ogg", ".mp3"):
        whole = write(tmp_path / f"whole{suffix}", tune(8.0, seed=len(suffix)))
        cut(tmp_path / f"cut{suffix}", whole)
    promise_more(tmp_path / "more.wav", write(tmp_path / "w.wav", tune(seed=9)))
    (tmp_path / "w.wav").unlink()
    report = check_folder(tmp_path)
    truncated = {finding.clip: finding.detail for finding in report.findings if finding.kind == "truncated"}
    assert set(truncated) == {"cut.wav", "cut.au", "cut.flac", "cut.ogg", "cut.mp3", "more.wav"}
    assert truncated["cut.wav"] == "holds 60.0 % of the audio its header promises; 4.8 s decode"
    assert "decoding stops before the end" in truncated["cut.flac"]


def test_damage_in_the_middle(tmp_path):
    noise = np.random.default_rng(3).bytes(4000)
    for suffix in (".flac", ".ogg", ".mp3"):
        content = bytearray(write(tmp_path / f"clip{suffix}", tune(8.0)).read_bytes())
        middle = len(content) // 2
        content[middle : middle + len(noise)] = noise
        (tmp_path / f"clip{suffix}").write_bytes(content)
    # A header that names the number of frames gives it away, and without one what lies between them.
    content = (tmp_path / "clip.mp3").read_bytes()
    (tmp_path / "headless.mp3").write_bytes(content[frame_length(content[:4]) :])
    damaged = {
        "clip.flac": ["truncated"],
        "headless.mp3": ["truncated"],
        "clip.ogg": ["truncated"],
        "clip.mp3": ["truncated"],
    }
    assert kinds_by_clip(check_folder(tmp_path)) == damaged


def test_a_truncated_real_mp3(tmp_path, shared_data):
    source = sorted((shared_data / "audio" / "emotify").glob("*/*.mp3"))[0]
    shutil.copy(source, tmp_path / "whole.mp3")
    cut(tmp_path / "cut.mp3", source)
    assert kinds_by_clip(check_folder(tmp_path)) == {"cut.mp3": ["truncated"]}


def test_levels_that_are_no_sound_and_channels_that_cancel(tmp_path):
    samples = tune(1.0)
    write(tmp_path / "int16.wav", samples * 32768, subtype="FLOAT")
    write(tmp_path / "hot.wav", samples * 8, subtype="FLOAT")
    huge = samples.copy()
    huge[100] = 3e38
    write(tmp_path / "huge.wav", huge, subtype="FLOAT")
    noise = np.random.default_rng(0).normal(0, 0.1, (RATE, 2))
    write(tmp_path / "independent.wav", noise)
    # What is equal in both has 0.02 squared of the power, then 0.2 squared.
    write(tmp_path / "nearly.wav", noise[:, :1] * [1, -1] + noise[:, 1:] * [0.02, 0.02])
    write(tmp_path / "far.wav", noise[:, :1] * [1, -1] + noise[:, 1:] * [0.2, 0.2])
    report = check_folder(tmp_path)
    expected = {name: ["implausible_level"] for name in ("int16.wav", "huge.wav")} | {"nearly.wav": ["antiphase"]}
    assert kinds_by_clip(report) == expected
    (nearly,) = (finding for finding in report.findings if finding.kind == "antiphase")
    assert "0.04 % of their power" in nearly.detail


def test_silent_clips(tmp_path):
    n = RATE
    generator = np.random.default_rng(0)
    tone = tune(1.0, channels=1)[:, 0]
    write(tmp_path / "zeros.wav", np.zeros(n))
    write(tmp_path / "constant.wav", np.full(n, 0.25))
    write(tmp_path / "dither.wav", generator.integers(-1, 2, n) / 32768)
    write(tmp_path / "cancels.wav", np.stack([tone, -tone], axis=1))
    write(tmp_path / "quiet_music.wav", tone / 100)
    silent = {"zeros.wav", "constant.wav", "dither.wav", "zeros_again.wav"}
    # Equal silence is not worth calling a duplicate.
    write(tmp_path / "zeros_again.wav", np.zeros(n))
    expected = {name: ["silent"] for name in silent} | {"cancels.wav": ["antiphase"]}
    assert kinds_by_clip(check_folder(tmp_path)) == expected


def test_short_clips(tmp_path):
    for n in (1, 100, RATE // 10, RATE):
        write(tmp_path / f"{n}.wav", tune(1.0, seed=n)[:n])

    def too_short(**options):
        findings = check_folder(tmp_path, **options).findings
        return {finding.clip for finding in findings if finding.kind == "too_short"}

    assert too_short() == {"1.wav", "100.wav"}
    assert too_short(minimum_duration=0.5) == {"1.wav", "100.wav", f"{RATE // 10}.wav"}
    assert "too_short" not in check_folder(tmp_path, minimum_duration=0).counts()


def test_many_channels_and_high_rates_are_fine(tmp_path):
    write(tmp_path / "eight.wav", tune(0.5, channels=8))
    write(tmp_path / "fast.wav", tune(0.5, 192000), 192000)
    assert check_folder(tmp_path).findings == ()


def test_wrong_extensions(tmp_path):
    rightly = {".wav": "WAV", ".au": "AU", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3", ".aiff": "AIFF"}
    for k, (suffix, name) in enumerate(rightly.items()):
        source = write(tmp_path / f"source{suffix}", tune(seed=k))
        for other in rightly:
            if other != suffix:
                shutil.copy(source, tmp_path / f"{name}_as{other}")
        source.unlink()
    soundfile.write(tmp_path / "MAT5_as.wav", tune(seed=9), RATE, format="MAT5")
    found = [finding for finding in check_folder(tmp_path).findings if finding.kind == "wrong_extension"]
    assert len(found) == 31
    for finding in found:
        name = finding.clip.split("_")[0]
        assert finding.detail == f"holds {name} audio"
        right = {known: suffix for suffix, known in rightly.items()}.get(name)
        assert finding.cure == (f"rename it to {name}_as{right}" if right else "convert it to wav")


def test_duplicates(tmp_path):
    samples = tune()
    write(tmp_path / "jazz" / "a.wav", samples)
    write(tmp_path / "jazz" / "b.flac", samples)
    write(tmp_path / "blues" / "c.au", samples)
    write(tmp_path / "blues" / "float.wav", samples, subtype="FLOAT")
    almost = samples.copy()
    almost[-1] += 1 / 32768
    write(tmp_path / "jazz" / "almost.wav", almost)
    write(tmp_path / "jazz" / "shorter.wav", samples[:-1])
    write(tmp_path / "jazz" / "other_rate.wav", samples, 16000)
    write(tmp_path / "pop" / "x.mp3", tune(seed=5))
    shutil.copy(tmp_path / "pop" / "x.mp3", tmp_path / "pop" / "y.mp3")
    report = check_folder(tmp_path)
    assert report.duplicate_groups == (
        ("blues/c.au", "blues/float.wav", "jazz/a.wav", "jazz/b.flac"),
        ("pop/x.mp3", "pop/y.mp3"),
    )
    details = {finding.clip: finding.detail for finding in report.findings}
    assert details == {
        "blues/c.au": "same audio as blues/float.wav and 2 more",
        "blues/float.wav": "same audio as blues/c.au",
        "jazz/a.wav": "same audio as blues/c.au",
        "jazz/b.flac": "same audio as blues/c.au",
        "pop/x.mp3": "same audio as pop/y.mp3",
        "pop/y.mp3": "same audio as pop/x.mp3",
    }
    cures = {finding.clip: finding.cure for finding in report.findings}
    assert "where it belongs" in cures["jazz/a.wav"] and cures["pop/x.mp3"] == "keep one of them"


def test_the_report_is_sorted_and_does_not_depend_on_jobs(tmp_path):
    write_unusable(tmp_path / "bad")
    for k in range(6):
        write(tmp_path / "good" / f"{k}.wav", tune(seed=k // 2))
    one, many = check_folder(tmp_path, jobs=1), check_folder(tmp_path, jobs=8)
    assert one == many
    order = [(KINDS.index(finding.kind), finding.clip) for finding in one.findings]
    assert order == sorted(order)
    assert set(one.counts()) == {"unreadable", "empty", "truncated", "duplicate"}
    assert one.counts()["duplicate"] == 6


def test_findings_as_csv(tmp_path):
    write_unusable(tmp_path / "bad, really")
    report = check_folder(tmp_path)
    path = report.write(tmp_path / "out" / "findings.csv")
    pd.testing.assert_frame_equal(pd.read_csv(path), report.table(), check_dtype=False)
    assert list(report.table()) == ["clip", "kind", "detail", "cure"]
    clean = check_folder(write(tmp_path / "clean" / "1.wav", tune()).parent)
    assert clean.write(tmp_path / "none.csv").read_text() == "clip,kind,detail,cure\n"


def test_names_that_are_no_utf8(tmp_path):
    strange = os.fsdecode(b"caf\xe9.wav")
    (tmp_path / strange).write_text("no music")
    report = check_folder(tmp_path)
    assert report.findings[0].clip == "caf\\xe9.wav"
    assert "caf" in report.write(tmp_path / "findings.csv").read_text(encoding="utf-8")


def test_memory_stays_flat(tmp_path):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, subtype="PCM_16") as stream:
        for minute in range(20):
            stream.write(tune(60.0, 8000, 1, seed=minute))
    tracemalloc.start()
    probe = probe_clip(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Whole, the waveform alone has 38 MB.
    assert probe.duration == 1200 and peak < 4_000_000


def test_a_file_is_a_clip(tmp_path):
    report = check_folder(write(tmp_path / "clip.wav", tune(2.0)), minimum_duration=3.0)
    write(tmp_path / "beside.wav", tune(0.2))
    assert (report.n_clips, report.folder, report.skipped) == (1, tmp_path, {})
    assert [(finding.clip, finding.kind) for finding in report.findings] == [("clip.wav", "too_short")]


def test_folders_that_cannot_be_checked(tmp_path):
    with pytest.raises(AudioError, match="no such folder"):
        check_folder(tmp_path / "nowhere")
    with pytest.raises(AudioError, match="holds no audio files"):
        check_folder(tmp_path)
    for options in ({"minimum_duration": -1.0}, {"minimum_duration": float("nan")}, {"jobs": 0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            check_folder(tmp_path, **options)


def test_a_constant_is_not_called_silent_and_one_byte_is_not_nothing(tmp_path):
    write(tmp_path / "constant.wav", np.full((8000, 1), 0.5))
    write(tmp_path / "silent.wav", np.full((8000, 1), 1 / 32768))
    whole = write(tmp_path / "short.wav", tune(2.0))
    whole.write_bytes(whole.read_bytes()[:-1])
    details = {finding.clip: finding.detail for finding in check_folder(tmp_path).findings}
    assert details["constant.wav"] == "its mono mix is constant (DC offset)"
    assert details["silent.wav"] == "its mono mix is below -80 dB throughout"
    assert details["short.wav"].startswith("is 1 byte short of the audio its header promises; ")
