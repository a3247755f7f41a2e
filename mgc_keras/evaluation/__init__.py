"""Statistics: metrics, intervals, paired tests, votes. Arrays in, numbers out; no files, no TensorFlow.

Begin with `metrics.score`, `intervals.bootstrap_interval` and `paired.compare`. `fold_tests` compares trainings over
folds and seeds; `voting` makes one answer for a clip from those for its segments.
"""
