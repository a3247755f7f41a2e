"""``python -m tests.campaign``: try damaged input of every kind on the package, and say what did not hold."""

import argparse
import csv
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from tests.campaign.bench import Bench, Result
from tests.campaign.pool import Pool

EPILOG = """\
Numbers of trials: --n of audio, and for each 1000 of those 150 of weights, 150 of manifests, 100 of run folders, 100 of
journals, 10 folders of clips through the command line, 50 kills and 20 SIGTERMs; at least one of each.

Every failing input is kept as OUT/KIND/NUMBER/, with how.txt: what was done to it, and what went wrong. OUT/failed.csv
lists them. The same seed and number make the same input again:
  python -m tests.campaign --kinds audio --numbers 17 --seed 0

exit code: 0 everything held, 1 something did not, 2 wrong options
"""


def kinds() -> dict[str, type[Bench]]:
    """Return every kind by its name."""
    from tests.campaign.audio import Audio
    from tests.campaign.commands import Commands
    from tests.campaign.journals import Journals
    from tests.campaign.manifests import Manifests
    from tests.campaign.run_folders import RunFolders
    from tests.campaign.stops import Kills, Terms
    from tests.campaign.weights import Weights

    return {kind.name: kind for kind in (Audio, Commands, Weights, Manifests, RunFolders, Journals, Kills, Terms)}


def main(words: list[str] | None = None) -> int:
    """Run the campaign of a command line; return its exit code."""
    known = kinds()
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaign",
        description="Damaged audio, weights, manifests, run folders and journals; killed and stopped jobs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--n", type=int, default=1000, help="clips to damage; the other kinds go by it (default: 1000)")
    parser.add_argument("--kinds", default=",".join(known), help="which kinds, with commas (default: %(default)s)")
    parser.add_argument("--numbers", type=int, nargs="+", metavar="NUMBER", help="these trials alone, of each kind")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other inputs (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    parser.add_argument("--memory", type=float, default=2000, help="MB that a trial may take (default: %(default)g)")
    parser.add_argument(
        "--out", type=Path, default=Path("campaign"), help="folder for failing inputs, empty or new (default: campaign)"
    )
    arguments = parser.parse_args(words)
    chosen = arguments.kinds.split(",")
    if unknown := sorted(set(chosen) - set(known)):
        parser.error(f"there is no kind {unknown[0]!r}: choose among {', '.join(known)}")
    if arguments.n < 1 or arguments.jobs < 1:
        parser.error("--n and --jobs must be above 0")
    if arguments.out.exists() and any(arguments.out.iterdir()):
        parser.error(f"{arguments.out} is not empty: choose another folder for --out, or empty that one")
    results: dict[str, list[Result]] = {}
    seconds: dict[str, float] = {}
    for name in chosen:
        kind, start = known[name], time.monotonic()
        numbers = arguments.numbers or list(range(max(1, round(arguments.n * kind.share))))
        pool = Pool(kind, arguments.out.absolute(), arguments.seed, arguments.jobs, arguments.memory)
        bar = tqdm(pool.run(numbers), desc=name, total=len(numbers), unit="trial", mininterval=1)
        results[name] = sorted(bar, key=lambda result: result.number)
        seconds[name] = time.monotonic() - start
    report(results, seconds, arguments.out)
    return int(any(result.group for found in results.values() for result in found))


def report(results: dict[str, list[Result]], seconds: dict[str, float], out: Path) -> None:
    """Print the table, then each group of failures with its smallest input; write all failures to ``failed.csv``."""
    print(f"\n{'kind':12} {'tried':>6} {'held':>6} {'failed':>6} {'peak MB':>8} {'seconds':>8}")
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for name, found in results.items():
        failed = [result for result in found if result.group]
        peak = max((result.peak for result in found), default=0)
        print(f"{name:12} {len(found):6} {len(found) - len(failed):6} {len(failed):6} {peak:8.0f} {seconds[name]:8.0f}")
        for result in failed:
            groups[name, result.group].append(result)
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "failed.csv", "w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["kind", "group", "number", "note", "peak_mb", "path"])
        for (name, group), found in sorted(groups.items()):
            smallest = min(found, key=lambda result: result.size)
            print(f"\n{name}: {group}: {len(found)}\n  {smallest.note}\n  {out / name / str(smallest.number)}")
            for result in found:
                path = out / name / str(result.number)
                table.writerow([name, group, result.number, result.note, f"{result.peak:.0f}", path])


if __name__ == "__main__":
    sys.exit(main())
