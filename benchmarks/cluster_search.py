"""What does a cluster cost the search? Sweeps through ``--cluster local:N`` against jobs of this machine, on its cores.

Small tasks send whole feature sets to workers, large ones single fits (see `mgc_keras.search.on_cluster`). Plain and
cluster sweeps take turns, and the least of each is compared: others' work on the machine only adds. Processor time,
which that moves less, stands beside the wall clock; what is not the workers' is the client's with its scheduler. The
start of the cluster is told apart.

With ``--threads 2 4 8`` the recorded scores are searched on that many threads of workers, up to four to a worker. More
threads than cores cannot be faster: the figures show what the scheduler costs. MFCCs are searched for the two small
tasks of classes alone (hours elsewhere), and sets with layer 5 not for Jamendo and UrbanSound8K, whose published files
of that layer are not those of the recorded run.

Run: python benchmarks/cluster_search.py [--published-features DIR] [--sets gtzan_genre=1,12345] [--repeats 3]
     python benchmarks/cluster_search.py --threads 2 4 8
Target: at most 1.10 times the time of as many jobs as threads; the same records, and the recorded scores.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from distributed import get_task_stream

from mgc_keras.cluster import Cluster, open_cluster
from mgc_keras.search import sweep
from mgc_keras.studies.choi2017.authors_files import read_published_scores, read_published_task
from mgc_keras.studies.choi2017.feature_sets import feature_blocks, layer_sets

PUBLISHED_FEATURES = Path(__file__).parents[2] / "shared" / "data" / "choi2017"
LAYER_SETS = layer_sets("published")
WITH_MFCC = [*LAYER_SETS, "mfcc", "mfcc+12345"]
COMPARED = {"gtzan_genre": LAYER_SETS, "ballroom_extended": ["1", "1234"]}
RECORDED = {
    "gtzan_speechmusic": WITH_MFCC,
    "gtzan_genre": WITH_MFCC,
    "emoMusic_a": LAYER_SETS,
    "emoMusic_v": LAYER_SETS,
    "ballroom_extended": LAYER_SETS,
    "jamendo_vd": [name for name in LAYER_SETS if "5" not in name],
    "urbansound": [name for name in LAYER_SETS if "5" not in name],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published-features", type=Path, default=PUBLISHED_FEATURES, metavar="DIR")
    parser.add_argument("--sets", nargs="+", metavar="TASK=SETS", help="default: all of GTZAN, two of Ballroom")
    parser.add_argument("--jobs", type=int, default=2, help="jobs, and threads of workers that they are compared with")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="search recorded scores on N threads")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    given = {task: names.split(",") for task, _, names in (word.partition("=") for word in options.sets or ())}
    searches = {
        task: Searches(options.published_features, task, names)
        for task, names in (given or (RECORDED if options.threads else COMPARED)).items()
    }
    for n_threads in options.threads or [options.jobs]:
        started = time.perf_counter()
        with open_cluster(f"local:{n_threads}") as cluster:
            count = f"{len(cluster.fit())} worker(s) with {cluster.n_threads} threads in all"
            print(f"{count}, started in {time.perf_counter() - started:.1f} s")
            for search in searches.values():
                if options.threads:
                    search.on(cluster, n_threads)
                else:
                    search.compare(cluster, options.jobs, options.repeats)
    print("target: at most 1.10, records identical")


@dataclass
class Cost:
    """What a sweep took, in seconds: by the wall clock, and of processors, here and in other processes."""

    wall: float
    here: float
    elsewhere: float

    def __str__(self) -> str:
        return f"{self.wall:8.1f} s wall{self.here:8.1f} s processor here{self.elsewhere:8.1f} s in other processes"


class Searches:
    """The searches of some feature sets of a task."""

    def __init__(self, folder: Path, task: str, names: list[str]) -> None:
        self.folder, self.task, self.names = folder, task, names
        self.data, self.blocks = read_published_task(folder, task)

    def records(self, n_sets: int | None = None, **how: Cluster | int | None) -> dict[str, bytes]:
        """Sweep, and return the records."""
        features = {name: feature_blocks(name) for name in self.names[:n_sets]}
        folds = self.data.folds(grouped=False)
        with tempfile.TemporaryDirectory() as folder:
            given = (self.blocks, self.data.target, folds, features, self.data.estimator)
            self.results = sweep(*given, task=self.task, record=folder, **how)
            return {path.name: path.read_bytes() for path in Path(folder).iterdir()}

    def compare(self, cluster: Cluster, jobs: int, repeats: int) -> None:
        """Sweep either way, in turns."""
        ways = {"plain": {"jobs": jobs}, "cluster": {"cluster": cluster}}
        for how in ways.values():
            self.records(n_sets=2, **how)  # starts processes, and compiles the solver in them
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        found = []
        for _ in range(repeats):
            for name, how in ways.items():
                costs[name].append(cost_of(lambda how=how: found.append(self.records(**how))))
                print(f"{self.task}, {len(self.names)} sets, {name:8}{costs[name][-1]}", flush=True)
        for clock, of in (("wall clock", lambda cost: cost.wall), ("processors", lambda c: c.here + c.elsewhere)):
            plain, ours = (min(map(of, costs[name])) for name in ways)
            print(f"{self.task}: {ours / plain:.2f} times as long on the cluster by {clock}, least of {repeats}")
        same = all(records == found[0] for records in found)
        print(f"{self.task}: records {'identical' if same else 'DIFFERENT'}")

    def on(self, cluster: Cluster, n_threads: int) -> None:
        """Sweep on a cluster, and tell of its tasks."""
        with get_task_stream(cluster.client) as stream:
            cost = cost_of(lambda: self.records(cluster=cluster))
        took = [
            part["stop"] - part["start"]
            for task in stream.data
            for part in task["startstops"]
            if part["action"] == "compute" and task["key"].startswith("_perform")
        ]
        recorded = read_published_scores(self.folder)
        recorded = recorded[recorded["task"] == self.task].set_index("feature")["score"]
        furthest = max(abs(self.results[name].score - recorded[name]) for name in self.names)
        print(
            f"{self.task}, {len(self.names)} sets, {n_threads} threads: {cost}\n    {len(took)} tasks, "
            f"{median(took):.2f} s each in the median, {sum(took):.1f} s in all; "
            f"off the recorded scores by {furthest:.0e} at most",
            flush=True,
        )


def cost_of(work: Callable[[], object]) -> Cost:
    """Run, and return what it took; processes that ended meanwhile are left out."""
    before, started = processor_seconds(), time.perf_counter()
    work()
    wall, used = time.perf_counter() - started, processor_seconds()
    used = {process: seconds - before.get(process, 0.0) for process, seconds in used.items()}
    here = used.pop(os.getpid())
    return Cost(wall, here, sum(used.values()))


def processor_seconds() -> dict[int, float]:
    """Return the processor time of this process, and of each that it started, by their numbers."""
    own = psutil.Process()
    return {process.pid: sum(process.cpu_times()[:2]) for process in (own, *own.children(recursive=True))}


if __name__ == "__main__":
    main()
