"""The sub-runs of the Asgharivaskasi 2019 study: which network sees which segments of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# What the names of scores add for segments.
SUFFIXES = {"whole": "", "3s": "-3s", "largest-cluster": "-segmented"}


@dataclass(frozen=True)
class SubRun:
    """One sub-run.

    Attributes
    ----------
    kind : {"baseline", "image", "recurrent"}
    segments : tuple of {"whole", "3s", "largest-cluster"}
        See `mgc_keras.features.segments`; each is scored by itself, and networks have one.
    network : str
        Of an image network the backbone, of a recurrent one the kind of layer.
    """

    kind: str
    segments: tuple[str, ...] = ("whole",)
    network: str = ""


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


def on_songs(name: str, sub_run: SubRun) -> bool:
    """Tell whether a sub-run takes the built-in whole songs: where songs are segmented, VGG16 is compared, too."""
    return name == "vgg16" or "largest-cluster" in sub_run.segments


def on_clips(sub_run: SubRun) -> bool:
    """Tell whether a sub-run takes the built-in corpus' clips of genres."""
    return "largest-cluster" not in sub_run.segments
