"""Check a folder of clips for what spoils a study: clips that cannot be read, say nothing, or come twice."""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from mgc_keras.audio.containers import CONSTANT, LOUDEST, SILENCE, SILENT, SUFFIXES_OF_FORMAT
from mgc_keras.audio.ffmpeg import FORMAT, left_out_words, warn_left_out
from mgc_keras.audio.files import find_audio, no_memory, walk_files
from mgc_keras.audio.probe import ClipProbe, probe_clip
from mgc_keras.cluster import Cluster, task_on
from mgc_keras.errors import AudioError, OptionError
from mgc_keras.files import escape_formula, readable_name, write_text
from mgc_keras.progress import progress_bar

KINDS = (
    "unreadable",
    "empty",
    "truncated",
    "contradictory",
    "implausible_level",
    "silent",
    "antiphase",
    "too_short",
    "wrong_extension",
    "duplicate",
)
# Shorter than one window of 1024 samples at 12 kHz, and the MFCC baseline has to pad a clip.
MINIMUM_DURATION = 0.1
# Of the channels' power, what is left in the mono mix: -20 dB. Independent channels keep half of it.
CANCELLED = 0.01
# Clips of a task for a cluster: some tenths of a second of work.
_TOGETHER = 8


@dataclass(frozen=True)
class Finding:
    """Something about a clip that a user should know.

    Attributes
    ----------
    clip : str
        Path relative to the folder, with forward slashes.
    kind : str
        One of `KINDS`.
    detail, cure : str
        What was found, and what to do about it.
    """

    clip: str
    kind: str
    detail: str
    cure: str


COLUMNS = tuple(column.name for column in fields(Finding))


@dataclass(frozen=True)
class CheckReport:
    """What `check_folder` found.

    Attributes
    ----------
    folder : Path
    clips_per_folder : dict of str to int
        The number of clips by the folder that holds them, relative to `folder` ("." is `folder` itself), sorted.
    findings : tuple of Finding
        Sorted by kind in the order of `KINDS`, then by clip.
    skipped : dict of str to int
        The number of visible files that were not checked, by suffix in lower case ("" for none), sorted.
    left_out : tuple of str
        Those of them that hold audio which only ffmpeg reads, and it is not there.
    duplicate_groups : tuple of tuple of str
        The clips with equal audio, group by group, sorted.
    """

    folder: Path
    clips_per_folder: dict[str, int]
    findings: tuple[Finding, ...]
    skipped: dict[str, int]
    left_out: tuple[str, ...]
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
        return pd.DataFrame(list(self.findings), columns=COLUMNS)

    def write(self, path: str | Path, escape_formulas: bool = False) -> Path:
        """Write the findings as CSV, whole or not at all; return the path. For the escape see `escape_formula`."""
        table = self.table().map(escape_formula) if escape_formulas else self.table()
        return write_text(path, table.to_csv(index=False, lineterminator="\n"))


