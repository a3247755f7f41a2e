"""The referee: what may be claimed of anybody's features or predictions, without their audio.

`judge.judge_features` and `predictions.judge_predictions` are the whole of it; `report.write_judgement` writes what
they return. Below them: `tables` reads strangers' tables, `matching` finds their clips in a manifest, `columns` and
`duplicates` find what leaks, `protocols` draws the splits, `classifiers` fits them, `gtzan` tells copies of GTZAN
apart, `claims` puts it into words.
"""
