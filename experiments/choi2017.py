"""Choi, Fazekas, Sandler, Cho: Transfer learning for music classification and regression tasks (ISMIR 2017).

Printed: GTZAN genre 89.8 %, Extended Ballroom 86.7 %, speech/music 100 %, vocal 92.8 %, UrbanSound8K 71.4 %, emotion r²
0.633 (arousal) and 0.415 (valence); source AUC 0.849.

    python experiments/choi2017.py                                   built-in corpus, 6 minutes on 2 cores
    python experiments/choi2017.py --published-features DIR          the authors' features, about 80 minutes on 2 cores

Measured with the authors' features, published protocol (2026): GTZAN 30 of 30 scores and speech/music 30 of 30 exact;
Ballroom 30 of 30 exact; arousal and valence 30 of 30 within 5e-4; vocal 17 and UrbanSound8K 15 of 30, all sets without
layer 5, whose published files are not those of the recorded run. Default run: see measured.csv of the study.
"""

from mgc_keras.studies.choi2017.study import STUDY
from mgc_keras.studies.common.main import main

if __name__ == "__main__":
    raise SystemExit(main(STUDY))
