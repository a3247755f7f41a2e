"""Every study has a paper, and a judge for each of its claims; what a run does not hold is said."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from typed_rows import score_rows

from mgc_keras.discovery import by_study
from mgc_keras.errors import OptionError
from mgc_keras.runs.claims import ClaimRow, read_claim_rows, write_claim_rows
from mgc_keras.runs.writer import RunWriter
from mgc_keras.studies.common.claims import judged_difference, write_claims

STUDIES = ("asgharivaskasi2019", "choi2017", "jimenez2017", "ouyang2023", "song2017")


def scores(study: str, feature: str = "none") -> list[dict]:
    names = {"study": study, "task": "t", "feature": feature, "protocol": "corrected", "metric": "accuracy"}
    return [{**names, "score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "published": np.nan, "n_clips": 9}]


def test_every_study_is_found_with_its_paper_claims_and_report() -> None:
    for name in ("paper", "claims", "report"):
        assert tuple(by_study(name)) == STUDIES


@pytest.mark.parametrize("study", STUDIES)
def test_papers_are_whole(study: str) -> None:
    paper = by_study("paper")[study].PAPER
    assert paper.key == study and str(paper.year) in study
    assert paper.title in paper.citation and str(paper.year) in paper.citation
    assert paper.citation.count("{") == paper.citation.count("}")
    cells = Counter((figure.task, figure.feature, figure.metric) for figure in paper.figures)
    assert max(cells.values()) == 1
    for figure in paper.figures:
        assert 0 < figure.value <= 1 and figure.where
    for dataset in paper.datasets:
        # The classes of 1517 Artists add up to 3180; the paper prints 3100 as their total.
        assert sum(dataset.classes.values()) in (0, 3180 if dataset.name == "1517 Artists" else dataset.n_clips)


@pytest.mark.parametrize("study", STUDIES)
def test_every_claim_has_a_judge_and_a_row(study: str, tmp_path) -> None:
    claims = by_study("paper")[study].PAPER.claims
    assert set(by_study("claims")[study].JUDGES) == {claim.key for claim in claims}
    RunWriter(tmp_path).scores(score_rows(scores(study)))
    rows = write_claims(tmp_path)
    assert [row.claim for row in rows] == [claim.key for claim in claims]
    for row, claim in zip(rows, claims):
        assert (row.verdict, row.task, row.evidence) == ("not decided", "", "")
        assert row.why == f"This run holds no {claim.needs}." and row.sentence == claim.sentence
        assert re.fullmatch(r"[A-Z0-9].*\.", claim.sentence) and claim.judged_by.endswith(".")


def test_a_run_of_no_study_is_named(tmp_path) -> None:
    RunWriter(tmp_path).scores(score_rows(scores("polka1999")))
    with pytest.raises(
        OptionError, match=r"scores.csv: study: 'polka1999' is unknown \(choose one of asgharivaskasi2019, choi"
    ):
        write_claims(tmp_path)


def test_claims_come_back_as_they_were_written(tmp_path) -> None:
    rows = [
        ClaimRow("a", "NA", 'say "so", and\nso', "corrected", "é; 1,5", "refuted"),
        ClaimRow("b", "", "", "", "", "confirmed"),
    ]
    write_claim_rows(rows, tmp_path)
    assert read_claim_rows(tmp_path) == rows
    assert read_claim_rows(tmp_path / "none") == []
    pd.read_csv(tmp_path / "claims.csv").drop(columns="why").to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(OptionError, match="claims.csv: why"):
        read_claim_rows(tmp_path)


@pytest.mark.parametrize(
    ("difference", "p_holm", "wanted", "metric", "verdict"),
    [
        (0.2, 0.01, "better", "accuracy", "confirmed"),
        (-0.2, 0.01, "better", "accuracy", "refuted"),
        (-0.2, 0.01, "worse", "accuracy", "confirmed"),
        (-5.0, 0.01, "better", "epochs_to_90", "confirmed"),
        (0.2, 0.05, "better", "accuracy", "not decided"),
        (0.2, float("nan"), "better", "accuracy", "not decided"),
    ],
)
def test_a_planned_difference_is_decided_by_its_corrected_p(difference, p_holm, wanted, metric, verdict) -> None:
    ends = {"ci_low": difference - 0.1, "ci_high": difference + 0.1, "p_holm": p_holm, "n_clips": 7, "metric": metric}
    row = pd.Series({"task": "t", "protocol": "corrected", "difference": difference, **ends})
    found = judged_difference(row, "Accuracy", wanted=wanted)
    assert found.verdict == verdict and f"is {difference:+.3f} [" in found.evidence and "over 7 clips" in found.evidence
    assert (found.why != "") == (verdict == "not decided")
