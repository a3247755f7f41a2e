"""Damaged weight files, loaded.

Held: a `WeightsError` of one line (for files of a training, any error of the package), or the tensors of the undamaged
file. Other tensors need a word where they can be known to be others: from the checksums of a zip archive or of a
compressed tensor, from another type, from the registry of published files; and they are finite, and from this file.
"""

from pathlib import Path

import numpy as np

from mgc_keras.errors import MgcKerasError, WeightsError
from tests.campaign.bench import Bench, Fault, listening, refused
from tests.campaign.damage import Generator, pick


class Weights(Bench):
    """See the module."""

    name, share, per_process, seconds = "weights", 0.15, 75, 60

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        # TensorFlow must not be in a process that is forked.
        from tests.campaign.weight_bases import weight_files

        self.files = weight_files(home)

    def trial(self, generator: Generator, folder: Path) -> None:
        from tests.campaign.weight_damages import SECRET, damage_weights

        file = pick(generator, self.files)
        path, note, must_refuse = damage_weights(file, pick(generator, self.files), folder, generator)
        self.note = f"{path.name}: {note}"
        (folder / "note.txt").write_text(self.note)
        errors = (WeightsError,) if file.form != "npz" else (MgcKerasError,)
        with listening() as heard:
            found, _ = refused(file.load, path, errors=errors)
        if (folder / "ran").exists() or Path("ran").exists():
            raise Fault("code of the file ran")
        if found is None:
            return
        if any(SECRET[:8] in np.ascontiguousarray(tensor).tobytes() for tensor in found.tensors):
            raise Fault("silent: bytes of another file are weights")
        if not all(np.isfinite(tensor).all() for tensor in found.tensors):
            raise Fault("silent: weights that are not finite are taken", note)
        if found.same(file.whole):
            return
        if must_refuse:
            raise Fault(f"silent: taken: {_kind(note)}", note)
        # Halves are floating-point numbers as well: they may be taken.
        if any(what in note for what in ("whole numbers", "complex", "damaged chunk")):
            raise Fault(f"silent: other tensors: {_kind(note)}", note)
        by_bytes = "bytes" in note and "whole archive" not in note
        if file.form in ("keras", "npz") and by_bytes:
            raise Fault(f"silent: other tensors of a {file.form} file, in spite of its checksums", note)
        if file.is_published and not any(path.name in text for text in heard):
            raise Fault("silent: a published file that is not as published", note)


def _kind(note: str) -> str:
    """The note without the tensor's name."""
    return note.rpartition(": ")[2]
