"""What a paper prints: its figures, its claims, and how to cite it. Each study has one `Paper` in its ``paper.py``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# The task that all five papers share, by the name of its manifest.
GTZAN = "gtzan_genre"
# The highest of a task's scores, where a paper does not say which of its features has it.
BEST = "best of all"


@dataclass(frozen=True)
class PrintedFigure:
    """A score that a paper prints.

    Parameters
    ----------
    task, feature : str
        As in ``scores.csv``, or `BEST`.
    metric : str
        "accuracy" (a share), "r2", "auc" or a phrase such as "training accuracy".
    where : str
        Table, figure or "text".
    quoted : bool
        The paper quotes it from others: no run of this package is held against it.
    """

    task: str
    feature: str
    metric: str
    value: float
    where: str
    quoted: bool = False


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper that a run can confirm or refute.

    Parameters
    ----------
    judged_by : str
        The rule of the study's judge: what confirms the sentence and what refutes it.
    needs : str
        What a run must hold to be judged, after "This run holds no …".
    """

    key: str
    sentence: str
    judged_by: str
    needs: str


@dataclass(frozen=True)
class PrintedDataset:
    """A dataset as a paper describes it: number of clips, and of each class where it says so."""

    name: str
    n_clips: int
    classes: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper.

    Parameters
    ----------
    key : str
        Of the study: the name of its folder.
    url, doi : str or None
        None where unknown.
    citation : str
        BibTeX.
    settings : mapping of str to str
        What else the paper prints of how it was done, by name.
    leaks : function of (feature, command) to bool
        Whether a command scored features that tell of the class by how they were made, under every protocol.
    """

    key: str
    authors: tuple[str, ...]
    year: int
    title: str
    venue: str
    url: str | None
    doi: str | None
    citation: str
    figures: tuple[PrintedFigure, ...]
    claims: tuple[Claim, ...]
    datasets: tuple[PrintedDataset, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    leaks: Callable[[str, str], bool] = lambda feature, command: False

    def printed(self, task: str, metric: str = "accuracy") -> dict[str, float]:
        """Return the paper's own scores on a task, by feature.

        Example
        -------
        >>> from mgc_keras.studies.song2017.paper import PAPER
        >>> PAPER.printed("gtzan_genre")
        {'random-start': 0.935, 'transfer': 0.958}
        """
        own = (figure for figure in self.figures if (figure.task, figure.metric) == (task, metric))
        return {figure.feature: figure.value for figure in own if not figure.quoted}

    def describe(self) -> str:
        """Return what the paper prints and claims, and how to cite it, as text for a terminal."""
        where = f"{self.venue} ({self.year})" if self.venue else f"({self.year})"
        lines = [f"{', '.join(self.authors)}: {self.title}. {where}", "", "It prints:"]
        for figure in self.figures:
            if not figure.quoted:
                lines.append(f"  {figure.task}, {figure.feature}: {figure.metric} {figure.value:g} ({figure.where})")
        if self.datasets or self.settings:
            lines += ["", "It describes:"]
        for dataset in self.datasets:
            classes = ", ".join(f"{name} {count}" for name, count in dataset.classes.items())
            parts = filter(None, [f"{dataset.n_clips} clips", classes, dataset.note])
            lines.append(f"  {dataset.name}: {'; '.join(parts)}")
        lines += [f"  {name}: {text}" for name, text in self.settings.items()]
        lines += ["", "It claims:"]
        for claim in self.claims:
            lines += [f"  ({claim.key}) {claim.sentence}", f"      Judged by: {claim.judged_by}"]
        return "\n".join([*lines, "", "Cite it as:", self.citation])
