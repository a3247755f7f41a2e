"""The study in `mgc_keras.studies.asgharivaskasi2019`, from a checkout."""

import sys

from mgc_keras.studies.asgharivaskasi2019.study import main

if __name__ == "__main__":
    sys.exit(main())
