"""``python -m mgc_keras``: the same as the console command ``mgc-keras``."""

import sys

from mgc_keras.cli.main import main

sys.exit(main())
