"""The study in `mgc_keras.studies.ouyang2023`, from a checkout."""

import sys

from mgc_keras.studies.ouyang2023.study import main

if __name__ == "__main__":
    sys.exit(main())
