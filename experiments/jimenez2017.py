"""Jiménez and José: Music genre classification using deep neural networks (UPC, 2017).

Printed, on GTZAN: about 78 % from several excerpts a song.

    python experiments/jimenez2017.py                                built-in songs, 3 minutes on 2 cores
    python experiments/jimenez2017.py --data-home SONGS --tasks songs.csv --weights music_tagger_crnn

Measured on 60 Emotify clips with the published weights, corrected protocol (2026): new classifier, centre 0.417, mean
0.500, geometric 0.483, nearest neighbours 0.483; fine-tuned 0.467, 0.400, 0.400, 0.500. On the built-in songs the CRNN
is trained for minutes on synthetic tags, and its scores are near chance; output and report say so.
"""

from mgc_keras.studies.common.main import main
from mgc_keras.studies.jimenez2017.study import STUDY

if __name__ == "__main__":
    raise SystemExit(main(STUDY))
