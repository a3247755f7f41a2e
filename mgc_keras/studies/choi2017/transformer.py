"""The convnet as a scikit-learn transformer: paths of clips in, rows of features out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from mgc_keras.checks import checked_choice
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.features.network import find_weights
from mgc_keras.features.pipeline import checked_jobs, clip_features
from mgc_keras.features.whole_song import WholeSong
from mgc_keras.files import whole_file
from mgc_keras.networks.load import load_model
from mgc_keras.progress import progress_bar
from mgc_keras.studies.choi2017.calibration import independent_extractor
from mgc_keras.work import fingerprint, versions


class ConvnetFeatures(TransformerMixin, BaseEstimator):
    """Features of the convnet of Choi et al. (2017), five layers of 32 numbers, for pipelines of scikit-learn.

    The rows are those of ``mgc-keras features --features song`` (or ``convnet``, with ``over="start"``): a clip's
    depends on the weights and on that clip, never on what stands beside it.

    Parameters
    ----------
    weights : str or path
        A file of the convnet, or a name that ``mgc-keras weights list`` shows.
    over : {"song", "start"}
        The mean over windows of the whole song, or its first 29 s.
    hop, summary
        As of `mgc_keras.features.whole_song.WholeSong`; with ``over="start"`` they must be left alone.
    calibrate_on : optional
        What a network that normalises by the batch takes its statistics from: "fit", the clips that `fit` is given (of
        a cross-validation, those that train); a folder, a manifest or paths of other music; None, each window its own.
    short : {"repeat", "zero_pad", "crop"}
        What becomes of clips of another length than a window: see `mgc_keras.fit_waveform`.
    jobs : int, optional
        Threads that decode; by default one a core.
    cache : path, optional
        A folder in which rows are kept, a file a clip: a clip that has not changed is computed once for all fits and
        folds that agree in everything that its numbers depend on. Such files are plain arrays; remove them at will.
    on_error : {"raise", "nan"}
        For a clip that cannot be read: raise, or give a row of NaN.

    Attributes
    ----------
    extractor_ : Extractor

    Example
    -------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> model = make_pipeline(ConvnetFeatures("weights.hdf5"), StandardScaler(), LogisticRegression())
    >>> model.fit(["a.mp3", "b.mp3"], ["rock", "jazz"]).predict(["c.mp3"])    # doctest: +SKIP
    array(['jazz'], dtype='<U4')
    """

    def __init__(
        self,
        weights: str | Path = "choi2017_theano",
        *,
        over: str = "song",
        hop: float | None = None,
        summary: str = "mean",
        calibrate_on: Any = None,
        short: str = "repeat",
        jobs: int | None = None,
        cache: str | Path | None = None,
        on_error: str = "raise",
    ) -> None:
        self.weights, self.over, self.hop, self.summary = weights, over, hop, summary
        self.calibrate_on, self.short, self.jobs, self.cache, self.on_error = calibrate_on, short, jobs, cache, on_error

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the network, and calibrate it where that is asked for.

        Parameters
        ----------
        X : sequence of path, (n_clips,) or (n_clips, 1), or a frame with a column `filepath`
            Looked at for ``calibrate_on="fit"`` alone.
        y : ignored

        Raises
        ------
        OptionError, WeightsError
            An option makes no sense, or the weights cannot be read.
        """
        checked_choice("over", self.over, ("song", "start"))
        checked_choice("on_error", self.on_error, ("raise", "nan"))
        if self.over == "start" and (self.hop is not None or self.summary != "mean"):
            raise OptionError("is of windows all over a song", field="hop, summary", cure='leave them, or over="song"')
        paths = _paths(X)
        weights = find_weights(self.weights)
        network = load_model(weights, output="features", input="waveform")
        source = paths if isinstance(self.calibrate_on, str) and self.calibrate_on == "fit" else self.calibrate_on
        extractor: Extractor = independent_extractor(
            network, source, jobs=self.jobs, fit=self.short, weights_file=weights
        )
        if self.over == "song":
            extractor = WholeSong(extractor, hop=self.hop, summary=self.summary)
        self.extractor_ = extractor
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the features (n_clips, n_features), float32, of clips as `fit` takes them.

        Raises
        ------
        AudioError
            A clip cannot be read, with ``on_error="raise"``.
        """
        check_is_fitted(self)
        paths = _paths(X)
        files = self._files(paths)
        rows = np.full((len(paths), len(self.extractor_.columns)), np.nan, np.float32)
        for place, file in enumerate(files):
            if file is not None and file.is_file():
                rows[place] = np.load(file, allow_pickle=False)
        missing = [place for place, file in enumerate(files) if file is None or not file.is_file()]
        for place, row in self._computed(paths, missing):
            rows[place] = row
            file = files[place]
            if file is not None:
                with whole_file(file) as temporary, open(temporary, "wb") as stream:
                    np.save(stream, row, allow_pickle=False)
        return rows

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns, as `mgc-keras features` writes them."""
        check_is_fitted(self)
        return np.array(self.extractor_.columns, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        return tags

    def _computed(self, paths: list[Path], places: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield place and row of clips, those that can be read."""
        if not places:
            return
        # A name for each: the same clip may be asked for twice.
        names = [str(paths[place]) for place in places]
        clips = Clips("paths", [str(place) for place in places], names, [paths[place] for place in places])
        extractor = self.extractor_
        batches = compose_batches(len(places), extractor.batch_size, extractor.batch_order)
        with progress_bar(description=extractor.name, total=len(places)) as bar:
            for results in clip_features(clips, extractor, batches, jobs=checked_jobs(self.jobs)):
                for result in results:
                    if result.problem is None:
                        yield places[result.position], result.rows[0]
                    elif self.on_error == "raise":
                        problem, path = result.problem, names[result.position]
                        raise AudioError(problem.problem, path=path, cure=problem.cure)
                bar.update(len(results))

    def _files(self, paths: list[Path]) -> list[Path | None]:
        """Return where each clip's row is kept, under a hash of all that its numbers depend on; None where nowhere."""
        if self.cache is None:
            return [None] * len(paths)
        described = {name: value for name, value in self.extractor_.describe().items() if name != "weights_file"}
        made_by = fingerprint(described, versions())

        def file_of(path: Path) -> Path | None:
            try:
                state = path.stat()
            except OSError:
                return None  # reading it will say why
            own = [str(path.absolute()), state.st_size, state.st_mtime_ns, state.st_ctime_ns]
            return Path(str(self.cache), f"{fingerprint(made_by, own)}.npy")

        return [file_of(path) for path in paths]


def _paths(X: Any) -> list[Path]:
    """Return the paths that scikit-learn hands over: a list, an array or a series of them, or a frame's column."""
    if hasattr(X, "columns"):
        X = X["filepath"] if "filepath" in X.columns else X
    if isinstance(X, (str, Path)):
        return list(list_clips(X).paths)
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not len(array) or not all(isinstance(path, (str, Path)) for path in array):
        cure = "give paths of clips: (n_clips,), (n_clips, 1), or a frame with a column filepath"
        raise OptionError(f"an array {array.shape} holds no list of paths", field="X", cure=cure)
    return [Path(path) for path in array]
