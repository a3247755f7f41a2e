"""The study of Asgharivaskasi et al. (2019): what it does, its options, and the faults that it mends."""

from dataclasses import dataclass, replace

from mgc_keras.cluster import HELP
from mgc_keras.errors import OptionError
from mgc_keras.protocols import Repair
from mgc_keras.studies.asgharivaskasi2019.paper import PAPER
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SUB_RUNS, SubRun, chosen
from mgc_keras.studies.common.options import RunOptions, check_named, chosen_names, names_option, option
from mgc_keras.studies.common.study import Study

BACKBONES = ("vgg16", "resnet34")
POLICIES = ("one-cycle", "triangular", "triangular2", "exp-range", "constant")

ABOUT = """\
Classic classifiers, ImageNet networks on mel-spectrograms as pictures, and recurrent networks with and without a skip,
on whole clips, on 3-s segments that vote, and on the largest cluster of a segmented song.

Paper, on GTZAN: VGG16 75 %, ResNet34 79 %. One split, 70 % of the files to train on and 30 % to validate on, and the
best epoch on the latter: the published protocol. Corrected: artists on one side of the split, a validation part of the
training clips chooses, test clips are looked at once.

    python experiments/asgharivaskasi2019.py
        every sub-run on the built-in corpus, with networks from random start. No download.
    python experiments/asgharivaskasi2019.py rnn skip-rnn --seeds 5
        does the skip-GRU over-fit less than the GRU? Intervals over seeds.
    python experiments/asgharivaskasi2019.py --data-home GTZAN --tasks gtzan_genre.csv \\
        --backbone-weights vgg16=imagenet resnet34=resnet34.safetensors
        your clips (a manifest from `mgc-keras manifest`), with networks trained on ImageNet.
    python experiments/asgharivaskasi2019.py vgg16 --data-home GTZAN --tasks gtzan_genre.csv \\
        --trainable-from block5_conv1 --learning-rate 1e-4 --out runs/fine-tuned
        the backbone learns, too, from a layer on: slower, and resumable after each epoch.
    python experiments/asgharivaskasi2019.py vgg16-segmented --data-home SONGS --tasks songs.csv
        whole songs: each is segmented, its largest cluster stands for it. --segment does so in any sub-run.
"""


@dataclass(frozen=True)
class SubRunChoice:
    """Sub-runs."""

    sub_runs: tuple[str, ...] = names_option(tuple(SUB_RUNS), "all of them", "SUB_RUN")


@dataclass(frozen=True)
class DataOptions:
    """Data."""

    clips: int = option(100, "clips of the built-in genre task (default: %(default)s)", least=1)
    songs: int = option(40, "built-in songs, for segmentation (default: %(default)s)", least=1)
    song_seconds: float | None = option(
        None, "seconds of each of these songs, from its start (default: whole songs)", metavar="S", above=0
    )
    seconds: float = option(29.0, "seconds of each clip; shorter ones are repeated (default: %(default)s)", above=0)
    segment: str = option(
        "none",
        "what every sub-run sees and votes on whose name does not say so: whole clips (none, the default), segments of "
        "3 s, or the largest cluster of segmented songs; names of scores then end in -3s or -segmented",
        choices=("none", "3s", "largest-cluster"),
    )
    share: float = option(0.3, "share of the clips held out (default: %(default)s)", above=0, below=1)


@dataclass(frozen=True)
class BaselineOptions:
    """Classic classifiers."""

    cluster: str | None = option(
        None, f"choose their settings elsewhere: {HELP}", metavar="ADDRESS|local[:N]", locks=False
    )


@dataclass(frozen=True)
class NetworkOptions:
    """Networks."""

    backbone_weights: dict[str, str] = option(
        None,
        "imagenet, none (a random start) or a FILE, for all backbones or as vgg16=WEIGHTS resnet34=WEIGHTS "
        "(default: none on the built-in corpus, imagenet on your clips; ResNet34 has no download, give a safetensors "
        "file)",
        names=BACKBONES,
        what="backbone",
        metavar="WEIGHTS",
    )
    trainable_from: dict[str, str] = option(
        None,
        "train the backbone, too, from this layer on (block5_conv1 of VGG16, layer4.0.conv1 of ResNet34, …), for all "
        "or as vgg16=LAYER resnet34=LAYER; take a low --learning-rate (default: backbones are frozen)",
        names=BACKBONES,
        what="backbone",
        metavar="LAYER",
    )
    recurrent_input: str = option(
        "mfcc",
        "what rnn and skip-rnn see: MFCC sequences, or raw audio as 30 steps of one second (default: %(default)s)",
        choices=("mfcc", "audio"),
    )
    audio_rate: int = option(
        22050, "sampling rate of the raw audio (default: %(default)s, 2.6 MB a clip)", metavar="HZ", least=1
    )
    units: int = option(64, "units of the recurrent layers (default: %(default)s)", least=1)
    skip: int = option(4, "how many steps back the skip-GRU reaches (default: %(default)s)", metavar="K", least=1)
    combination: str = option("mean", "how the skip joins the state (default: %(default)s)", choices=("add", "mean"))


@dataclass(frozen=True)
class TrainingOptions:
    """Training."""

    epochs: int = option(30, "epochs at most (default: %(default)s)", least=1)
    batch_size: int = option(16, "examples a batch (default: %(default)s)", least=1)
    optimizer: str = option("adam", "the optimizer (default: %(default)s)", choices=("adam", "sgd"))
    policy: str = option("one-cycle", "policy of the learning rate (default: %(default)s)", choices=POLICIES)
    learning_rate: float = option(
        1e-3, "the highest learning rate, or the constant one (default: %(default)s)", above=0
    )
    find_rate: bool = option(False, "search each network's rate first (Smith 2017), and plot the search")
    patience: int | None = option(
        None, "epochs without lower validation loss that end a training (default: none do)", metavar="N", least=1
    )
    seeds: int = option(1, "train rnn and skip-rnn with N seeds (default: %(default)s)", metavar="N", least=1)


@dataclass(frozen=True)
class Options:
    """All options of the study."""

    choice: SubRunChoice = SubRunChoice()
    data: DataOptions = DataOptions()
    baselines: BaselineOptions = BaselineOptions()
    network: NetworkOptions = NetworkOptions()
    training: TrainingOptions = TrainingOptions()
    run: RunOptions = RunOptions()

    @property
    def sub_runs(self) -> dict[str, SubRun]:
        """The sub-runs to do, by the names of their scores."""
        return chosen(self.choice.sub_runs, self.data.segment)

    def resolved(self) -> "Options":
        """Fill in the defaults that depend on the data, and refuse options that contradict each other."""
        choice = SubRunChoice(chosen_names(self.choice.sub_runs, tuple(SUB_RUNS), "sub-run"))
        weights = self.network.backbone_weights
        if weights is None:
            weights = dict.fromkeys(BACKBONES, "none" if self.run.is_built_in else "imagenet")
        network = replace(self.network, backbone_weights=weights, trainable_from=self.network.trainable_from or {})
        options = replace(self, choice=choice, network=network)
        sub_runs = options.sub_runs.values()
        needed = [sub_run.network for sub_run in sub_runs if sub_run.kind == "image"]
        check_named(weights, needed, "--backbone-weights", "WEIGHTS")
        recurrent = any(sub_run.kind == "recurrent" for sub_run in sub_runs)
        if recurrent and network.recurrent_input == "audio" and self.data.segment == "3s":
            cure = "use --recurrent-input mfcc, or another --segment"
            raise OptionError("3 s hold no 30 steps of one second of raw audio", field="--segment", cure=cure)
        return options


STUDY = Study(
    "asgharivaskasi2019",
    "Asgharivaskasi et al.: Music genre recognition using deep learning (2019).",
    ABOUT,
    Options,
    repairs=(
        Repair(
            "artists-together",
            "Clips are held out whoever plays.",
            "The dataset's own split, else artists on one side where they are known.",
        ),
        Repair("fault-filtered-split", "All of GTZAN is used.", "GTZAN's fault-filtered split of 2015 is taken."),
        Repair(
            "validation-part",
            "The epoch is chosen on the clips that are scored.",
            "A part of the training clips chooses the epoch.",
        ),
        Repair(
            "chosen-settings",
            "Classic classifiers have fixed settings.",
            "Cross-validation among the training clips chooses them.",
        ),
    ),
    paper=PAPER,
)
