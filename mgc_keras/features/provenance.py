"""What a feature table was made with: versions and fingerprints."""

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

# Whatever can move a number in a feature table.
_PACKAGES = ("mgc_keras", "numpy", "scipy", "soundfile", "soxr", "librosa", "kapre", "kymatio", "keras", "tensorflow")


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that feature values depend on."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def fingerprint_of(*parts: Any) -> str:
    """Return a SHA-256 over plain JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def description_of(output: Path, errors_csv: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return the JSON beside a finished output of this fingerprint; None where there is none, or some other one."""
    description = output.with_suffix(".json")
    if not (description.is_file() and output.is_file() and errors_csv.is_file()):
        return None
    try:
        about = json.loads(description.read_text("utf-8"))
    except ValueError:
        # Some other program's JSON, or an edited one: it will be written anew.
        return None
    return about if isinstance(about, dict) and about.get("fingerprint") == fingerprint else None
