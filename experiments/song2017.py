"""Song, Wang, Han, Ding: Transfer learning for music genre classification (2017).

Printed, on GTZAN: 93.5 % from random weights, 95.8 % after pre-training on the 188 tags of MagnaTagATune.

    python experiments/song2017.py                                   built-in corpus, 4 minutes on 2 cores
    python experiments/song2017.py --seeds 5                         intervals over five seeds, about 15 minutes
    python experiments/song2017.py --paper-size --source-manifest magnatagatune.csv --manifest gtzan_genre.csv
                                                                     the paper's sizes, meant for a GPU

Measured on the built-in corpus, five seeds, corrected protocol (2026): transfer 0.348, random start 0.392, difference
-0.043 [-0.107, +0.020]: not decided. The paper's sizes have not been run.
"""

from mgc_keras.studies.common.main import main
from mgc_keras.studies.song2017.study import STUDY

if __name__ == "__main__":
    raise SystemExit(main(STUDY))
