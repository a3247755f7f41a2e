"""The network of the Jiménez and José 2017 study: where it starts, and its training on excerpts."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.answers.calibration import Calibration, calibration_beside
from mgc_keras.answers.votes import Neighbours, neighbours_beside
from mgc_keras.audio.spans import Excerpts
from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import WeightsError
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.evaluation.voting import shares
from mgc_keras.features.melspectrogram_cache import source_clips
from mgc_keras.files import whole_file
from mgc_keras.networks.load import load_model
from mgc_keras.networks.tensors import weights_sha256
from mgc_keras.protocols import Protocol
from mgc_keras.studies.common.run import Run
from mgc_keras.studies.jimenez2017.excerpts import SongExcerpts
from mgc_keras.studies.jimenez2017.network import EXCERPT_SECONDS, SAMPLING_RATE, is_crnn, melspectrogram_layer
from mgc_keras.studies.jimenez2017.study import Options
from mgc_keras.studies.jimenez2017.variants import (
    SHORT_FRAMES,
    freeze_all_but_head,
    from_short,
    short_crnn,
    split_at,
    with_head,
)
from mgc_keras.training.classifier import ClassifierSettings, train_classifier
from mgc_keras.training.examples import Examples
from mgc_keras.training.learning_rates import ConstantRate
from mgc_keras.training.tagger import HISTORY, TaggerSettings, train_tagger

# The built-in corpus' multi-label task.
SOURCE_TASK = "tagging"


def start_network(run: Run[Options]) -> keras.Model:
    """Load the given CRNN, or train one on the built-in tagging task, and say so.

    Raises
    ------
    WeightsError
        The file cannot be read, or holds another network.
    """
    options = run.options.network
    if options.weights:
        network = load_model(options.weights)
        if not is_crnn(network):
            cure = "take one of MusicTaggerCRNN, for instance music_tagger_crnn"
            raise WeightsError(f"holds {network.name!r}", path=options.weights, field="--weights", cure=cure)
        return network
    print(
        f"No --weights were given: the CRNN is trained here for {options.source_epochs} epochs on "
        f"{options.source_clips} clips of the built-in tagging task. Its scores say nothing of the published network."
    )
    manifest = run.rendered(SOURCE_TASK, SAMPLING_RATE, options.source_clips)
    settings = TaggerSettings(epochs=options.source_epochs, excerpt_frames=SHORT_FRAMES, seed=run.seed)
    folder = run.folder / "source"
    path = train_source_crnn(manifest, folder, settings, run.jobs)
    run.writer.history(pd.read_csv(folder / HISTORY))
    return load_model(path)


def train_source_crnn(manifest: Manifest, folder: Path, settings: TaggerSettings, jobs: int) -> Path:
    """Train the tagger on random excerpts of clips with columns `label_<tag>` and `split`; a finished one is kept.

    Parameters
    ----------
    manifest : Manifest
        Clips marked "valid" choose the epoch, those marked "train" are learnt from; others are left out.
    folder : Path
        For the model, ``history.csv`` and, while it lasts, the mel-spectrograms (0.26 MB a clip).
    settings : TaggerSettings
        Its `excerpt_frames` is the length of the excerpts.
    jobs : int
        Threads that decode.

    Returns
    -------
    Path
        ``source_tagger.h5``: waveforms of 29.12 s in, tags out.

    Raises
    ------
    ManifestError
        There are no tags, or no split into "train" and "valid".
    """
    path = folder / "source_tagger.h5"
    if path.exists():
        return path
    with source_clips(manifest, folder, melspectrogram_layer(), 29 * SAMPLING_RATE, jobs=jobs) as clips:
        model = train_tagger(
            lambda: short_crnn(len(clips.tags), n_frames=settings.excerpt_frames, seed=settings.seed),
            clips.examples,
            clips.validation,
            folder=folder,
            score=lambda truth, scores: macro_auc(truth, scores).score,
            settings=settings,
        ).model
        with whole_file(path) as temporary:
            from_short(model, clips.tags).save(temporary)
    return path


class Trainer:
    """One network and the songs it learns from.

    Parameters
    ----------
    sub_run : {"extractor", "finetune"}
        Train the new classifier alone, or everything from `--from-layer` up.
    network : keras.Model
        A CRNN, of which all but the head is copied.
    task, protocol, options
    kept : np.ndarray [shape=(n_songs,), dtype=int]
        Each song's number in `excerpts`.
    excerpts : SongExcerpts
        What the layers below `--from-layer` say.
    """

    def __init__(
        self,
        sub_run: str,
        network: keras.Model,
        task: StudyTask,
        kept: np.ndarray,
        excerpts: SongExcerpts,
        protocol: Protocol,
        options: Options,
    ) -> None:
        self.kept, self.excerpts, self.protocol, self.options = kept, excerpts, protocol, options
        names, self.targets = np.unique(task.target, return_inverse=True)
        self.names = tuple(str(name) for name in names)
        self.whole = with_head(network, self.names, options.run.seed)
        if sub_run == "extractor":
            freeze_all_but_head(self.whole)
        self.above = split_at(self.whole, options.network.from_layer)[1]
        start, from_layer = weights_sha256(network), options.network.from_layer
        self.provenance = {"sub_run": sub_run, "start": start, "from_layer": from_layer}

    def train(self, fold: Fold, folder: Path) -> None:
        """Train on the excerpts of a fold's training songs, or go on where a training in `folder` stopped."""
        training = self.options.training
        settings = ClassifierSettings(
            epochs=training.epochs,
            batch_size=training.batch_size,
            policy=ConstantRate(training.learning_rate),
            seed=self.options.run.seed,
            best_by="accuracy" if self.protocol.mends("validation-songs") else "last",
        )
        # Without validation songs the curve shows the test songs, which choose nothing.
        validation = fold.validation if len(fold.validation) else fold.test
        examples = [self._examples(songs) for songs in (fold.training, validation)]
        train_classifier(self.above, *examples, folder=folder, settings=settings, provenance=self.provenance)

    def scores(self, songs: np.ndarray, centre: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return each excerpt's song, counted from 0 among `songs`, and its scores; `centre`: one excerpt a song."""
        rows, song = self._rows(songs, centre)
        batches = (rows[begin : begin + 256] for begin in range(0, len(rows), 256))
        return song, np.concatenate([self.above.predict_on_batch(self.excerpts.values[batch]) for batch in batches])

    def neighbours(self, fold: Fold) -> Neighbours:
        """Return the excerpts and genres of the songs that were learnt from, and of those that chose the epoch."""
        songs = np.sort(np.concatenate([fold.training, fold.validation]))
        song, scores = self.scores(songs)
        names = np.asarray(self.excerpts.clip_ids)[self.kept[songs[song]]]
        return Neighbours(shares(scores), np.asarray(self.names)[self.targets[songs[song]]], names)

    def calibration(self, fold: Fold, neighbours: Neighbours) -> Calibration:
        """Return how the fold's test songs, which taught nothing and chose nothing, fare with the network."""
        song, scores = self.scores(fold.test)
        of_songs = [scores[song == number] for number in range(len(fold.test))]
        genres = [self.names[self.targets[number]] for number in fold.test]
        songs = self.options.songs
        known = weights_sha256(self.whole), self.names, vars(Excerpts(EXCERPT_SECONDS, songs.drop))
        return Calibration.of_songs(*known, of_songs, genres, neighbours=neighbours, k=songs.k)

    def save(self, path: Path, neighbours: Neighbours, calibration: Calibration) -> Path:
        """Save the whole network, waveforms in, and beside it its neighbours and its calibration."""
        with whole_file(path) as temporary:
            self.whole.save(temporary)
        neighbours.write(neighbours_beside(path))
        calibration.write(calibration_beside(path))
        return path

    def _examples(self, songs: np.ndarray) -> Examples:
        rows, song = self._rows(songs)
        return Examples(self.excerpts.values, rows, self.targets[songs[song]])

    def _rows(self, songs: np.ndarray, centre: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the songs' excerpts, song by song, and which of `songs` each belongs to."""
        first, kept = self.excerpts.first, self.kept[songs]
        found = [first[song : song + 1] if centre else np.arange(first[song] + 1, first[song + 1]) for song in kept]
        return np.concatenate(found), np.repeat(np.arange(len(songs)), [len(rows) for rows in found])