def check_folder(
    folder: str | Path,
    minimum_duration: float = MINIMUM_DURATION,
    jobs: int | None = None,
    cluster: Cluster | None = None,
) -> CheckReport:
    """Decode every clip in a folder and its sub-folders and list what is wrong with it.

    Parameters
    ----------
    folder : str or Path
        Hidden files, ``._*`` files among them, are skipped; visible files of other suffixes are skipped and counted. A
        sub-folder that may not be listed counts as a clip that cannot be read. A file is taken for a clip, whatever its
        suffix.
    minimum_duration : float
        Clips shorter than this many seconds are reported as too short.
    jobs : int or None
        Number of threads; None takes one for each processor.
    cluster : Cluster, optional
        Look at the clips there, rather than here: see `mgc_keras.cluster.open_cluster`.

    Returns
    -------
    CheckReport
        Does not depend on `jobs` or `cluster`.

    Raises
    ------
    AudioError
        There is no such folder, or it holds no clip.
    OptionError
        `minimum_duration` or `jobs` makes no sense.

    Notes
    -----
    Duplicates are clips whose sampling rate and decoded mono mix are equal sample by sample, whatever their names,
    tags or lossless containers. The same recording encoded twice with loss is not found.

    Example
    -------
    >>> report = check_folder("gtzan", minimum_duration=29.0)    # doctest: +SKIP
    >>> report.counts()                                          # doctest: +SKIP
    {'unreadable': 1, 'duplicate': 98}
    """
    _check_options(minimum_duration, jobs)
    folder = Path(folder)
    if folder.is_file():
        findings, groups = check_clips([folder], [_shown(Path(folder.name))], minimum_duration, jobs, cluster)
        return CheckReport(folder.parent, {".": 1}, findings, {}, (), groups)
    paths, others = find_audio(folder, locked_too=True)
    left_out = tuple(_shown(path.relative_to(folder)) for path in others)
    if not paths:
        problem = "holds no audio files" + (f" that can be read here: {left_out_words(left_out)}" if left_out else "")
        raise AudioError(problem, path=folder, cure="name a folder with wav, flac, mp3 or other audio files")
    warn_left_out(folder, left_out)
    names = [_shown(path.relative_to(folder)) for path in paths]
    findings, groups = check_clips(paths, names, minimum_duration, jobs, cluster)
    checked = set(paths)
    skipped = (path for path in walk_files(folder, []) if path not in checked and not path.name.startswith("."))
    return CheckReport(
        folder=folder,
        clips_per_folder=_counted(_shown(path.parent.relative_to(folder)) for path in paths),
        findings=findings,
        skipped=_counted(path.suffix.lower() for path in skipped),
        left_out=left_out,
        duplicate_groups=groups,
    )


def check_clips(
    paths: Sequence[Path],
    names: Sequence[str],
    minimum_duration: float = MINIMUM_DURATION,
    jobs: int | None = None,
    cluster: Cluster | None = None,
) -> tuple[tuple[Finding, ...], tuple[tuple[str, ...], ...]]:
    """Decode clips and list what is wrong with them.

    Parameters
    ----------
    paths, names : sequence of Path, sequence of str
        The clips, and what the findings call each.
    minimum_duration, jobs, cluster
        As in `check_folder`.

    Returns
    -------
    findings : tuple of Finding
        Sorted by kind in the order of `KINDS`, then by clip; those of duplicates are among them.
    duplicate_groups : tuple of tuple of str
        The clips with equal audio, group by group, in the order of `names`.

    Raises
    ------
    OptionError
        `minimum_duration` or `jobs` makes no sense.
    """
    _check_options(minimum_duration, jobs)
    calls = list(zip(paths, names))
    if cluster is not None:
        answers = _on_cluster(cluster, calls, minimum_duration)
    else:
        # Threads suffice: decoding and fingerprinting run outside Python's global lock.
        pool = Parallel(n_jobs=jobs or os.cpu_count() or 1, prefer="threads", return_as="generator")
        answers = pool(delayed(_judge)(path, name, minimum_duration) for path, name in calls)
    findings, alike = [], defaultdict(list)
    bar = progress_bar(answers, description="checking", total=len(paths))
    for (of_clip, fingerprint), name in zip(bar, names):
        findings += of_clip
        if fingerprint:
            alike[fingerprint].append(name)
    groups = tuple(tuple(group) for group in alike.values() if len(group) > 1)
    findings += [finding for group in groups for finding in _duplicates(group)]
    return tuple(sorted(findings, key=lambda finding: (KINDS.index(finding.kind), finding.clip))), groups


def _on_cluster(
    cluster: Cluster, calls: list[tuple[Path, str]], minimum_duration: float
) -> Iterator[tuple[list[Finding], str]]:
    batches = (calls[begin : begin + _TOGETHER] for begin in range(0, len(calls), _TOGETHER))
    tasks = (
        task_on((path for path, _ in batch), [(path.absolute(), name) for path, name in batch], name=batch[0][1])
        for batch in batches
    )
    for _, answers in cluster.run(_judge_all, tasks, shared=minimum_duration, in_order=True):
        yield from answers


def _judge_all(minimum_duration: float, calls: list[tuple[Path, str]]) -> list[tuple[list[Finding], str]]:
    return [_judge(path, name, minimum_duration) for path, name in calls]


