"""Features on a cluster: real schedulers and workers give what one process gives, byte for byte, whatever fails."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from broken_clips import write_unusable
from toy_extractor import OneAtATime, ToyExtractor, WaitingExtractor, write_clips

from mgc_keras.cli.main import main
from mgc_keras.cluster import Cluster, Task, open_cluster
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.features.export import export_features
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.on_cluster import _in_turn
from mgc_keras.features.scattering import ScatteringExtractor
from mgc_keras.studies.choi2017.network import convnet

dask = pytest.importorskip("dask", reason="needs the extra [cluster]")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with open_cluster("local:2") as cluster:
        assert cluster is not None
        yield cluster


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    write_unusable(folder / "bad")
    clips = write_clips(folder, 11)
    return [*clips, *(path for path in sorted((folder / "bad").iterdir()) if path.is_file())]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["toy.csv", "toy.parquet"])
@pytest.mark.parametrize("order", ["file", "shuffled"])
def test_tables_are_those_of_one_machine(
    tmp_path: Path, clips: list[Path], cluster: Cluster, name: str, order: str
) -> None:
    spans = {"window": 0.2, "hop": 0.1} if order == "file" else {}
    for where, on in (("here", None), ("there", cluster)):
        (tmp_path / where).mkdir()
        export_features(clips, tmp_path / where / name, ToyExtractor(batch_order=order, seed=1), cluster=on, **spans)
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert json.loads((tmp_path / "there" / "toy.json").read_text())["n_failed"] > 0


def test_networks_and_sequences_are_those_of_one_machine(tmp_path: Path, clips: list[Path], cluster: Cluster) -> None:
    extractors = {
        "batch.csv": NetworkExtractor(convnet(seed=3), batch_size=2),
        "stored.csv": NetworkExtractor(convnet(normalization="population", decibel_reference="clip"), batch_size=3),
        "scattering.npz": ScatteringExtractor(8192, 8000, J=5, Q=1, batch_size=2),
    }
    for name, extractor in extractors.items():
        for where, on in (("here", None), ("there", cluster)):
            (tmp_path / where).mkdir(exist_ok=True)
            export_features(clips[:5], tmp_path / where / name, extractor, cluster=on)
    assert content(tmp_path / "there") == content(tmp_path / "here")


def test_commands_print_and_write_the_same(
    tmp_path: Path, clips: list[Path], cluster: Cluster, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = clips[0].parent, cluster.client.scheduler.address
    monkeypatch.chdir(folder.parent)
    found = {}
    for where, on in (("here", ()), ("there", ("--cluster", address))):
        out = tmp_path / where
        out.mkdir()
        words = (
            ("check", folder.name, "-o", out / "findings.csv"),
            ("segment", folder.name, "-o", out / "songs", "--window-seconds", "0.1", "--no-plots", "--export-largest"),
            ("features", folder.name, "-o", out / "mfcc.csv", "--features", "mfcc"),
            ("tag", *clips[:3], "--weights", model(tmp_path), "--csv"),
        )
        codes = [main([str(word) for word in (*command, *on)]) for command in words]
        found[where] = codes, capsys.readouterr().out.replace(str(out), "OUT"), content(out)
    assert found["there"] == found["here"]
    assert len(found["here"][2]) > 10


def model(folder: Path) -> Path:
    import keras

    path = folder / "model.keras"
    if not path.exists():
        inputs = keras.Input((1200,))
        keras.Model(inputs, keras.layers.Dense(50, activation="sigmoid", name="tags")(inputs)).save(path)
    return path


def test_extractors_that_are_for_one_thread_are_called_by_one_at_a_time(tmp_path: Path, cluster: Cluster) -> None:
    export_features(write_clips(tmp_path, 12), tmp_path / "toy.csv", OneAtATime(batch_size=2), cluster=cluster)
    assert json.loads((tmp_path / "toy.json").read_text())["n_failed"] == 0
    assert sum(cluster.fit().values()) == 2 > len(cluster.fit())


@pytest.mark.parametrize("streams", [1, 2, 3])
def test_a_workers_threads_compute_as_many_batches_at_once_as_one_machine_does(streams: int) -> None:
    n_at_once, most, counting, together = 0, 0, threading.Lock(), threading.Barrier(streams, timeout=30)

    class Counted(ToyExtractor):
        def __call__(self, waveforms: np.ndarray) -> np.ndarray:
            nonlocal n_at_once, most
            with counting:
                n_at_once += 1
                most = max(most, n_at_once)
            # Fewer would wait here in vain.
            together.wait()
            time.sleep(0.05)
            with counting:
                n_at_once -= 1
            return super().__call__(waveforms)

    extractor = Counted(batch_size=1)
    extractor.streams = streams
    with ThreadPoolExecutor(12) as pool:
        rows = list(pool.map(lambda _: _in_turn(extractor)(np.ones((1, 100), np.float32)), range(12)))
    assert len(rows) == 12 and most == streams


def test_what_a_task_raises_is_raised_here(cluster: Cluster) -> None:
    with pytest.raises(OptionError, match="makes no sense"):
        list(cluster.run(_refuse, [Task(())]))
    assert sorted(cluster.run(pow, [Task((3,)), Task((4,))], shared=2)) == [(0, 8), (1, 16)]
    assert [found for _, found in cluster.run(pow, (Task((k,)) for k in range(40)), shared=2, in_order=True)] == [
        2**k for k in range(40)
    ]


def _refuse(shared: None) -> None:
    raise OptionError("makes no sense", field="option")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("local:0", "'0' is no number of threads"),
        ("local:two", "'two' is no number of threads"),
        ("nowhere.json", "there is no such scheduler file"),
        ("nothing", "no Dask scheduler answers at nothing"),
    ],
)
def test_wrong_addresses_are_refused(where: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgc_keras.cluster._PATIENCE", 1)
    with pytest.raises(OptionError, match=words), open_cluster(where):
        pass


def test_without_dask_one_line_says_what_to_install(
    tmp_path: Path, clips: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ["features", str(clips[0]), "-o", str(tmp_path / "x.csv"), "--features", "mfcc", "--cluster", "local"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error == "mgc-keras features: --cluster: needs Dask (pip install 'mgc_keras[cluster]')\n"
    assert not list(tmp_path.iterdir())


@contextmanager
def machines(folder: Path, *workers: dict[str, str | Path]) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """Start a scheduler and workers, each a process in a folder and an environment of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    program, quiet = (sys.executable, "-m"), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    own_path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), *sys.path)))
    plain = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", "--local-directory", str(folder))
    host, port = address.split(":")
    scheduler = ("distributed.cli.dask_scheduler", "--host", host, "--port", port, "--no-dashboard")
    environment = {**os.environ, "PYTHONPATH": own_path}
    processes = [subprocess.Popen([*program, *scheduler], env=environment, **quiet)]
    try:
        for worker in workers:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(worker.get("first", "")), own_path))}
            words = [*program, "distributed.cli.dask_worker", address, *plain]
            processes.append(subprocess.Popen(words, cwd=worker.get("cwd"), env=environment, **quiet))
        yield f"tcp://{address}", processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_workers_that_lack_clips_or_have_other_versions_are_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same path leads each worker to another folder, as on machines on which a disk is not mounted."""
    from distributed import Client

    for name in ("good", "lacks", "stale", "other"):
        write_clips(tmp_path / name, 0 if name == "lacks" else 24, seconds=0.4 if name == "stale" else 0.5)
    shadow = tmp_path / "shadow" / "soxr-99.0.dist-info"
    shadow.mkdir(parents=True)
    (shadow / "METADATA").write_text("Metadata-Version: 2.1\nName: soxr\nVersion: 99.0\n")
    monkeypatch.chdir(tmp_path / "good")
    clips = [Path("/proc/self/cwd") / f"clip{number:03d}.wav" for number in range(24)]
    here = export_features(clips, tmp_path / "here.csv", ToyExtractor(batch_size=1))
    workers = [{"cwd": tmp_path / name} for name in ("good", "lacks", "stale", "other")]
    workers[-1]["first"] = tmp_path / "shadow"
    with machines(tmp_path, *workers) as (address, _), Client(address) as client:
        # Were the first to come unfit, the run would end before the others came.
        client.wait_for_workers(4, timeout=60)
        cluster = Cluster(client)
        # The worker that is fit waits until all others were asked, however slow they are.
        gate = tmp_path / "all_told"
        opener = _when(lambda: caplog.text.count("it is asked no more") == 3, gate.touch)
        extractor = WaitingExtractor(gate=gate, batch_size=1)
        there = export_features(clips, tmp_path / "there.csv", extractor, cluster=cluster)
        opener.join()
        told = caplog.text
        assert there.read_bytes() == here.read_bytes()
        assert "lacks /proc/self/cwd/clip" in told and " bytes in /proc/self/cwd/clip" in told
        assert "has soxr 99.0, not" in told and told.count("it is asked no more") == 3
        # One that is gone for everybody is a clip's fault.
        (tmp_path / "good" / "clip008.wav").rename(tmp_path / "away.wav")
        export_features(clips, tmp_path / "there.csv", extractor, cluster=cluster)
        assert "clip008" in (tmp_path / "there_errors.csv").read_text()


def test_nobody_left_that_is_fit_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clips(tmp_path / "good", 5)
    (tmp_path / "lacks").mkdir()
    monkeypatch.chdir(tmp_path / "good")
    with machines(tmp_path, {"cwd": tmp_path / "lacks"}) as (address, _), open_cluster(address) as cluster:
        with pytest.raises(MgcKerasError, match="no worker is fit: tcp://.* lacks /proc/self/cwd/clip000.wav"):
            export_features([Path("/proc/self/cwd/clip000.wav")], tmp_path / "x.csv", ToyExtractor(), cluster=cluster)


def test_killed_workers_and_schedulers_lose_and_double_nothing(
    tmp_path: Path, clips: list[Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import distributed  # noqa: F401 (its settings, too)

    # Dask's own: how long a client looks for a scheduler that has gone.
    monkeypatch.setitem(dask.config.config["distributed"]["comm"]["timeouts"], "connect", "5s")
    monkeypatch.setattr("mgc_keras.cluster._LOOK_EVERY", 0.05)
    here = export_features(clips, tmp_path / "here.csv", ToyExtractor(batch_size=1))
    for victim, words in ((1, "is gone; others compute"), (0, "the scheduler is gone")):
        there = tmp_path / f"there_{victim}.csv"
        partial = there.with_name(f"{there.name}.partial")
        with machines(tmp_path, {}, {}) as (address, processes), open_cluster(address) as cluster:
            assert cluster is not None
            cluster.client.wait_for_workers(2, timeout=60)
            # Workers wait with their fourth clip until the victim is dead, so that it dies amid the run.
            gate = tmp_path / f"dead_{victim}"
            killer = _kill_when(partial, processes[victim], gate)
            try:
                export_features(clips, there, WaitingExtractor(slow=True, gate=gate, batch_size=1), cluster=cluster)
            except MgcKerasError as error:
                assert not victim and words in str(error)
            killer.join()
        assert victim == 0 or words in caplog.text
        if not victim:
            assert partial.exists()
            export_features(clips, there, ToyExtractor(batch_size=1))
        assert there.read_bytes() == here.read_bytes()


def _kill_when(journal: Path, process: subprocess.Popen, gate: Path) -> threading.Thread:
    """Kill a process as soon as some clips are done, then open the gate."""

    def kill() -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()
        gate.touch()

    return _when(lambda: journal.exists() and journal.read_bytes().count(b'"position"') >= 3, kill)


def _when(condition: Callable[[], bool], act: Callable[[], None], seconds: float = 60) -> threading.Thread:
    """Act in a thread once a condition holds; if it never does, act at the end, so that nobody waits for ever."""

    def watch() -> None:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread
