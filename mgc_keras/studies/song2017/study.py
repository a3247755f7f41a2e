"""The study of Song et al. (2017): what it does, its options, and the faults that it mends."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from mgc_keras.errors import OptionError
from mgc_keras.protocols import Repair
from mgc_keras.studies.common.options import RunOptions, option, refuse_beside, strategy_option
from mgc_keras.studies.common.study import Study
from mgc_keras.studies.song2017.paper import PAPER

STEPS = ("pretrain", "finetune", "all")
# The paper holds out the 2105 clips of MagnaTagATune's last folder.
PAPER_RULE = "folder:f"
# What options default to. The paper prints widths, depth, the rate of pre-training and the repetitions; epochs and the
# rate of fine-tuning are not stated and chosen here: the first row's fit into eight minutes on two cores.
# The paper's 1e-5 is far too slow for the few steps of pre-training that the built-in corpus' few hundred clips give.
QUICK = {"width": 64, "depth": 3, "source_epochs": 60, "source_learning_rate": 1e-3, "epochs": 12,
         "learning_rate": 1e-3, "repetitions": 1}  # fmt: skip
PAPER_SIZE = {"width": 512, "depth": 5, "source_epochs": 500, "source_learning_rate": 1e-5, "epochs": 100,
              "learning_rate": 1e-4, "repetitions": 10}  # fmt: skip

ABOUT = """\
Scattering coefficients go through five GRU layers. Trained on tags first and then on genres, the network is compared
with the same network trained on genres from random weights, on the same folds.

Paper, on GTZAN: 93.5 % from random weights, 95.8 % after MagnaTagATune (188 tags); with pre-training it learns in fewer
epochs. Ten repetitions of shuffled 10-fold cross-validation; nothing keeps an artist's clips in one fold.

    python experiments/song2017.py
        the whole study on the built-in corpus with a narrow network. No download.
    python experiments/song2017.py --seeds 5
        the same over five seeds, with intervals: five times the training.
    python experiments/song2017.py pretrain --paper-size --source-manifest magnatagatune.csv --source-home DIR
    python experiments/song2017.py finetune --paper-size --source-manifest magnatagatune.csv --source-home DIR \\
        --manifest gtzan_genre.csv --data-home GTZAN
        the paper's sizes: five layers of 512, a rate of 1e-5, the clips of folder f held out. Meant for
        a GPU, where --reset-after takes the variant of the network that cuDNN runs.
    TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}' \\
        python experiments/song2017.py pretrain --strategy multiworker --out /shared/song2017
        pre-training on two machines: the same on the other one, with "index": 1.
    python experiments/song2017.py --manifest my.csv --data-home DIR
        your clips (a manifest from `mgc-keras manifest`), pre-trained on the built-in corpus.
