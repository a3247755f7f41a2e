"""The study of Choi et al. (2017): what it does, its options, and the faults that it mends."""

from dataclasses import dataclass, replace
from pathlib import Path

from mgc_keras.audio.spans import SHORTEST_STEP, windows_of
from mgc_keras.cluster import HELP
from mgc_keras.errors import OptionError
from mgc_keras.protocols import Protocol, Repair
from mgc_keras.studies.choi2017.feature_sets import layer_sets
from mgc_keras.studies.choi2017.paper import PAPER
from mgc_keras.studies.common.options import RunOptions, option, refuse_beside, strategy_option
from mgc_keras.studies.common.study import Study

ABOUT = """\
A convnet learns tags; its five layers' averages are features for other tasks, chosen and joined by an SVM search.

Paper: GTZAN genre 89.8 %, Extended Ballroom 86.7 %, speech/music 100 %, vocal 92.8 %, UrbanSound8K 71.4 %, emotion r²
0.633 (arousal) and 0.415 (valence), source AUC 0.849. Its features came out of batches of 256 in file order.

    python experiments/choi2017.py
        the whole study on the built-in corpus: trains, exports, searches, audits, reports. Minutes, no download.
    python experiments/choi2017.py --published-features DIR
        the authors' own features and lists: reproduces their recorded scores. About an hour and a half on 2 cores.
    python experiments/choi2017.py --data-home DIR --tasks my.csv --source-weights weights_layer4_theano.hdf5
        your clips (a manifest from `mgc-keras manifest`), the authors' network.
    python experiments/choi2017.py --data-home DIR --tasks my.csv --source-weights other.calibrated.keras --window 29
        your whole songs, and a network that `mgc-keras features --calibrate-on OTHER_MUSIC` made.
"""

# The longest that the network hears at once.
SECONDS = 29.0


@dataclass(frozen=True)
class DataOptions:
    """Data."""

    published_features: Path | None = option(
        None, "the authors' folder of features and lists: data_csv, data_feats", metavar="DIR"
    )
    source_weights: str | None = option(None, "a trained network, instead of training one", metavar="FILE|NAME")
    calibrate_on: Path | None = option(
        None,
        "other clips, whose statistics the corrected protocol gives to networks that hold none: that of "
        "--source-weights, and the random one (default: each clip is a batch of its own)",
        metavar="PATH",
    )
    source_manifest: Path | None = option(
        None, "manifest of tags to train the network on (label_<tag>, split)", metavar="CSV"
    )
    window: float | None = option(
        None,
        "features of a clip are means over windows of S seconds of it (default: its first 29 s)",
        metavar="S",
        least=SHORTEST_STEP,
    )
    hop: float | None = option(
        None, "seconds from window to window (default: no overlap)", metavar="S", least=SHORTEST_STEP
    )


@dataclass(frozen=True)
class SearchOptions:
    """Search."""

    layer_sets: str = option(
        "all", "feature sets to search: all (31), published (28), or such as 1,12,12345", metavar="SETS"
    )
    grid: str = option(
        None,
        "candidates of the SVM search: the authors' 32 (default) or 8 (default on the built-in corpus)",
        choices=("authors", "reduced"),
    )
    cluster: str | None = option(None, f"search elsewhere: {HELP}", metavar="ADDRESS|local[:N]", locks=False)
    mfcc_budget: int | None = option(
        None,
        "iterations of libsvm, for each pair of classes, on sets with unscaled MFCCs; candidates it cuts off are named "
        "in candidates/ (default: ten million, for SVC on MFCCs alone three, for SVR on other than the authors' "
        "features a hundred thousand; 0: no limit, takes hours)",
        metavar="N",
        least=0,
    )
    corrected_folds: int = option(
        None,
        "folds of the corrected protocol where none are predefined (default: 10; 5 on the built-in corpus)",
        metavar="N",
        least=2,
    )


@dataclass(frozen=True)
class TrainingOptions:
    """Source training."""

    epochs: int = option(20, "epochs of the source training (default: %(default)s)", least=1)
    batch_size: int = option(16, "clips a batch (default: %(default)s)", least=1)
    strategy: str | None = strategy_option("source training")
    learning_rate: float = option(3e-3, "learning rate of Adam (default: %(default)s)", above=0)
    whole_clips: bool = option(False, "train on clips of 29 s, as the paper does: four times the work of excerpts")
    source_clips: int = option(320, "clips of the built-in tagging task (default: %(default)s)", least=1)


@dataclass(frozen=True)
class Options:
    """All options of the study."""

    data: DataOptions = DataOptions()
    search: SearchOptions = SearchOptions()
    training: TrainingOptions = TrainingOptions()
    run: RunOptions = RunOptions()

    @property
    def is_built_in(self) -> bool:
        """Whether the clips are those of the built-in corpus."""
        return not self.data.published_features and self.run.is_built_in

    def inputs(self) -> list[Path]:
        """Return the authors' files that the tasks read."""
        folder = self.data.published_features
        if not folder:
            return []
        from mgc_keras.studies.choi2017.authors_files import files_of

        return files_of(folder, self.run.tasks)

    def resolved(self) -> "Options":
        """Fill in the defaults that depend on the data: the built-in corpus gets a study of minutes."""
        refuse_beside(self, "published_features", "data_home", "source_weights", "source_manifest", "strategy")
        refuse_beside(self, "published_features", "calibrate_on", "window", "hop")
        refuse_beside(self, "source_weights", "source_manifest", "strategy")
        if self.data.calibrate_on and not self.data.source_weights:
            cure = "leave it out, or give --source-weights"
            raise OptionError("a network that is trained here brings its statistics", field="--calibrate-on", cure=cure)
        if self.data.published_features and not self.data.published_features.is_dir():
            cure = "name the folder that holds data_csv and data_feats"
            problem = "there is no such folder"
            raise OptionError(problem, path=self.data.published_features, field="--published-features", cure=cure)
        windows_of(self.data.window, self.data.hop, SECONDS)
        layer_sets(self.search.layer_sets)  # refused before anything is computed
        grid = self.search.grid or ("reduced" if self.is_built_in else "authors")
        n_folds = self.search.corrected_folds or (5 if self.is_built_in else 10)
        return replace(self, search=replace(self.search, grid=grid, corrected_folds=n_folds))


STUDY = Study(
    "choi2017",
    "Choi, Fazekas, Sandler, Cho: Transfer learning for music classification and regression tasks (ISMIR 2017).",
    ABOUT,
    Options,
    repairs=(
        Repair(
            "batch-features",
            "A clip's features depend on the clips that share its batch.",
            "They depend on the weights and on that clip alone.",
        ),
        Repair(
            "artists-together",
            "Folds are unshuffled, in file order.",
            "Folds are drawn with a seed and keep the clips of an artist together where artists are known.",
        ),
        Repair("fault-filtered-split", "All of GTZAN is used.", "GTZAN's fault-filtered split of 2015 is taken."),
        Repair(
            "scaling",
            "The switch for standardising features is never read: nothing is standardised.",
            "Every feature is standardised by the clips that a fit is trained on.",
        ),
        Repair(
            "nested",
            "The best candidate on the test folds is reported.",
            "Candidates are chosen by cross-validation inside the training clips.",
        ),
        Repair(
            "pooled-score",
            "The score is a mean over folds, weighted by their numbers of clips.",
            "The score is one metric over all out-of-fold predictions together.",
        ),
    ),
    paper=PAPER,
)


def weighting_of(protocol: Protocol) -> str:
    """Return how a protocol averages the scores of folds: "pooled", or "size" as published."""
    return "pooled" if protocol.mends("pooled-score") else "size"
