"""What a feature table was made with: versions and fingerprints."""

import hashlib
import json
import platform
from importlib import metadata
from typing import Any

# Whatever can move a number in a feature table.
_PACKAGES = ("mgc_keras", "numpy", "scipy", "soundfile", "soxr", "librosa", "kapre", "keras", "tensorflow")


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that feature values depend on."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def fingerprint_of(*parts: Any) -> str:
    """Return a SHA-256 over plain JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
