"""What a check of a folder of clips found: a list of findings, their counts, a table."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mgc_keras.files import write_text

KINDS = ("unreadable", "empty", "truncated", "silent", "too_short", "wrong_extension", "duplicate")


@dataclass(frozen=True)
class Finding:
    """Something about a clip that a user should know.

    Attributes
    ----------
    clip : str
        Path relative to the folder, with forward slashes.
    kind : str
        One of `KINDS`.
    detail : str
        What was found.
    cure : str
        What to do about it.
    """

    clip: str
    kind: str
    detail: str
    cure: str


@dataclass(frozen=True)
class CheckReport:
    """What `check_folder` found.

    Attributes
    ----------
    folder : Path
        The folder that was checked.
    clips_per_folder : dict of str to int
        The number of clips by the folder that holds them, relative to `folder` ("." is `folder` itself), sorted.
    findings : tuple of Finding
        Sorted by kind in the order of `KINDS`, then by clip.
    skipped : dict of str to int
        The number of visible files that are no clips, by suffix in lower case ("" for none), sorted.
    duplicate_groups : tuple of tuple of str
        The clips with equal audio, group by group, sorted.
    """

    folder: Path
    clips_per_folder: dict[str, int]
    findings: tuple[Finding, ...]
    skipped: dict[str, int]
    duplicate_groups: tuple[tuple[str, ...], ...]

    @property
    def n_clips(self) -> int:
        """How many clips were checked."""
        return sum(self.clips_per_folder.values())

    def counts(self) -> dict[str, int]:
        """Return the number of findings by kind, in the order of `KINDS`; kinds without any are left out."""
        counter = Counter(finding.kind for finding in self.findings)
        return {kind: counter[kind] for kind in KINDS if kind in counter}

    def table(self) -> pd.DataFrame:
        """Return the findings as a table with the columns clip, kind, detail, cure."""
        return pd.DataFrame(
            [(finding.clip, finding.kind, finding.detail, finding.cure) for finding in self.findings],
            columns=["clip", "kind", "detail", "cure"],
        )

    def write(self, path: str | Path) -> Path:
        """Write the findings as CSV, whole or not at all; return the path."""
        return write_text(path, self.table().to_csv(index=False, lineterminator="\n"))
