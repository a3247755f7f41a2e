"""The sub-runs of the Asgharivaskasi 2019 study: which network sees which pieces of a clip."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SubRun:
    """One sub-run.

    Attributes
    ----------
    kind : {"baseline", "image", "recurrent"}
    pieces : tuple of {"whole", "3s", "largest-cluster"}
        See `mgc_keras.features.pieces`; each is scored by itself.
    network : str
        Of an image network the backbone, of a recurrent one the kind of layer.
    """

    kind: str
    pieces: tuple[str, ...] = ("whole",)
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
# On the built-in corpus segmentation is tried on its whole songs; the other sub-runs take its clips of genres.
ON_SONGS = ("vgg16", "vgg16-segmented")
