"""Sizes, rates and lengths of the Song 2017 study: those that its default takes, and those of `--paper-size`.

The paper prints widths, depth, the rate of pre-training and the repetitions; epochs and the rate of fine-tuning are not
stated and chosen here: the default's fit into eight minutes on two cores.
"""

QUICK = {"width": 64, "depth": 3, "source_epochs": 60, "source_learning_rate": 1e-3, "epochs": 12,
         "learning_rate": 1e-3, "repetitions": 1}  # fmt: skip
PAPER = {"width": 512, "depth": 5, "source_epochs": 500, "source_learning_rate": 1e-5, "epochs": 100,
         "learning_rate": 1e-4, "repetitions": 10}  # fmt: skip
