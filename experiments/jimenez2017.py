"""The study in `mgc_keras.studies.jimenez2017`, from a checkout."""

import sys

from mgc_keras.studies.jimenez2017.study import main

if __name__ == "__main__":
    sys.exit(main())