def _check_options(minimum_duration: float, jobs: int | None) -> None:
    if not (math.isfinite(minimum_duration) and minimum_duration >= 0):
        raise OptionError(f"{minimum_duration} is no duration", field="minimum_duration", cure="give seconds from 0")
    if jobs is not None and jobs < 1:
        raise OptionError(f"{jobs} threads cannot work", field="jobs", cure="give a number from 1")


def _judge(path: Path, name: str, minimum_duration: float) -> tuple[list[Finding], str]:
    """The findings about one clip, and its fingerprint; no fingerprint where clips of other music may share it."""
    try:
        probe = probe_clip(path)
    except (AudioError, MemoryError) as problem:
        error = no_memory() if isinstance(problem, MemoryError) else problem
        kind = "empty" if path.is_file() and path.stat().st_size == 0 else "unreadable"
        return [Finding(name, kind, error.problem, error.cure or "")], ""
    except OSError as error:
        detail = f"the system says: {error.strerror}"
        return [Finding(name, "unreadable", detail, "check the disk and your rights")], ""
    is_heard = probe.finite and probe.amplitude >= SILENCE
    findings = list(_findings(path, name, probe, is_heard, minimum_duration))
    return findings, probe.fingerprint if is_heard else ""


def _findings(path: Path, name: str, probe: ClipProbe, is_heard: bool, minimum_duration: float) -> Iterator[Finding]:
    found = partial(Finding, name)
    right = SUFFIXES_OF_FORMAT.get(probe.format_name, ())
    if path.suffix.lower() not in right:
        can_rename = right and probe.format_name != FORMAT
        cure = f"rename it to {_shown(Path(path.stem))}{right[0]}" if can_rename else "convert it to wav"
        holds = "audio that only ffmpeg reads" if probe.format_name == FORMAT else f"{probe.format_name} audio"
        yield found("wrong_extension", f"holds {holds}", cure)
    if probe.missing:
        detail = f"{probe.missing}; {probe.duration:.1f} s decode"
        yield found("truncated", detail, "fetch the file again or leave it out")
    if probe.contradiction:
        yield found("contradictory", probe.contradiction, "export the clip again from its source, or leave it out")
    if not probe.n_samples:
        if not probe.missing:
            yield found("empty", "holds no samples", "replace the clip or leave it out")
        return
    if not probe.finite:
        yield found("unreadable", "contains NaN or infinite samples", "export the clip again from its source")
    elif probe.peak > LOUDEST:
        detail = f"its samples reach {probe.peak:.3g} times full scale"
        yield found("implausible_level", detail, "export it again with samples from -1 to 1")
    if probe.finite and probe.mixed_power < CANCELLED and probe.peak >= SILENCE:
        detail = f"its channels cancel each other: their mix has {100 * probe.mixed_power:.2g} % of their power"
        yield found("antiphase", detail, "read one of them (--channel left), or turn one over")
    elif probe.finite and not is_heard:
        detail = f"its mono mix is {CONSTANT if probe.peak >= SILENCE else SILENT}"
        yield found("silent", detail, "listen to it, then replace it or leave it out")
    if probe.duration < minimum_duration:
        detail = f"lasts {probe.duration:.3g} s, less than {minimum_duration:g} s"
        yield found("too_short", detail, "leave it out, or allow shorter clips")


def _duplicates(group: tuple[str, ...]) -> list[Finding]:
    """One finding for each clip of a group with equal audio; all name the first one, which names the second."""
    n_folders = len({os.path.dirname(name) for name in group})
    cure = "keep one of them" if n_folders == 1 else "keep one of them, in the folder where it belongs"
    more = f" and {len(group) - 2} more" if len(group) > 2 else ""
    others = [group[1] + more] + [group[0]] * (len(group) - 1)
    return [Finding(name, "duplicate", f"same audio as {other}", cure) for name, other in zip(group, others)]


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _shown(path: Path) -> str:
    """A path as text that can be printed and written even where the name is not valid UTF-8."""
    return readable_name(path.as_posix())
