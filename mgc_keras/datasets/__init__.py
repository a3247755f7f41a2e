"""Clips with labels: manifests, the cards and builders of known datasets, tasks, folds, cutting. Loads no TensorFlow.

Begin with `manifest`, the one table that everything else reads. `builders` holds a module a dataset, each found by its
name; `tasks` says what a manifest asks to predict; `splits`, `holdout` and `repeated_folds` divide its clips.
"""
