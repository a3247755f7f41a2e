"""What are "not sure" and sets of genres worth? The published network of 2017 on real clips of known genre.

Clips of the genres that the network knows are split in half at random, again and again: one half calibrates, the other
tells how often sets of genres hold the true one, how often they name a single genre, and how often that is right. What
split conformal prediction promises for so many clips stands beside it. Clips of other genres should get no single one.
The rule without calibration is judged on all clips, with and without asking again 10 dB softer and louder. These are no
times: the device moves no figure but by rounding.

Run: python benchmarks/answers.py [--weights NAME|FILE] [--clips FOLDER] [--splits 2000]
FOLDER has one sub-folder a genre.
"""

import argparse
import math
from pathlib import Path

import numpy as np

from mgc_keras.answers.classifier import LEVELS
from mgc_keras.answers.reasons import SURE, genre_verdict
from mgc_keras.answers.votes import song_votes
from mgc_keras.evaluation.conformal import conformal_sets, conformal_threshold, fit_temperature, nonconformity
from mgc_keras.evaluation.voting import shares

SHARED = Path(__file__).parents[2] / "shared" / "data"


def main() -> None:
    """Score the clips, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default=str(SHARED / "upc" / "crnn_net_gru_adam_ours_epoch_40.h5"))
    parser.add_argument("--clips", type=Path, default=SHARED / "audio" / "emotify", help="a folder a genre")
    parser.add_argument("--splits", type=int, default=2000, help="random halves (default: %(default)s)")
    options = parser.parse_args()
    from mgc_keras.features.clips import list_clips
    from mgc_keras.features.hearing import Hearing
    from mgc_keras.features.songs import SongScorer

    scorer = SongScorer(options.weights, "genres")
    songs = scorer.songs(list_clips(options.clips), scorer.excerpts(), hearing=Hearing(LEVELS))
    found = [song for song in songs if song.problem is None]
    names = scorer.names
    genres = np.array([Path(song.filepath).parts[0] for song in found])

    def voted(scores: np.ndarray) -> np.ndarray:
        return song_votes(np.zeros(len(scores), int), scores, "mean", names=names)[0]

    votes = np.array([voted(song.scores) for song in found])
    is_known = np.isin(genres, names)
    truth = np.array([names.index(genre) for genre in genres[is_known]])
    right = votes[is_known].argmax(axis=1) == truth
    of_each = zip(votes, found, strict=True)
    verdicts = [genre_verdict(row, shares(song.scores), int(row.argmax()), names, SURE)[0] for row, song in of_each]
    by_shares = np.array(verdicts) == "genre"
    louder = [[voted(scores).argmax() for scores in song.heard.at_levels.values()] for song in found]
    stays = (np.array(louder) == votes.argmax(axis=1)[:, None]).all(axis=1)
    is_sure = by_shares & stays
    sure = is_sure[is_known]
    print(f"{len(truth)} clips of known genres, {right.sum()} right; {len(genres) - len(truth)} of others")
    print(
        f"no calibration, --sure {SURE:g}: {sure.sum()} sure, {right[sure].sum()} of these right; of the others",
        end=" ",
    )
    print(f"{right[~sure].sum()} of {(~sure).sum()}; not sure of {(~is_sure[~is_known]).sum()} clips of other genres")
    turning = by_shares & ~stays
    print(
        f"sure by shares alone: {by_shares[is_known].sum()}, {right[by_shares[is_known]].sum()} of these right, and "
        f"{by_shares[~is_known].sum()} of other genres; of these the answers about {turning.sum()} songs turn within "
        f"{LEVELS[1]:g} dB, {right[turning[is_known]].sum()} right: "
        + ", ".join(song.filepath for song, turns in zip(found, turning) if turns)
    )
    print(f"temperature {fit_temperature(votes[is_known], truth):.2f}")
    for coverage in (0.8, 0.9):
        print(of_halves(votes[is_known], truth, votes[~is_known], coverage, options.splits))


def of_halves(votes: np.ndarray, truth: np.ndarray, others: np.ndarray, coverage: float, n_splits: int) -> str:
    """Split at random, calibrate on one half, and tell how sets of the other half fare."""
    random, n_calibrating = np.random.default_rng(0), len(truth) // 2
    held, single, single_right, of_others = [], [], [], []
    for _ in range(n_splits):
        order = random.permutation(len(truth))
        calibrating, tested = order[:n_calibrating], order[n_calibrating:]
        threshold = conformal_threshold(nonconformity(votes[calibrating], truth[calibrating]), coverage)
        sets = conformal_sets(votes[tested], threshold)
        is_single = sets.sum(axis=1) == 1
        holds = sets[np.arange(len(tested)), truth[tested]]
        held.append(holds.mean())
        single.append(is_single.mean())
        single_right += holds[is_single].tolist()
        of_others.append((conformal_sets(others, threshold).sum(axis=1) == 1).mean() if len(others) else np.nan)
    promised = math.ceil(round((n_calibrating + 1) * coverage, 9)) / (n_calibrating + 1)
    return (
        f"coverage {coverage}: {np.mean(held):.3f} held the genre ({promised:.3f} promised, {n_calibrating} clips to "
        f"calibrate on); {np.mean(single):.2f} got one genre, {np.mean(single_right):.2f} of these right; "
        f"{np.mean(of_others):.3f} of other genres got one"
    )


if __name__ == "__main__":
    main()
