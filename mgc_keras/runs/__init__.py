"""The run folder: what a study leaves on disk, and how it is read back.

Begin with `writer`, whose docstring lists the files. `reader` gives them to reports, `summary` makes scores and
comparisons with their intervals from predictions.
"""
