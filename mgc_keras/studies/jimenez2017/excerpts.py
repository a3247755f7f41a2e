"""What a frozen network says of every excerpt of every song, computed once; a stopped run goes on song by song."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mgc_keras.audio.spans import Excerpts
from mgc_keras.errors import OptionError
from mgc_keras.features.clips import Clips
from mgc_keras.features.extractor import compose_batches
from mgc_keras.features.network import NetworkExtractor
from mgc_keras.features.pipeline import checked_jobs, clip_features
from mgc_keras.files import whole_file
from mgc_keras.progress import progress_bar
from mgc_keras.work import FailedClip, keep_settings, write_failed_clips

# Songs that are read before the first of them is done.
_SONGS_A_BATCH = 4


@dataclass(frozen=True, eq=False)
class SongExcerpts:
    """What `export_song_excerpts` computed.

    Parameters
    ----------
    clip_ids : list of str
        Songs that could be read.
    values : np.ndarray [shape=(n_rows, n_values), dtype=float32]
        Song by song: the centre excerpt, then the others in time.
    first : np.ndarray [shape=(n_songs + 1,), dtype=int]
        The row of each song's centre excerpt, and at last the number of rows.
    notes : dict of str to str
        By clip_id, in what its excerpts differ from what was asked for.
    """

    clip_ids: list[str]
    values: np.ndarray
    first: np.ndarray
    notes: dict[str, str]

    @property
    def n_several(self) -> int:
        """The number of songs with more than one excerpt; the centre excerpt does not count."""
        return int((np.diff(self.first) > 2).sum())


class _CentreFirst:
    """The spans of `Excerpts`, behind the one at the song's centre."""

    def __init__(self, excerpts: Excerpts) -> None:
        self.excerpts, self.centre = excerpts, Excerpts(excerpts.seconds, centre=True)

    def bounds(self, n_samples: int, sampling_rate: int) -> Iterator[tuple[int, int]]:
        yield from self.centre.bounds(n_samples, sampling_rate)
        yield from self.excerpts.bounds(n_samples, sampling_rate)


def export_song_excerpts(
    clips: Clips, folder: Path, extractor: NetworkExtractor, excerpts: Excerpts, *, jobs: int
) -> SongExcerpts:
    """Compute a row of numbers for the centre excerpt and for every other excerpt of every song; `jobs` threads decode.

    `folder` takes a file a song, ``settings.json`` and ``errors.csv``; files that are there are kept.

    Raises
    ------
    OptionError
        `folder` holds rows of other songs or of another network; or no song can be read.
    MgcKerasError
        The disk is full.
    """
    described = {"extractor": extractor.describe(), "excerpts": vars(excerpts), "source": clips.state()}
    keep_settings(folder / "settings.json", described)
    todo = [position for position in range(len(clips)) if not _song_file(folder, position).exists()]
    batches = [np.array(todo)[batch] for batch in compose_batches(len(todo), _SONGS_A_BATCH)]
    failed = {}
    with progress_bar(description="excerpts", unit="song", total=len(clips), initial=len(clips) - len(todo)) as bar:
        for results in clip_features(clips, extractor, batches, jobs=checked_jobs(jobs), spans=_CentreFirst(excerpts)):
            for result in results:
                bar.update()
                if result.problem is not None:
                    song = clips.clip_ids[result.position], clips.filepaths[result.position]
                    failed[result.position] = FailedClip.of(*song, result.problem)
                    continue
                with whole_file(_song_file(folder, result.position)) as temporary:
                    np.savez(temporary, values=np.stack(result.rows), seconds=np.array(result.seconds))
    write_failed_clips(folder / "errors.csv", failed.values())
    if len(failed) == len(clips):
        raise OptionError("no song can be read", path=clips.name, field="filepath", cure=f"see {folder / 'errors.csv'}")
    return _read(folder, clips, excerpts, [position for position in range(len(clips)) if position not in failed])


def _read(folder: Path, clips: Clips, excerpts: Excerpts, positions: list[int]) -> SongExcerpts:
    values, notes = [], {}
    for position in positions:
        path = _song_file(folder, position)
        try:
            with np.load(path, allow_pickle=False) as stored:
                values.append(stored["values"])
                note = excerpts.note(float(stored["seconds"]))
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise OptionError("is damaged", path=path, cure="remove it and run again") from error
        if note:
            notes[clips.clip_ids[position]] = note
    first = np.cumsum([0, *map(len, values)])
    return SongExcerpts([clips.clip_ids[position] for position in positions], np.concatenate(values), first, notes)


def _song_file(folder: Path, position: int) -> Path:
    return folder / f"song{position:05d}.npz"