"""


def _by_size(name: str) -> str:
    return f"(default: {QUICK[name]:g}; with --paper-size {PAPER_SIZE[name]:g})"


@dataclass(frozen=True)
class StepChoice:
    """Steps."""

    step: str = option(
        "all", "what to do (default: %(default)s)", choices=STEPS, positional=True, flag="STEP", nargs="?", locks=False
    )


@dataclass(frozen=True)
class DataOptions:
    """Data."""

    manifest: str | None = option(None, "the clips to fine-tune on, as --tasks CSV", metavar="CSV", locks=False)
    source_manifest: Path | None = option(
        None, "manifest of tags to pre-train on (default: the built-in corpus)", metavar="CSV"
    )
    source_home: Path | None = option(None, "folder of its clips (default: the manifest's own)", metavar="DIR")
    source_validation: str = option(
        None,
        "clips that choose the epoch: split (the default), folder:NAME or last:COUNT; with --paper-size and "
        "--source-manifest folder:f",
        metavar="RULE",
    )
    source_tags: int | None = option(None, "pre-train on the N most frequent tags (default: all)", metavar="N", least=1)
    source_model: Path | None = option(None, "a pre-trained network, instead of training one", metavar="FILE")
    source_clips: int = option(400, "clips of the built-in tagging task (default: %(default)s)", least=1)
    target_clips: int = option(200, "clips of the built-in genre task (default: %(default)s)", least=1)
    seconds: float = option(29.0, "seconds taken from the start of each clip (default: %(default)s)", above=0)
    J: int = option(13, "frames of 2^J samples at 16 kHz (default: %(default)s)", flag="--J", least=1)
    Q: int = option(8, "wavelets an octave (default: %(default)s)", flag="--Q", least=1)


@dataclass(frozen=True)
class NetworkOptions:
    """Network."""

    paper_size: bool = option(False, "take the sizes, rates and folds of the paper as defaults")
    width: int = option(None, f"units a layer {_by_size('width')}", least=1)
    depth: int = option(None, f"GRU layers {_by_size('depth')}", least=1)
    dropout: float = option(0.7, "dropout between layers (default: %(default)s, as printed)")
    dropout_meaning: str = option(
        "kept",
        "what share that is; the paper does not say (default: %(default)s)",
        choices=("kept", "dropped"),
    )
    clip_output: str = option(
        "last", "which output of the top layer stands for the clip (default: %(default)s)", choices=("last", "mean")
    )
    reset_after: bool = option(False, "take the variant of the GRU that cuDNN runs on a GPU")


@dataclass(frozen=True)
class TrainingOptions:
    """Training."""

    source_epochs: int = option(
        None, f"epochs of pre-training at most {_by_size('source_epochs')}", metavar="N", least=1
    )
    source_learning_rate: float = option(
        None, f"learning rate of pre-training {_by_size('source_learning_rate')}", metavar="RATE", above=0
    )
    patience: int = option(8, "epochs without gain that end pre-training (default: %(default)s)", metavar="N", least=1)
    epochs: int = option(None, f"epochs of fine-tuning {_by_size('epochs')}", metavar="N", above=0)
    learning_rate: float = option(
        None, f"learning rate of fine-tuning {_by_size('learning_rate')}", metavar="RATE", above=0
    )
    batch_size: int = option(16, "clips a batch (default: %(default)s)", least=1)
    strategy: str | None = strategy_option("pre-training")
    folds: int = option(
        None, "folds of the published protocol (default: 10; 5 on the built-in corpus)", metavar="N", least=2
    )
    corrected_folds: int = option(
        None,
        "folds of the corrected protocol where none are predefined (default: 10; 5 on the built-in corpus)",
        metavar="N",
        least=2,
    )
    repetitions: int = option(
        None, f"repetitions of the cross-validation {_by_size('repetitions')}", metavar="N", least=1
    )
    seeds: int = option(1, "repeat all training with N seeds (default: %(default)s)", metavar="N", least=1)
    published_epoch: str = option(
        "best",
        "the epoch of a fold that the published protocol quotes: the paper does not say, and shows test curves; "
        "the best one on the test clips (default), or the last",
        choices=("best", "last"),
    )


Section = TypeVar("Section", DataOptions, NetworkOptions, TrainingOptions)


def _filled(section: Section, defaults: dict[str, Any]) -> Section:
    """Return a section with defaults for those of its options that were not given."""
    return replace(section, **{key: value for key, value in defaults.items() if getattr(section, key, 0) is None})


@dataclass(frozen=True)
class Options:
    """All options of the study."""

    choice: StepChoice = StepChoice()
    data: DataOptions = DataOptions()
    network: NetworkOptions = NetworkOptions()
    training: TrainingOptions = TrainingOptions()
    run: RunOptions = RunOptions()

    def resolved(self) -> "Options":
        """Fill in the defaults that depend on the data and on `--paper-size`."""
        refuse_beside(self, "manifest", "tasks")
        refuse_beside(self, "source_model", "source_manifest", "strategy")
        if self.data.source_home and not self.data.source_manifest:
            raise OptionError("is the folder of no manifest", field="--source-home", cure="name a --source-manifest")
        run = replace(self.run, tasks=(self.data.manifest,)) if self.data.manifest else self.run
        if self.data.source_model and self.choice.step == "pretrain":
            raise OptionError("is trained already", field="--source-model", cure="leave it out, or use finetune")
        if self.training.strategy and self.choice.step == "finetune":
            raise OptionError("is of no use to finetune", field="--strategy", cure="leave it out, or use pretrain")
        paper_size = self.network.paper_size
        rule = PAPER_RULE if paper_size and self.data.source_manifest else "split"
        n_folds = 5 if run.is_built_in and not paper_size else 10
        defaults: dict[str, Any] = {**(PAPER_SIZE if paper_size else QUICK), "source_validation": rule}
        defaults |= {"folds": n_folds, "corrected_folds": n_folds}
        return replace(
            self,
            run=run,
            data=_filled(self.data, defaults),
            network=_filled(self.network, defaults),
            training=_filled(self.training, defaults),
        )

    @property
    def seeds(self) -> list[int]:
        """The run's seeds: `--seeds` of them, from `--seed` on."""
        return list(range(self.run.seed, self.run.seed + self.training.seeds))


STUDY = Study(
    "song2017",
    "Song, Wang, Han, Ding: Transfer learning for music genre classification (2017).",
    ABOUT,
    Options,
    repairs=(
        Repair(
            "artists-together",
            "Clips are shuffled into folds whoever plays.",
            "The dataset's own folds or split, else artists are kept in one fold.",
        ),
        Repair("fault-filtered-split", "All of GTZAN is used.", "GTZAN's fault-filtered split of 2015 is taken."),
        Repair(
            "epoch-on-validation",
            "The epoch that is quoted is chosen on the test clips.",
            "Clips left out of the training part choose the epoch.",
        ),
    ),
    paper=PAPER,
)
