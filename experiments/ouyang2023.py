"""Ouyang: Music genre classification (2023).

Printed, on GTZAN: frozen InceptionV3 64.0 %, a CNN from scratch 73.0 % on test clips (97.9 and 99.9 % in training).

    python experiments/ouyang2023.py                                 built-in corpus, 3 minutes on 2 cores
    python experiments/ouyang2023.py --data-home GTZAN --tasks gtzan_genre.csv --predict song.mp3

No figure of the paper has been reproduced: that takes ImageNet weights and GTZAN. On the built-in corpus InceptionV3
starts from random weights, and output and report say so.
"""

from mgc_keras.studies.common.main import main
from mgc_keras.studies.ouyang2023.study import STUDY

if __name__ == "__main__":
    raise SystemExit(main(STUDY))
