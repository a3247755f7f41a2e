"""From tagged sequences to the pre-trained network of the Song 2017 study: train, save, and judge on held-out clips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import LABEL_PREFIX
from mgc_keras.errors import ManifestError
from mgc_keras.files import whole_file
from mgc_keras.studies.song2017.pretraining import BEST, CHECKPOINT, HISTORY, PretrainingSettings, pretrain
from mgc_keras.training.examples import Examples
from mgc_keras.training.stepping import Stepper


@dataclass(frozen=True)
class SourceTagger:
    """What `train_source_tagger` leaves in its folder.

    Parameters
    ----------
    network : Path
        ``source_network.h5``: the network of the best epoch, with its tag head.
    history : Path
        ``history.csv``, one row an epoch.
    validation : Path
        ``validation.csv``: clip_id, then truth_<tag> and score_<tag> of each tag, of the held-out clips.
    """

    network: Path
    history: Path
    validation: Path

    @classmethod
    def of(cls, folder: str | Path) -> "SourceTagger":
        """Name the files of a folder."""
        return cls(*(Path(folder) / name for name in ("source_network.h5", HISTORY, "validation.csv")))

    def is_finished(self) -> bool:
        """Tell whether the training is over: the last file is there."""
        return self.validation.exists()


def train_source_tagger(
    build: Callable[[], keras.Model],
    examples: Examples,
    validation: np.ndarray,
    *,
    folder: str | Path,
    clip_ids: Sequence[str],
    tags: Sequence[str],
    score: Callable[[np.ndarray, np.ndarray], float],
    settings: PretrainingSettings = PretrainingSettings(),
) -> SourceTagger:
    """Pre-train a network, or go on, or leave a finished one as it is.

    Parameters
    ----------
    build : callable
        Makes the untrained network.
    examples, validation, score, settings
        As in `mgc_keras.studies.song2017.pretraining.pretrain`.
    folder : str or Path
    clip_ids : sequence of str
        Of the clips in `examples`.
    tags : sequence of str
        Columns of the manifest, prefix or not.

    Raises
    ------
    ManifestError
        None of the clips to learn from, or none of those held out, could be read.
    OptionError, MgcKerasError
        As `pretrain`.
    """
    tagger = SourceTagger.of(folder)
    if tagger.is_finished():
        return tagger
    for part, mask in (("to learn from", ~validation), ("held out", validation)):
        if not mask.any():
            raise ManifestError(
                f"no clip {part} could be read", field="filepath", cure="see errors.csv; check --source-home"
            )
    model, _ = pretrain(build(), examples, validation, folder=folder, score=score, settings=settings)
    with whole_file(tagger.network) as temporary:
        model.save(temporary)
    _write_validation(model, examples, np.flatnonzero(validation), clip_ids, tags, tagger.validation)
    for leftover in (BEST, CHECKPOINT):
        (Path(folder) / leftover).unlink(missing_ok=True)
    return tagger


def _write_validation(
    model: keras.Model,
    examples: Examples,
    held_out: np.ndarray,
    clip_ids: Sequence[str],
    tags: Sequence[str],
    path: Path,
) -> None:
    scores = Stepper(model, 1.0, multi_label=True).scores(examples, held_out)
    truth = examples.targets[held_out].astype(int)
    names = [tag.removeprefix(LABEL_PREFIX) for tag in tags]
    columns = {"clip_id": np.asarray(clip_ids, dtype=str)[held_out]}
    columns |= {f"truth_{name}": truth[:, number] for number, name in enumerate(names)}
    columns |= {f"score_{name}": scores[:, number] for number, name in enumerate(names)}
    with whole_file(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False, lineterminator="\n")
