"""Trainings under `tf.distribute`: real processes that agree with one alone, die, and go on from the last epoch."""

import json
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import strategy_worker
from forked import Forked
from strategy_worker import BATCH_SIZE, N_TRAINING, TRAININGS, train_convnet

from mgc_keras.errors import OptionError
from mgc_keras.training.replicas import ReplicatedNormalization, make_stepper
from mgc_keras.training.stepping import Stepper
from mgc_keras.training.strategies import open_workers, read_cluster

# The bound on losses; what is measured is printed by benchmarks/strategies.py.
CLOSE = 1e-4
# Seconds after which a process that waits for a dead one would fail the test.
PATIENCE = 120


@dataclass
class Ended:
    """What a worker left: exit code, texts, and what it found out."""

    code: int
    out: str
    err: str

    @property
    def found(self) -> dict:
        return json.loads(self.out.split("FOUND")[-1])


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run(what: str, folder: Path, n_workers: int = 2) -> list[Ended]:
    """Start a process for each worker, on the loopback, and wait for all; the chief's folder is `folder`."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(n_workers)]
    processes = []
    for index in range(n_workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        place = folder if index == 0 else folder.with_name(f"{folder.name}_of_worker{index}")
        place.mkdir(exist_ok=True)
        environment = os.environ | {"TF_CONFIG": json.dumps(config), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if what.startswith("mirrored"):
            del environment["TF_CONFIG"]
        processes.append(Forked(strategy_worker.__file__, what, place, env=environment))
    try:
        texts = [process.communicate(timeout=PATIENCE) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [Ended(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("alone")
    return {name: TRAININGS[name](folder / name, None).curve for name in ("convnet", "recurrent")}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Ended]]:
    folder = tmp_path_factory.mktemp("together") / "chief"
    workers = run("all", folder)
    assert [worker.code for worker in workers] == [0, 0], workers
    return folder, workers


@pytest.mark.parametrize("name", ["convnet", "recurrent"])
def test_two_workers_compute_what_one_process_does(name: str, alone: dict, together: tuple) -> None:
    columns = ["loss", "validation_loss"]
    for worker in together[1]:
        curve = pd.DataFrame(worker.found[name])
        np.testing.assert_allclose(curve[columns].iloc[0], alone[name][columns].iloc[0], atol=CLOSE, rtol=0)
        assert curve["epoch"].tolist() == alone[name]["epoch"].tolist()


def test_all_workers_have_the_same_curve_to_the_last_bit(together: tuple) -> None:
    chief, other = (worker.found for worker in together[1])
    assert all(chief[name] == other[name] for name in TRAININGS)


def test_a_worker_reads_the_clips_of_its_own_shares_and_writes_nothing(together: tuple) -> None:
    folder, workers = together
    order = np.random.default_rng((3, 0)).permutation(N_TRAINING)
    batches = [order[start : start + BATCH_SIZE] for start in range(0, N_TRAINING, BATCH_SIZE)]
    # The last batch is one clip, which both take.
    halves = [[batch[:2] for batch in batches], [batch[2 * (len(batch) > 1) :] for batch in batches]]
    for worker, half in zip(workers, halves, strict=True):
        assert worker.found["read"][: sum(map(len, half))] == np.concatenate(half).tolist()
    assert sorted(path.name for path in folder.iterdir()) == sorted(TRAININGS)
    assert not list(folder.with_name("chief_of_worker1").iterdir())


def test_workers_that_differ_in_settings_name_the_setting(together: tuple) -> None:
    for worker in together[1]:
        assert "epochs: worker 1 (127.0.0.1:" in worker.err and "has 5, worker 0 has 4 (start all" in worker.err


def test_a_killed_worker_ends_the_other_with_one_line_and_both_go_on_from_the_last_epoch(
    together: tuple, tmp_path: Path
) -> None:
    unbroken, broken = together[0] / "dropout", tmp_path / "chief"
    survivor, killed = run("killed", broken)
    assert killed.code == -9
    # The progress bar stands before it.
    last = survivor.err.replace("\r", "\n").strip().splitlines()[-1]
    assert survivor.code == 2 and "Traceback" not in survivor.err
    assert "--strategy: worker 1 (127.0.0.1:" in last and "goes on from its last epoch" in last
    assert len(pd.read_csv(broken / "dropout" / "history.csv")) == 2
    shutil.copytree(broken, tmp_path / "for one")
    assert [worker.code for worker in run("again", broken)] == [0, 0]
    # Dropout, which runs on from epoch to epoch, included.
    for name in ("history.csv", "best.npz", "checkpoint.npz"):
        assert (broken / "dropout" / name).read_bytes() == (unbroken / name).read_bytes(), name

    # One process alone goes on, too, from the epochs that two have finished.
    rest = train_convnet(tmp_path / "for one" / "dropout", None, dropout=0.5).curve
    assert rest.iloc[:2].equals(pd.read_csv(unbroken / "history.csv").iloc[:2]) and len(rest) == 4


def test_two_devices_of_one_process_compute_what_one_does(alone: dict, tmp_path: Path) -> None:
    (process,) = run("mirrored2", tmp_path / "chief", n_workers=1)
    assert process.code == 0, process.err
    found, curve = pd.DataFrame(process.found["convnet"]), alone["convnet"]
    np.testing.assert_allclose(found["loss"].iloc[0], curve["loss"].iloc[0], atol=CLOSE, rtol=0)
    assert process.found["read"][:N_TRAINING] == np.random.default_rng((3, 0)).permutation(N_TRAINING).tolist()


def test_batch_statistics_are_exact_where_a_sum_of_one_after_the_other_is_not() -> None:
    values = np.random.default_rng(0).normal(3, 5, (8, 96, 320, 4)).astype(np.float32)
    layer = ReplicatedNormalization(momentum=0.0)
    layer(values, training=True)
    exact = values.astype(np.float64)
    np.testing.assert_allclose(layer.moving_mean, exact.mean((0, 1, 2)), rtol=5e-7)
    np.testing.assert_allclose(layer.moving_variance, exact.var((0, 1, 2)), rtol=5e-7)


def test_one_replica_takes_the_very_steps_of_no_strategy() -> None:
    for strategy in (None, "mirrored"):
        workers = open_workers(strategy)
        if workers.n_replicas == 1:
            assert type(make_stepper(strategy_worker.convnet(), 1e-3, True, None, workers)) is Stepper


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "TF_CONFIG: is not set, and --strategy multiworker needs it (on the first of two machines: TF_CONFIG="),
        ('{"cluster": ', "TF_CONFIG: is no JSON"),
        ("[]", 'needs "cluster" with lists of addresses'),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "from 0 to 0"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}', "has index -1 of 1 tasks"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}', "tasks of type 'ps'"),
        ('{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}', "names a:1 twice"),
        ('{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}', "the address 'a' (give host:port"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}', "names 2 chiefs"),
    ],
)
def test_a_wrong_tf_config_is_one_line(text: str | None, message: str) -> None:
    with pytest.raises(OptionError) as error:
        read_cluster(text)
    assert message in str(error.value) and str(error.value).startswith("TF_CONFIG: ")


def test_mirrored_is_refused_where_several_machines_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(OptionError, match="--strategy mirrored: is for one machine, and TF_CONFIG names several"):
        open_workers("mirrored")


def test_a_chief_of_its_own_stands_before_the_workers() -> None:
    jobs = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    cluster = read_cluster(json.dumps({"cluster": jobs, "task": {"type": "worker", "index": 1}}))
    assert (cluster.addresses, cluster.worker, cluster.name(2)) == (("a:1", "b:1", "c:1"), 2, "worker 2 (c:1)")


def test_fewer_clips_a_batch_than_devices_are_refused() -> None:
    workers = open_workers(None)
    workers.check_batch(1)
    workers.n_replicas = 16
    with pytest.raises(OptionError, match=r"--batch-size: 8 clips a batch are too few for 16 devices \(give 16"):
        workers.check_batch(8)


def test_a_port_in_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        addresses = [f"127.0.0.1:{taken.getsockname()[1]}", "127.0.0.1:1"]
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        with pytest.raises(OptionError, match=r"TF_CONFIG: this worker's port \d+ cannot be had"):
            open_workers("multiworker")
