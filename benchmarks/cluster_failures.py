"""What is lost when parts of a cluster fail? Real schedulers and workers are killed in the midst of real runs.

In each round a scheduler and two workers are started, features of all clips are computed on them by the command, both
workers are killed (SIGKILL) at random moments, and one is added. Then the scheduler itself is killed in the midst of a
run, and the same command goes on, on a new cluster and without one. Every table, JSON and list of failed clips must be
the same, byte for byte, as those of a run without a cluster.

With --addresses every worker has a network of its own, with its own address (Linux, as root: network namespaces on one
bridge), as machines have.

Run: python benchmarks/cluster_failures.py [--clips 600] [--rounds 10] [--scheduler-rounds 2] [--seed 0] [--addresses]
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import soundfile

ENDINGS = (".csv", ".json", "_errors.csv")
PARTS = (sys.executable, "-m")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
# The networks of workers: names, and the first three numbers of their addresses.
NETWORK, PREFIX, N_NETWORKS = "mgc-net", "10.213.7", 3


@contextmanager
def networks() -> Iterator[None]:
    """Make networks for three workers, on a bridge to this machine; take them away afterwards."""
    ip("link", "add", NETWORK, "type", "bridge")
    try:
        ip("addr", "add", f"{PREFIX}.1/24", "dev", NETWORK)
        ip("link", "set", NETWORK, "up")
        for number in range(N_NETWORKS):
            name = f"{NETWORK}{number}"
            inside = ("-n", name)
            ip("netns", "add", name)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", NETWORK, "up")
            ip(*inside, "addr", "add", f"{PREFIX}.{number + 2}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip(*inside, "link", "set", device, "up")
        yield
    finally:
        for number in range(N_NETWORKS):
            subprocess.run(["ip", "netns", "delete", f"{NETWORK}{number}"], **QUIET)
        subprocess.run(["ip", "link", "delete", NETWORK], **QUIET)


def ip(*words: str) -> None:
    """Run the system's command; what it complains of ends this one."""
    subprocess.run(["ip", *words], check=True)


class Machines:
    """A scheduler and workers, each a process; as a context, they end with it."""

    # Whether each worker has a network of its own.
    have_addresses = False

    def __init__(self, folder: Path) -> None:
        self.folder, self.workers, self.n_started = folder, list[subprocess.Popen](), 0
        host = f"{PREFIX}.1" if self.have_addresses else "127.0.0.1"
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://{host}:{port}"
        words = ("distributed.cli.dask_scheduler", "--host", host, "--port", str(port), "--no-dashboard")
        self.scheduler = subprocess.Popen([*PARTS, *words], **QUIET)

    def __enter__(self) -> "Machines":
        return self

    def __exit__(self, *exception: object) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def add(self) -> None:
        """Start a worker with one thread."""
        inside = ("ip", "netns", "exec", f"{NETWORK}{self.n_started}") if self.have_addresses else ()
        self.n_started += 1
        scratch = ("--local-directory", str(self.folder / f"worker{self.n_started}"))
        plain = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        words = ("distributed.cli.dask_worker", self.address, *plain, *scratch)
        self.workers.append(subprocess.Popen([*inside, *PARTS, *words], **QUIET))


def main() -> None:
    """Run all rounds and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--scheduler-rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--addresses", action="store_true", help="give every worker an address of its own (as root)")
    arguments = parser.parse_args()
    Machines.have_addresses = arguments.addresses
    draw = random.Random(arguments.seed)
    with networks() if arguments.addresses else nullcontext(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_clips(folder / "clips", arguments.clips)
        code = features(folder, "plain").wait()
        print(f"without a cluster: {arguments.clips} clips, exit code {code}", flush=True)
        for count in (1, 2):
            with Machines(folder) as machines:
                for _ in range(count):
                    machines.add()
                code = features(folder, f"on_{count}", machines.address).wait()
            print(f"on {count} workers: exit code {code}, {compared(folder, f'on_{count}')}", flush=True)
        n_same = 0
        for number in range(arguments.rounds):
            run, shares = f"round_{number}", sorted(draw.uniform(0.05, 0.7) for _ in range(2))
            with Machines(folder) as machines:
                machines.add()
                machines.add()
                process = features(folder, run, machines.address)
                for place, share in enumerate(shares):
                    wait_for(folder, run, share, process)
                    machines.workers[place].kill()
                    if not place:
                        machines.add()
                errors = process.communicate()[1]
            words = compared(folder, run)
            n_same += words == "the same bytes"
            print(f"round {number}: exit code {process.returncode}, {words}; {named(errors)} workers named", flush=True)
        print(
            f"{n_same} of {arguments.rounds} rounds with two workers killed and one added: the same bytes", flush=True
        )
        for number in range(arguments.scheduler_rounds):
            run = f"scheduler_{number}"
            with Machines(folder) as machines:
                machines.add()
                machines.add()
                process = features(folder, run, machines.address)
                wait_for(folder, run, draw.uniform(0.05, 0.7), process)
                machines.scheduler.kill()
                killed = time.monotonic()
                last = process.communicate()[1].splitlines()[-1]
                print(
                    f"scheduler killed: exit code {process.returncode} after {time.monotonic() - killed:.0f} s: {last}"
                )
            with Machines(folder) as machines:
                machines.add()
                code = features(folder, run, machines.address if number % 2 == 0 else None).wait()
            where = "on a new cluster" if number % 2 == 0 else "without a cluster"
            print(f"begun again {where}: exit code {code}, {compared(folder, run)}", flush=True)


def features(folder: Path, run: str, address: str | None = None) -> subprocess.Popen:
    """Start the command."""
    words = ["mgc_keras", "features", "clips", "-o", f"{run}.csv", "--features", "mfcc"]
    where = [] if address is None else ["--cluster", address]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen([*PARTS, *words, *where], cwd=folder, text=True, env=os.environ, **pipes)


def wait_for(folder: Path, run: str, share: float, process: subprocess.Popen) -> None:
    """Wait until a share of the table is in the journal, or the run is over."""
    journal, size = folder / f"{run}.csv.partial", (folder / "plain.csv").stat().st_size
    while process.poll() is None and not (journal.is_file() and journal.stat().st_size > share * size):
        time.sleep(0.02)


def compared(folder: Path, run: str) -> str:
    """Say whether a run left the files of the plain one, and nothing else."""
    wrong = [ending for ending in ENDINGS if content(folder, run, ending) != content(folder, "plain", ending)]
    if (folder / f"{run}.csv.partial").exists():
        wrong.append(".csv.partial is left")
    return f"other bytes in {', '.join(wrong)}" if wrong else "the same bytes"


def content(folder: Path, run: str, ending: str) -> bytes | None:
    path = folder / f"{run}{ending}"
    return path.read_bytes() if path.is_file() else None


def named(errors: str) -> int:
    """Count the workers that the command said were gone."""
    return errors.count("is gone")


def make_clips(folder: Path, count: int) -> None:
    """Fill a folder with clips of 20 s, each of its own."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        soundfile.write(folder / f"{number:04d}.wav", rng.standard_normal(20 * 22050).astype(np.float32) * 0.1, 22050)


if __name__ == "__main__":
    main()
