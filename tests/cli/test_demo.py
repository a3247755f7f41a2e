"""The page of ``mgc-keras demo``: what it says of songs, whom it answers, and what a browser makes of it."""

import asyncio
import http.client
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from broken_clips import write
from two_genres import LENGTH, RATE, share_of_high, song, two_genres

from mgc_keras.answers.classifier import SongClassifier
from mgc_keras.cli.main import main
from mgc_keras.demo import server
from mgc_keras.demo.answer_html import answer_html
from mgc_keras.demo.listener import SAMPLING_RATE, Limits, Listener, shown_name
from mgc_keras.demo.page import answerer
from mgc_keras.errors import AudioError, OptionError

LEVELS = (0.9, 0.2, -0.5, 0.8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_genres(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture(scope="module")
def classifier(model: Path) -> SongClassifier:
    return SongClassifier(model)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return write(tmp_path / "song.wav", song(*LEVELS), RATE)


def printed(capsys: pytest.CaptureFixture, model: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``classify --csv`` prints of a song of the working folder."""
    capsys.readouterr()
    monkeypatch.chdir(path.parent)
    main(["classify", path.name, "--weights", str(model), "--csv"])
    return capsys.readouterr().out


def test_a_song_is_heard_as_by_classify(
    classifier: SongClassifier,
    model: Path,
    wav: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Listener(classifier, None, Limits()).listen(wav, "song.wav")
    assert heard.csv() == printed(capsys, model, wav, monkeypatch)
    typical, least = heard.excerpts
    seconds = LENGTH / RATE
    assert (typical.what, typical.start, typical.end) == ("most typical", 0.0, pytest.approx(seconds))
    assert (least.what, least.start, least.end) == (
        "least typical",
        pytest.approx(2 * seconds),
        pytest.approx(3 * seconds),
    )
    assert [typical.share, least.share] == pytest.approx([share_of_high(0.9), share_of_high(-0.5)], abs=1e-3)
    # Away from its ends, where the resampler rings, it is the excerpt that it says.
    assert len(least.waveform) == round(seconds * SAMPLING_RATE)
    assert np.median(least.waveform) == pytest.approx(-0.5, abs=1e-2)


def test_what_is_shown(classifier: SongClassifier, wav: Path) -> None:
    shown = answer_html(Listener(classifier, None, Limits()).listen(wav, "<script>alert(1)</script>.wav"))
    mean = 100 * np.mean([share_of_high(level) for level in LEVELS])
    assert "<h2>high</h2>" in shown and f"{mean:.1f} % of the song" in shown and "&lt;script&gt;" not in shown
    # What stands before the last slash is no name of a file.
    assert "script>.wav" not in shown and "script&gt;.wav" in shown
    assert shown.count("<audio") == 2 and shown.count("data:image/png;base64,") == 5 and shown.count('alt=""') == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"This is no music.\n" * 200, "The file cannot be decoded as audio, it looks like text"),
        (b"", "The file is empty (zero bytes)"),
        (b"RIFF" + bytes(2_000_000), "The file has 2 MB: this page takes up to 0:10 (minutes:seconds) and 1 MB"),
    ],
)
def test_files_that_are_no_songs_get_a_sentence(
    classifier: SongClassifier, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    shown = answerer(Listener(classifier, None, Limits(10, 1)))(str(path), "my song.mp3")
    assert words in shown and "my song.mp3" in shown and "no answer" in shown and str(tmp_path) not in shown


def test_silence_cut_and_long_songs(classifier: SongClassifier, tmp_path: Path) -> None:
    answer = answerer(Listener(classifier, None, Limits(10, 1)))
    silent = write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    shown = answer(str(silent), "silence.wav")
    assert "<h2>not music</h2>" in shown and "The file is below -80 dB throughout" in shown and "<audio" not in shown
    # An hour in a few kilobytes: its size lets it in.
    long = write(tmp_path / "long.flac", np.zeros(3600 * 8000, np.int16), 8000)
    assert os.path.getsize(long) < 1e6 and "The file is longer than 0:10" in answer(str(long), "long.flac")
    whole = write(tmp_path / "whole.wav", song(*LEVELS), RATE)
    (cut := tmp_path / "cut.wav").write_bytes(whole.read_bytes()[:-LENGTH])
    heard = Listener(classifier, None, Limits(10, 1)).listen(cut, "cut.wav")
    assert heard.genres.best == "high" and heard.genres.remark and len(heard.genres.excerpts) == 3


def test_a_fault_of_the_program_is_told_as_one(
    classifier: SongClassifier, wav: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener(classifier, None, Limits())
    monkeypatch.setattr(listener, "listen", lambda path, name: 1 / 0)
    shown = answerer(listener)(str(wav), "song.wav")
    assert "this is a fault of the program" in shown and "ZeroDivisionError" not in shown
    assert "ZeroDivisionError" in caplog.text


def test_names_are_shown_and_never_paths() -> None:
    for name, shown in {
        "../../etc/passwd": "passwd",
        "C:\\music\\a.mp3": "a.mp3",
        "": "song",
        "/": "song",
        "a\x00b\x1b[31m.mp3": "ab[31m.mp3",
        "Motörhead – Ace.mp3": "Motörhead – Ace.mp3",
    }.items():
        assert shown_name(name) == shown


def test_limits_that_make_no_sense() -> None:
    for limits in ({"seconds": 0}, {"seconds": float("nan")}, {"megabytes": -1}, {"megabytes": 1e9}):
        with pytest.raises(OptionError, match="--max-"):
            Limits(**limits)
    with pytest.raises(AudioError):
        Listener(None, None, Limits()).listen(Path("/dev/null"), "song")


def test_wrong_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for gradio, arguments, words in (
            (True, ["--host", "0.0.0.0"], "ssh -L 7860:127.0.0.1:7860"),
            (True, ["--max-seconds", "0"], "--max-seconds"),
            (False, [], "pip install 'mgc_keras[demo]'"),
            (True, ["--run", str(tmp_path / "none")], "no such folder"),
            (True, ["--run", str(tmp_path)], "mgc-keras report"),
            (True, ["--port", str(port)], f"--port: port {port}"),
            (True, ["--port", "70000"], "70000 is no port"),
        ):
            monkeypatch.setattr(importlib.util, "find_spec", lambda name, found=gradio: found or None)
            code = main(["demo", *arguments])
            out, error = capsys.readouterr()
            assert code == 2 and out == "" and words in error and error.count("\n") == 1, error


def asked(**headers: str) -> tuple[int, dict[str, str]]:
    """Ask a guarded application; return status and headers."""
    sent = []

    async def application(scope: dict, receive: object, send: server.Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: dict) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(server.Guard(application)({"type": "http", "path": "/", "headers": raw}, None, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_only_this_machines_own_page_is_answered() -> None:
    here = "127.0.0.1:7860"
    for headers in ({"host": here}, {"host": "localhost:80"}, {"host": here, "origin": f"http://{here}"}):
        status, found = asked(**headers)
        assert status == 200 and "default-src 'self'" in found["content-security-policy"]
    for headers in (
        {},
        {"host": "evil.example:7860"},
        {"host": here, "origin": "http://evil.example"},
        {"host": here, "origin": "null"},
        {"host": here, "origin": "http://127.0.0.1:9"},
    ):
        assert asked(**headers)[0] == 403


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(
    not (importlib.util.find_spec("gradio") and importlib.util.find_spec("playwright") and chromium()),
    reason="needs Gradio, Playwright and Chromium: see CONTRIBUTING.md",
)
def test_in_a_browser(
    model: Path, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drop songs, look at answers and at a report, and end it: nothing is asked outside, and nothing is left."""
    from playwright.sync_api import sync_playwright

    run, temporary = tmp_path / "run", tmp_path / "temporary"
    temporary.mkdir()
    run.mkdir()
    (run / "report.html").write_text("<h1>A run</h1><p id=p>plain</p><script>p.textContent = 'script ran'</script>")
    (tmp_path / "secret.txt").write_text("secret")
    (run / "link.txt").symlink_to(tmp_path / "secret.txt")
    (text := tmp_path / "text.mp3").write_text("This is no music.\n" * 200)
    (large := tmp_path / "large.wav").write_bytes(bytes(1_500_000))
    limits = ["--max-megabytes", 1, "--max-seconds", 10]
    options = ["--weights", model, "--tag-weights", "none", "--run", run, "--port", 0, "--no-browser", *limits]
    command = [sys.executable, "-m", "mgc_keras", "demo", *map(str, options)]
    environment = {**os.environ, "TMPDIR": str(temporary), "GRADIO_ANALYTICS_ENABLED": "True", "GRADIO_SHARE": "True"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        process.stdout.readline()
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.stderr.read()
        asked_for: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1300, "height": 900})
            page.on("request", lambda request: asked_for.append(request.url))
            page.goto(address)
            page.set_input_files("input[type=file]", wav)
            page.wait_for_selector(".verdict h2")
            assert page.inner_text(".verdict h2") == "high" and page.inner_text(".song").startswith("song.wav")
            with page.expect_download() as download:
                page.click("a.download")
            assert Path(download.value.path()).read_text() == printed(capsys, model, wav, monkeypatch)
            page.wait_for_function("[...document.querySelectorAll('.answer audio')].every(a => a.duration > 0)")
            assert page.locator(".answer audio").count() == 2
            # Text scrolls in no direction but down, on narrow screens too.
            page.set_viewport_size({"width": 400, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            page.set_viewport_size({"width": 1300, "height": 900})
            page.reload()
            page.set_input_files("input[type=file]", text)
            page.wait_for_selector(".verdict.no-answer h2")
            assert "looks like text" in page.inner_text(".verdict")
            # A file is taken where none is shown.
            page.reload()
            page.set_input_files("input[type=file]", large)
            page.wait_for_selector("#too-large:visible")
            assert page.inner_text("#too-large").startswith("large.wav has 2 MB: this page takes up to 0:10")
            # By keyboard.
            page.get_by_role("tab").nth(1).press("Enter")
            assert page.frame_locator("iframe.report").locator("#p").inner_text() == "plain"
            browser.close()
        assert len(asked_for) > 20
        assert not [url for url in asked_for if not url.startswith((address, f"blob:{address}", "data:"))]
        listening = [
            found.laddr.ip for found in psutil.Process(process.pid).net_connections() if found.status == "LISTEN"
        ]
        assert listening == ["127.0.0.1"]
        for path, status in {"/run/report.html": 200, "/run/link.txt": 404, "/run/..%2Fsecret.txt": 404}.items():
            connection = http.client.HTTPConnection(urlsplit(address).netloc)
            connection.request("GET", path)
            assert connection.getresponse().status == status, path
        assert any(temporary.rglob("song.wav"))
    finally:
        process.send_signal(signal.SIGINT)
        out, error = process.communicate()
    assert process.returncode == 130 and "Traceback" not in error and error.count("\n") == 1, error
    assert not list(temporary.glob("mgc_keras*"))
