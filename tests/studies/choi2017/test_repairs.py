"""A corrected protocol without one repair weighs folds and draws artists as that protocol says, in every table."""

import numpy as np
import pandas as pd
import pytest

from mgc_keras.runs.reader import RunFolder
from mgc_keras.runs.summary import score_row
from mgc_keras.studies.choi2017.claims import task_scores
from mgc_keras.studies.choi2017.study import STUDY, Options, weighting_of
from mgc_keras.studies.common.options import RunOptions
from mgc_keras.studies.common.run import Run


def predictions(seed: int) -> pd.DataFrame:
    """Folds of 40, 15 and 5 clips, so that pooled scores differ from those weighted by size; artists agree."""
    generator = np.random.default_rng(seed)
    artist = np.arange(60) // 10
    truth = np.random.default_rng(0).normal(size=6)[artist] + np.random.default_rng(1).normal(scale=0.1, size=60)
    return pd.DataFrame({
        "clip_id": [f"clip{number}" for number in range(60)],
        "fold": np.repeat([0, 1, 2], [40, 15, 5]),
        "truth": truth,
        "prediction": truth + generator.normal(scale=0.5, size=6)[artist],
        "group": [f"artist{number}" for number in artist],
    })  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run[Options]:
    names = ("scaling", "pooled-score", "artists-together")
    folder = tmp_path_factory.mktemp("run")
    made = Run(STUDY, Options(run=RunOptions(out=folder, protocol="corrected", without=names)))
    for protocol in made.protocols:
        for seed, feature in enumerate(("12345", "mfcc")):
            table, cell = predictions(seed), ("mood", feature, protocol.name)
            made.writer.predictions(*cell, table)
            how = {"weighting": weighting_of(protocol), "grouped": protocol.keeps_artists_together}
            made.add_scores([score_row(STUDY.key, *cell, "r2", table, **how)])
    made.compare([("12345", "mfcc")], weighting=weighting_of)
    return made


def test_a_comparison_is_the_difference_of_the_scores(run: Run[Options]) -> None:
    tables = RunFolder(run.folder)
    scores = tables.scores.set_index(["protocol", "feature"])["score"]
    assert len(tables.comparisons) == 4
    for row in tables.comparisons.itertuples():
        difference = scores[row.protocol, "12345"] - scores[row.protocol, "mfcc"]
        assert row.difference == pytest.approx(difference, abs=1e-12), row.protocol
    assert scores["corrected", "12345"] != scores["corrected-without-pooled-score", "12345"]


def test_claims_resample_as_the_protocol_says(run: Run[Options]) -> None:
    found = {cell.protocol: cell.resampled for cell in task_scores(RunFolder(run.folder))}
    corrected = found["corrected"]
    pd.testing.assert_frame_equal(found["corrected-without-scaling"], corrected)
    # Ten clips an artist agree: drawing artists spreads scores more than drawing clips.
    assert (found["corrected-without-artists-together"].std() < 0.8 * corrected.std()).all()
    scores = run.rows[0].score, next(row for row in run.rows if row.protocol.endswith("pooled-score")).score
    middle = [found[name]["12345"].median() for name in ("corrected", "corrected-without-pooled-score")]
    assert np.argmax(scores) == np.argmax(middle)
