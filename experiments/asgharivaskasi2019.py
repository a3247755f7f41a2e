"""The study in `mgc_keras.studies.asgharivaskasi2019`, from a checkout."""

import sys

from mgc_keras.studies.common.main import main
from mgc_keras.studies.asgharivaskasi2019.study import STUDY

if __name__ == "__main__":
    sys.exit(main(STUDY))
