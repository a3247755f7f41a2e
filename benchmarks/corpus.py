"""How much faster than real time the built-in corpus renders: seconds of audio per second on one core, a task a line.

Run as: python benchmarks/corpus.py [--sampling-rate 12000] [--clips 40]
The bar is 20; processor time is measured, so a busy machine does not count against it.
"""

import argparse
import time

from mgc_keras.corpus import TASKS, corpus_table, render_clip


def real_time_ratio(task: str, n_clips: int, sampling_rate: int) -> float:
    """Return seconds of audio divided by seconds of processor time, over clips spread evenly over the task."""
    table = corpus_table(task)
    rows = table.iloc[:: max(1, len(table) // n_clips)].to_dict("records")
    render_clip(rows[0], sampling_rate)
    started, seconds = time.process_time(), 0.0
    for row in rows:
        seconds += len(render_clip(row, sampling_rate)) / sampling_rate
    return seconds / (time.process_time() - started)


def main() -> None:
    """Print one line a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sampling-rate", type=int, default=12000, metavar="HZ")
    parser.add_argument("--clips", type=int, default=40, metavar="N", help="clips a task, at most about this many")
    options = parser.parse_args()
    print(f"{'task':14}{'x real time':>12}   ({options.sampling_rate} Hz, one core, bar: 20)")
    for task in TASKS:
        print(f"{task:14}{real_time_ratio(task, options.clips, options.sampling_rate):12.0f}", flush=True)


if __name__ == "__main__":
    main()
