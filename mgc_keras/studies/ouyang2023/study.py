"""The study of Ouyang (2023): what it does, its options, and the faults that it mends."""

from dataclasses import dataclass, replace

from mgc_keras.protocols import Repair
from mgc_keras.studies.common.options import RunOptions, check_named, chosen_names, names_option, option
from mgc_keras.studies.common.study import Study
from mgc_keras.studies.ouyang2023.paper import PAPER

NETWORKS = ("inceptionv3", "cnn")
_BUILT_IN_EPOCHS = {"inceptionv3": 300, "cnn": 60}

ABOUT = """\
Look at the clips, leave out broken ones, balance the genres, split them 80:9:10, and train two networks on pictures of
them: a frozen InceptionV3 with a small head, and a convolutional network from scratch. Both by SGD in batches of 32, at
most 500 epochs, the epoch of the lowest validation loss kept.

Paper, on GTZAN: InceptionV3 64 %, the network from scratch 73 %. The published protocol draws the three parts from all
clips of a genre. Corrected: copies out, artists on one side (for GTZAN its fault-filtered split), five seeds.

    python experiments/ouyang2023.py
        both networks on the built-in corpus, InceptionV3 from random weights. No download.
    python experiments/ouyang2023.py --data-home GTZAN --tasks gtzan_genre.csv --out runs/gtzan
        your clips (a manifest from `mgc-keras manifest`), with InceptionV3's ImageNet weights.
    python experiments/ouyang2023.py --data-home GTZAN --tasks gtzan_genre.csv --out runs/gtzan --predict song.mp3
        what the two trained networks say of a new clip.
    python experiments/ouyang2023.py cnn --patience 50 --learning-rate 1e-2
        one of them, with other settings.
"""


@dataclass(frozen=True)
class NetworkChoice:
    """Networks to train."""

    networks: tuple[str, ...] = names_option(NETWORKS, "both, and compare them", "NETWORK")


@dataclass(frozen=True)
class DataOptions:
    """Data."""

    clips: int = option(100, "clips of the built-in genre task (default: %(default)s)", least=1)
    seconds: float = option(29.0, "seconds of each clip; shorter clips are repeated (default: %(default)s)", above=0)
    minimum_duration: float = option(
        0.1, "clips shorter than this many seconds are faulty (default: %(default)s)", metavar="S", least=0
    )
    parts: tuple[float, ...] = option(
        (80.0, 9.0, 10.0),
        "shares of each class (default: 80 9 10)",
        nargs=3,
        metavar=("TRAINING", "VALIDATION", "TEST"),
        above=0,
    )
    predict: tuple[str, ...] | None = option(
        None, "new clips to name the genre of (default: a test clip)", nargs="+", metavar="CLIP", locks=False
    )


@dataclass(frozen=True)
class NetworkOptions:
    """Networks (what the paper does not state is chosen; see mgc_keras.studies.ouyang2023.networks)."""

    backbone_weights: str = option(
        None,
        "weights of InceptionV3: imagenet, none (a random start) or a FILE (default: none on the built-in corpus, "
        "imagenet on your clips)",
        metavar="WEIGHTS",
    )
    image_size: tuple[int, int] = option(
        (128, 256),
        "size of the image that both networks see, in pixels (default: 128 256)",
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        least=1,
    )
    head_units: int = option(128, "units of InceptionV3's dense layer (default: %(default)s)", least=1)
    channels: tuple[int, ...] = option(
        (16, 32, 64, 128), "channels of the cnn's blocks (default: 16 32 64 128)", nargs="+", least=1
    )
    dense_units: int = option(64, "units of the cnn's dense layer (default: %(default)s)", least=1)
    dropout: float = option(0.3, "dropout of the cnn (default: %(default)s)", least=0, below=1)


@dataclass(frozen=True)
class TrainingOptions:
    """Training."""

    epochs: dict[str, int] = option(
        None,
        "epochs at most; for both, or as inceptionv3=N cnn=N (default: 500; on the built-in corpus, so that it ends in "
        "minutes, inceptionv3=300 cnn=60)",
        names=NETWORKS,
        metavar="N",
        least=1,
    )
    batch_size: int = option(32, "clips a batch (default: %(default)s)", least=1)
    learning_rate: dict[str, float] = option(
        None,
        "learning rate of SGD; for both, or one each: the paper names 1e-4 and 1e-3 (default: inceptionv3=1e-4 "
        "cnn=1e-3)",
        names=NETWORKS,
        metavar="RATE",
        above=0,
    )
    patience: int = option(
        20,
        "epochs without lower validation loss that end a training (default: %(default)s; not stated in the paper)",
        metavar="N",
        least=1,
    )
    seeds: int = option(5, "splits and starts of the corrected protocol (default: %(default)s)", metavar="N", least=1)


@dataclass(frozen=True)
class Options:
    """All options of the study."""

    choice: NetworkChoice = NetworkChoice()
    data: DataOptions = DataOptions()
    network: NetworkOptions = NetworkOptions()
    training: TrainingOptions = TrainingOptions()
    run: RunOptions = RunOptions()

    def resolved(self) -> "Options":
        """Fill in the defaults that depend on the data."""
        built_in = self.run.is_built_in
        weights = self.network.backbone_weights or ("none" if built_in else "imagenet")
        epochs = self.training.epochs or (_BUILT_IN_EPOCHS if built_in else dict.fromkeys(NETWORKS, 500))
        rates = self.training.learning_rate or {"inceptionv3": 1e-4, "cnn": 1e-3}
        check_named(epochs, NETWORKS, "--epochs", "N")
        check_named(rates, NETWORKS, "--learning-rate", "RATE")
        return replace(
            self,
            choice=NetworkChoice(chosen_names(self.choice.networks, NETWORKS, "network")),
            network=replace(self.network, backbone_weights=weights),
            training=replace(self.training, epochs=dict(epochs), learning_rate=dict(rates)),
        )


STUDY = Study(
    "ouyang2023",
    "Ouyang: Music genre classification (2023).",
    ABOUT,
    Options,
    repairs=(
        Repair(
            "artists-together",
            "Clips are drawn into training, validation and test part whoever plays.",
            "The dataset's own split, else artists on one side where they are known.",
        ),
        Repair("fault-filtered-split", "All of GTZAN is used.", "GTZAN's fault-filtered split of 2015 is taken."),
        Repair("copies-out", "Copies of a clip may stand on both sides.", "Of clips that repeat others one is kept."),
        Repair(
            "several-seeds", "One split and one start are scored.", "The test clips of all seeds are scored together."
        ),
    ),
    paper=PAPER,
)
