r"""Asgharivaskasi et al.: Music genre recognition using deep learning (2019).

Printed, on GTZAN: VGG16 75 %, ResNet34 79 %, GRU on MFCC 40.3 %, classic classifiers 28 to 50 %.

    python experiments/asgharivaskasi2019.py                         built-in corpus, 3 minutes on 2 cores
    python experiments/asgharivaskasi2019.py rnn skip-rnn --seeds 5  intervals over five seeds, about 7 minutes
    python experiments/asgharivaskasi2019.py --data-home GTZAN --tasks gtzan_genre.csv \
        --backbone-weights vgg16=imagenet resnet34=resnet34.safetensors

Measured on the built-in corpus, five seeds, corrected protocol (2026): the gap between training and validation accuracy
of the skip-GRU minus the GRU's -0.057 [-0.398, +0.283]: not decided. No figure of the paper has been reproduced: that
takes ImageNet weights and GTZAN.
"""

from mgc_keras.studies.asgharivaskasi2019.study import STUDY
from mgc_keras.studies.common.main import main

if __name__ == "__main__":
    raise SystemExit(main(STUDY))
