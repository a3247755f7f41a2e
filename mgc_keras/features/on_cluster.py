"""Features on a cluster: a batch is a task, whoever computes it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np

from mgc_keras.audio.spans import Spans
from mgc_keras.cluster import Cluster, Task, task_on
from mgc_keras.errors import MgcKerasError
from mgc_keras.features.clips import Clips
from mgc_keras.features.extractor import Extractor
from mgc_keras.features.joined import JoinedFeatures
from mgc_keras.features.pipeline import ClipFeatures, clip_features

# Of the tasks of a process, as many compute at once as without a cluster, while others decode: by number of streams.
_turns: dict[int, threading.Semaphore] = {}
_lock = threading.Lock()


def cluster_features(
    cluster: Cluster,
    clips: Clips,
    extractor: Extractor,
    batches: list[np.ndarray],
    *,
    spans: Spans | None = None,
    in_order: bool = False,
    measured: dict[str, Any] | None = None,
) -> Iterator[list[ClipFeatures]]:
    """Compute features batch by batch as `mgc_keras.features.pipeline.clip_features` does, on the workers of a cluster.

    The clips of a batch are computed together by one worker, so that their numbers do not depend on who does it.

    Parameters
    ----------
    cluster, clips, extractor, batches, spans
        The extractor must be one that can be pickled.
    in_order : bool
        Give the batches in their order; else as they are done.
    measured : dict, optional
        Where what the workers' extractors say that they ``measured()`` is put, of each number the largest.

    Raises
    ------
    MgcKerasError
        See `mgc_keras.cluster.Cluster.run`.
    """

    def tasks() -> Iterator[Task]:
        for batch in batches:
            part = _part(clips, batch)
            yield task_on(part.paths, part, spans, name=part.filepaths[0])

    for number, (results, found) in cluster.run(_batch, tasks(), shared=extractor, in_order=in_order):
        if measured is not None:
            measured |= {name: max(value, measured.get(name, value)) for name, value in found.items()}
        yield [replace(result, position=int(batches[number][result.position])) for result in results]


def _part(clips: Clips, batch: np.ndarray) -> Clips:
    """Return the clips of a batch, with the paths that a worker in another folder finds them by."""
    of_batch = lambda values: [values[position] for position in batch.tolist()]
    paths = [path.absolute() for path in of_batch(clips.paths)]
    return Clips(clips.name, of_batch(clips.clip_ids), of_batch(clips.filepaths), paths, channel=clips.channel)


def _batch(extractor: Extractor, clips: Clips, spans: Spans | None) -> tuple[list[ClipFeatures], dict[str, Any]]:
    (results,) = clip_features(clips, _in_turn(extractor), [np.arange(len(clips))], jobs=1, spans=spans)
    return results, getattr(extractor, "measured", dict)()


def _in_turn(extractor: Extractor) -> Extractor:
    """Return an extractor that all threads of this process may call; refuse where it cannot compute here."""
    if isinstance(extractor, JoinedFeatures):
        return JoinedFeatures([_in_turn(part) for part in extractor.parts])
    _compute_as(extractor)
    return cast(Extractor, _InTurn(extractor))


class _InTurn:
    """An extractor that computes as many batches at once as it has streams, whoever asks; the others wait."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        streams = getattr(extractor, "streams", 1)
        with _lock:
            self._turns = _turns.setdefault(streams, threading.Semaphore(streams))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._extractor, name)

    def __call__(self, waveforms: Any) -> np.ndarray:
        with self._turns:
            return self._extractor(waveforms)


def _compute_as(extractor: Extractor) -> None:
    """Let this process compute on the device and in the precision that the extractor was made for, or refuse."""
    wanted = getattr(extractor, "execution", None)
    if wanted is None:
        return
    from mgc_keras.execution import policy, set_precision

    if policy().precision != wanted.precision:
        set_precision(wanted.precision)
    if policy().device != wanted.device:
        problem = f"a worker computes on a {policy().device}, this machine on a {wanted.device}: numbers would differ"
        raise MgcKerasError(problem, field="--cluster", cure="start the command on a machine like the workers")
