"""The study of Jiménez and José (2017): what it does, its options, and the faults that it mends."""

from dataclasses import dataclass, replace

from mgc_keras.protocols import Repair
from mgc_keras.studies.common.options import RunOptions, chosen_names, names_option, option
from mgc_keras.studies.common.study import Study
from mgc_keras.studies.jimenez2017.paper import PAPER

SUB_RUNS = ("extractor", "finetune")

ABOUT = """\
MusicTaggerCRNN, trained on last.fm tags, becomes a genre classifier: as a feature extractor under a new classifier, and
fine-tuned from a layer up. A song is cut into excerpts of 29.12 s; its genre is found from all of them (mean, geometric
mean, nearest neighbours) or from the one at its centre.

Study: about 78 % on GTZAN. 30 songs a genre, 20 to train on and 10 to test on; Adam, batches of 100, 40 epochs.
Published protocol: one split by song, the last epoch (the published file is named after epoch 40). Corrected: three
folds, so that every song is tested once; artists on one side; a validation part of the training songs chooses the
epoch.

    python experiments/jimenez2017.py
        both ways of training on whole songs of the built-in corpus. No download: the CRNN is first trained for a few
        minutes on the built-in tagging task, which is far from what the published weights have learnt.
    python experiments/jimenez2017.py --data-home SONGS --tasks songs.csv --weights music_tagger_crnn
        your songs (a manifest from `mgc-keras manifest`), with the published weights, by name or file.
    python experiments/jimenez2017.py finetune --from-layer conv4 --data-home SONGS --tasks songs.csv --weights FILE
        train from the fourth convolution up.
    mgc-keras classify SONG --weights runs/jimenez2017/songs__finetune.h5
        the genre of another song, with what was trained here.
"""


@dataclass(frozen=True)
class SubRunChoice:
    """Ways of training."""

    sub_runs: tuple[str, ...] = names_option(SUB_RUNS, "both of them", "SUB_RUN")


@dataclass(frozen=True)
class SongOptions:
    """Songs."""

    songs: int = option(100, "songs of the built-in corpus (default: %(default)s)", least=1)
    song_seconds: float | None = option(
        None, "seconds of each of these songs, from its start (default: whole songs)", metavar="S", above=0
    )
    drop: float = option(
        0.0,
        "seconds left out at each end of a song; the authors' reader drops 20 unless told otherwise (default: "
        "%(default)g, all of the song)",
        metavar="S",
        least=0,
    )
    share: float = option(1 / 3, "share of the songs held out, published protocol (default: a third)", above=0, below=1)
    k: int = option(5, "neighbours an excerpt asks; not stated in the study (default: %(default)s)", least=1)
    corrected_folds: int = option(
        3, "folds of the corrected protocol where none are predefined (default: %(default)s)", metavar="N", least=2
    )


@dataclass(frozen=True)
class NetworkOptions:
    """Network."""

    weights: str | None = option(
        None,
        "weights of a MusicTaggerCRNN, for instance music_tagger_crnn (default: trained here)",
        metavar="NAME|FILE",
    )
    from_layer: str = option(
        "gru1",
        "fine-tune from this layer up: time_norm, conv1 … conv4, gru1, gru2, head (default: %(default)s; not stated)",
        metavar="LAYER",
    )
    source_clips: int = option(320, "clips of the built-in tagging task (default: %(default)s)", least=1)
    source_epochs: int = option(4, "epochs over these clips (default: %(default)s)", least=1)


@dataclass(frozen=True)
class TrainingOptions:
    """Training."""

    epochs: int = option(40, "epochs of each training (default: %(default)s, as in the study)", least=1)
    batch_size: int = option(100, "excerpts a batch (default: %(default)s, as in the study)", least=1)
    learning_rate: float = option(3e-3, "learning rate of Adam; not stated (default: %(default)s)", above=0)


@dataclass(frozen=True)
class Options:
    """All options of the study."""

    choice: SubRunChoice = SubRunChoice()
    songs: SongOptions = SongOptions()
    network: NetworkOptions = NetworkOptions()
    training: TrainingOptions = TrainingOptions()
    run: RunOptions = RunOptions()

    def resolved(self) -> "Options":
        """Fill in the ways of training."""
        return replace(self, choice=SubRunChoice(chosen_names(self.choice.sub_runs, SUB_RUNS, "sub-run")))


STUDY = Study(
    "jimenez2017",
    "Jiménez and José: Music genre classification using deep neural networks (UPC, 2017).",
    ABOUT,
    Options,
    repairs=(
        Repair("every-song-tested", "One third of the songs is tested.", "Every song is tested once, in folds."),
        Repair("artists-together", "Songs are split whoever plays.", "Artists are kept on one side of each split."),
        Repair(
            "validation-songs",
            "The last epoch is taken, whatever it is worth.",
            "Songs left out of the training part choose the epoch.",
        ),
        Repair("fault-filtered-split", "All of GTZAN is used.", "GTZAN's fault-filtered split of 2015 is taken."),
    ),
    paper=PAPER,
)
