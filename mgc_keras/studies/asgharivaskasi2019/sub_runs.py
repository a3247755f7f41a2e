"""The sub-runs of the Asgharivaskasi 2019 study: which network sees which segments of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# What the names of scores add for segments.
SUFFIXES = {"whole": "", "3s": "-3s", "largest-cluster": "-segmented"}


@dataclass(frozen=True)
class SubRun:
    """One sub-run: a "baseline", or an "image" or "recurrent" network.

    `segments` (see `mgc_keras.features.segments`) are scored each by itself, and networks have one. `network` is the
    backbone of an image network, the kind of layer of a recurrent one.
    """

    kind: str
    segments: tuple[str, ...] = ("whole",)
    network: str = ""

    @property
    def on_songs(self) -> bool:
        """Whether it takes the built-in corpus' whole songs, and not its clips of genres."""
        return "largest-cluster" in self.segments


SUB_RUNS = {
    "baselines": SubRun("baseline", ("whole", "3s")),
    "vgg16": SubRun("image", network="vgg16"),
    "vgg16-3s": SubRun("image", ("3s",), "vgg16"),
    "vgg16-segmented": SubRun("image", ("largest-cluster",), "vgg16"),
    "resnet34": SubRun("image", network="resnet34"),
    "rnn": SubRun("recurrent", network="gru"),
    "skip-rnn": SubRun("recurrent", network="skip_gru"),
}


def chosen(names: Sequence[str], segment: str) -> dict[str, SubRun]:
    """Return sub-runs by the names of their scores; `segment` says what whole clips become, "none" leaves them.

    Example
    -------
    >>> list(chosen(["baselines", "vgg16", "vgg16-3s", "rnn"], "3s"))
    ['baselines', 'vgg16-3s', 'rnn-3s']
    """
    found = {}
    for name in names:
        sub_run = SUB_RUNS[name]
        if segment != "none" and "whole" in sub_run.segments:
            sub_run = replace(sub_run, segments=(segment,))
            name = name if sub_run.kind == "baseline" else f"{name}{SUFFIXES[segment]}"
        found[name] = sub_run
    return found
