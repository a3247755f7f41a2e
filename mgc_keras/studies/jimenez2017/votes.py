"""The ways in which the study finds a song's genre, as the names of its scores end; they are computed by the engine."""

from mgc_keras.answers.votes import AVERAGES as AVERAGES

CENTRE, EXCERPTS = "centre", "excerpts"
# What the names of scores end in, in words.
WAYS = {
    CENTRE: "one excerpt, at the centre",
    "mean": "all excerpts, mean",
    "geometric": "all excerpts, geometric mean",
    "knn": "all excerpts, nearest neighbours",
    EXCERPTS: "each excerpt by itself",
}
