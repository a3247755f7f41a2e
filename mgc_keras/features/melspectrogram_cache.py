"""Mel-spectrograms of a whole dataset on disk, in files of up to 1 GiB: decode once, train for many epochs."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mgc_keras.datasets.manifest import LABEL_PREFIX, Manifest, check_source_manifest
from mgc_keras.errors import AudioError, DiskError, OptionError
from mgc_keras.features.clips import Clips, list_clips
from mgc_keras.features.extractor import Extractor, compose_batches
from mgc_keras.features.pipeline import clip_features
from mgc_keras.files import raise_if_full
from mgc_keras.progress import progress_bar
from mgc_keras.training.examples import Examples
from mgc_keras.training.loop import BEST, CHECKPOINT
from mgc_keras.training.shards import Shards, make_shards, shard_paths
from mgc_keras.training.strategies import Workers
from mgc_keras.work import Journal, fingerprint

if TYPE_CHECKING:
    from mgc_keras.layers.melspectrogram import MelSpectrogram

# 16 bits hold -80…0 dB to 0.03 dB, far below what training notices, in half the space.
STORED_DTYPE = np.float16
# Of one file: a GiB is 4094 clips of 29 s.
_SHARD_BYTES = 1 << 30
_FOLDER, _JOURNAL = "melspectrograms", "journal"
# What earlier versions kept beside the checkpoints.
_OLD = ("melspectrograms.npy", "melspectrograms.npy.journal")

logger = logging.getLogger("mgc_keras")


class _MelSpectrograms(Extractor):
    """An extractor whose row is a clip's whole mel-spectrogram, (n_mels, n_frames, 1) in dB."""

    name, columns, dtype, batch_size = "melspectrogram", (), "float16", 16

    def __init__(self, layer: "MelSpectrogram", n_samples: int) -> None:
        import tensorflow as tf

        self.layer, self.n_samples, self.sampling_rate = layer, n_samples, layer.sampling_rate
        self.duration = n_samples / layer.sampling_rate
        self._compute = tf.function(self.layer, input_signature=[tf.TensorSpec((None, n_samples), tf.float32)])

    def describe(self) -> dict[str, Any]:
        """Return the front end's settings."""
        return {"front_end": self.layer.get_config(), "fit": self.fit, "n_samples": self.n_samples}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Return (batch, n_mels, n_frames, 1) in dB."""
        return self._compute(waveforms).numpy()


def cache_melspectrograms(
    source: Manifest, folder: Path, layer: "MelSpectrogram", n_samples: int, *, jobs: int = 2
) -> tuple[Shards, dict[int, AudioError]]:
    """Compute the mel-spectrogram of every clip of a manifest into files of a folder; a killed run goes on.

    Parameters
    ----------
    source : Manifest
        The clips; each is repeated or cut to `n_samples`.
    folder : Path
        For ``shard-00000.npy`` and so on, and ``journal``, which tells which clips are finished. A link may stand for a
        file that was moved to another disk.
    layer : MelSpectrogram
        The network's front end.
    n_samples : int
        Length of a clip at the layer's sampling rate.
    jobs : int
        Threads that decode.

    Returns
    -------
    values : Shards [shape=(n_clips, n_mels, n_frames, 1), dtype=float16]
        In dB, each clip's maximum at 0; a clip that could not be read is silence and must be left out.
    problems : dict of int to AudioError
        The positions of such clips and why.

    Raises
    ------
    MgcKerasError
        The disk is full.
    """
    clips, extractor = list_clips(source), _MelSpectrograms(layer, n_samples)
    shape = (len(clips), layer.n_mels, layer.n_frames(n_samples), 1)
    n_in_shard = max(1, _SHARD_BYTES // (int(np.prod(shape[1:])) * np.dtype(STORED_DTYPE).itemsize))
    key = fingerprint(clips.state(), extractor.describe(), shape, n_in_shard)
    values = _open(folder, shape, n_in_shard)
    with Journal(folder / _JOURNAL, key, resume=values is not None) as journal:
        if values is None or not len(journal):
            make_shards(folder, shape, STORED_DTYPE, n_in_shard)
            values = Shards(shard_paths(folder, len(clips), n_in_shard), writable=True)
        # Of each clip why it is not there, or None, and whether the next run tries it again.
        known = {position: (problem, again) for position, problem, again in journal}
        todo = [position for position in range(len(clips)) if known.get(position, ("", True))[1]]
        known |= _fill(values, journal, clips, extractor, todo, jobs)
    return values, {
        position: AudioError(problem, path=clips.paths[position])
        for position, (problem, _) in sorted(known.items())
        if problem is not None
    }


@dataclass(frozen=True)
class SourceClips:
    """The clips of a source manifest that a tagger learns from and is judged on.

    Parameters
    ----------
    examples : Examples
        Mel-spectrograms (n_clips, n_mels, n_frames, 1) in dB, and 0 or 1 for every tag. Their rows are those of the
        manifest.
    validation : np.ndarray [shape=(n_clips,), dtype=bool]
        Which clips are held out.
    tags : tuple of str
    """

    examples: Examples
    validation: np.ndarray
    tags: tuple[str, ...]


@contextmanager
def source_clips(
    manifest: Manifest, folder: Path, layer: "MelSpectrogram", n_samples: int, *, jobs: int = 2
) -> Iterator[SourceClips]:
    """Give the clips marked "train" or "valid" that can be read, while a tagger is trained in a folder.

    Where the training ends without an error, its checkpoints and the mel-spectrograms are removed.

    Parameters
    ----------
    manifest : Manifest
        With columns `label_<tag>` and `split`.
    folder : Path
        For the folder ``melspectrograms``; the tagger's checkpoints lie there, too.
    layer, n_samples, jobs
        As of `cache_melspectrograms`.

    Raises
    ------
    ManifestError
        There are no tags, or no split into "train" and "valid".
    MgcKerasError
        The disk is full.
    """
    check_source_manifest(manifest)
    _remove_old(folder)
    values, problems = cache_melspectrograms(manifest, folder / _FOLDER, layer, n_samples, jobs=jobs)
    split = manifest.table["split"].to_numpy(str)
    usable = np.isin(split, ("train", "valid"))
    usable[list(problems)] = False
    rows = np.flatnonzero(usable)
    targets = manifest.table[manifest.label_columns].to_numpy(np.float32)[rows]
    tags = tuple(column.removeprefix(LABEL_PREFIX) for column in manifest.label_columns)
    # Whoever takes rows of it cannot tell it from an array.
    examples = Examples(cast(np.ndarray, values), rows, targets)
    yield SourceClips(examples, split[rows] == "valid", tags)
    shutil.rmtree(folder / _FOLDER)
    for leftover in (CHECKPOINT, BEST):
        (folder / leftover).unlink(missing_ok=True)


def share_clips(clips: SourceClips | None, workers: Workers) -> SourceClips | None:
    """Return the clips of the chief of a training on every worker; None where the chief has nothing to train.

    What is in files is read from there by each worker; the others give None as `clips`.

    Raises
    ------
    OptionError
        A worker does not see the chief's files.
    """
    told = workers.tell(_described(clips) if clips else {})
    if workers.is_chief or not told:
        return clips
    try:
        if "shards" in told:
            values = cast(np.ndarray, Shards([Path(path) for path in told["shards"].tolist()]))
        elif "map" in told:
            path, offset, shape, dtype = json.loads(str(told["map"]))
            values = np.memmap(path, dtype, "r", offset, tuple(shape))
        else:
            values = told["values"]
    except (OSError, ValueError, EOFError) as error:
        problem = f"the clips that worker 0 has prepared cannot be read here: {error}"
        cure = "let all workers see the run folder under the same path"
        raise OptionError(problem, field="--out", cure=cure) from error
    return SourceClips(
        Examples(values, told["rows"], told["targets"]), told["validation"], tuple(told["tags"].tolist())
    )


def _described(clips: SourceClips) -> dict[str, Any]:
    examples, values = clips.examples, clips.examples.values
    about = {"rows": examples.rows, "targets": examples.targets, "validation": clips.validation, "tags": [*clips.tags]}
    if isinstance(values, Shards):
        return {**about, "shards": [str(path.resolve()) for path in values.paths]}
    if isinstance(values, np.memmap) and values.filename:
        place = (str(Path(values.filename).resolve()), values.offset, values.shape, values.dtype.str)
        return {**about, "map": json.dumps(place)}
    return {**about, "values": values}


def _open(folder: Path, shape: tuple[int, ...], n_in_shard: int) -> Shards | None:
    """Open the files of an earlier run; None where they are not there, or not whole."""
    try:
        values = Shards(shard_paths(folder, shape[0], n_in_shard), writable=True)
    except (OSError, ValueError, EOFError):
        return None
    return values if values.shape == shape and values.dtype == STORED_DTYPE else None


def _remove_old(folder: Path) -> None:
    """Remove the one file that a run of an earlier version has left."""
    for name in _OLD:
        if (folder / name).exists():
            (folder / name).unlink()
            logger.warning("%s: was left by an earlier version; its clips are decoded afresh", folder / name)


def _fill(
    values: Shards, journal: Journal, clips: Clips, extractor: _MelSpectrograms, todo: list[int], jobs: int
) -> dict[int, tuple[str | None, bool]]:
    """Compute some clips; return each one's problem, or None, and whether the next run tries it again."""
    there = clips.readable()
    known: dict[int, tuple[str | None, bool]] = {}
    batches = [np.array(todo)[batch] for batch in compose_batches(len(todo), extractor.batch_size)]
    with progress_bar(description="mel-spectrograms", total=len(clips), initial=len(clips) - len(todo)) as bar:
        for results in clip_features(clips, extractor, batches, jobs=jobs):
            try:
                for result in results:
                    values[result.position] = -80.0 if result.problem else result.rows[0]
                    again = isinstance(result.problem, DiskError) and result.position in there
                    known[result.position] = (result.problem.problem if result.problem else None, again)
                values.flush()
            except OSError as error:
                raise_if_full(error, journal.path, resumable=True)
                raise
            journal.append([(result.position, *known[result.position]) for result in results])
            bar.update(len(results))
    return known
