"""Which clips and which tags of a multi-label manifest a network is pre-trained on."""

from pathlib import PurePosixPath

import numpy as np

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.errors import ManifestError, OptionError

_CURE = "give split, folder:NAME (as folder:f) or last:COUNT (as last:2105)"


def validation_clips(manifest: Manifest, rule: str = "split") -> tuple[np.ndarray, np.ndarray]:
    """Say which clips are used, and which of these are held out.

    Parameters
    ----------
    manifest : Manifest
    rule : str
        "split": the clips marked "valid" are held out, those marked "train" learnt from, others unused.
        "folder:NAME": every clip whose file lies directly in a folder of that name is held out, all others are learnt
        from. "last:COUNT": so many clips at the end of the manifest are held out.

    Returns
    -------
    used, held_out : np.ndarray [shape=(n_clips,), dtype=bool]

    Raises
    ------
    OptionError
        There is no such rule.
    ManifestError
        The rule leaves no clip to learn from, or holds none out.
    """
    kind, _, value = rule.partition(":")
    if kind == "split" and not value:
        split = manifest.table["split"].to_numpy(str) if "split" in manifest.table else np.full(len(manifest), "")
        used, held_out = np.isin(split, ("train", "valid")), split == "valid"
    elif kind == "folder" and value:
        folders = [PurePosixPath(filepath).parent.name for filepath in manifest.table["filepath"]]
        used, held_out = np.ones(len(manifest), bool), np.array(folders) == value
    elif kind == "last" and value.isdecimal():
        used, held_out = np.ones(len(manifest), bool), np.arange(len(manifest)) >= len(manifest) - int(value)
    else:
        raise OptionError(f"there is no rule {rule!r}", field="source-validation", cure=_CURE)
    if not held_out.any() or not (used & ~held_out).any():
        raise ManifestError(
            f"the rule {rule!r} needs clips to learn from and clips to hold out",
            path=manifest.name,
            field=kind,
            cure=_CURE,
        )
    return used, held_out


def tag_columns(manifest: Manifest, n_tags: int | None = None) -> list[str]:
    """Return the names of the tags' columns: all, or the most frequent, in manifest order.

    Parameters
    ----------
    manifest : Manifest
    n_tags : int, optional
        How many; 50 is what most work on MagnaTagATune takes. Ties go to the earlier column.

    Raises
    ------
    ManifestError
        There are no tags, or values that are neither 0 nor 1.
    OptionError
        There are fewer tags than wanted.
    """
    columns = manifest.label_columns
    if not columns:
        raise ManifestError(
            "holds no tags", path=manifest.name, field="label_<tag>", cure="give a multi-label manifest"
        )
    values = manifest.table[columns].to_numpy(np.float64)
    odd = ~np.isin(values, (0.0, 1.0)).all(axis=0)
    if odd.any():
        cure = "give 1 where the tag applies and 0 elsewhere"
        raise ManifestError("is no tag of 0 and 1", path=manifest.name, field=columns[int(odd.argmax())], cure=cure)
    if n_tags is None:
        return columns
    if not 1 <= n_tags <= len(columns):
        raise OptionError(f"{n_tags} of {len(columns)} tags cannot be taken", field="source-tags", cure="give fewer")
    frequent = np.argsort(-values.sum(axis=0), kind="stable")[:n_tags]
    return [columns[place] for place in sorted(frequent)]
