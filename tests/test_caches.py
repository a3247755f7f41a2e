"""Compiled code where no folder can be written: another user's installation, no home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mgc_keras import caches

# numba asks for nothing but NUMBA_CACHE_DIR, as where nothing beside the sources can be written.
CODE = """
import sys
from mgc_keras import caches
caches._source_folders = lambda: [caches.Path("/dev/null/here")]
caches.provide_caches()
import subprocess, numpy as np, os
from mgc_keras.search.smo_loop import minimise
from mgc_keras.scattering.loops import baseband_products
{compile}
folder = os.environ["NUMBA_CACHE_DIR"]
print(os.listdir(folder) != [], all(one._cache.cache_path.startswith(folder) for one in (minimise, baseband_products)))
print(folder)
child = subprocess.run([sys.executable, "-c", "import mgc_keras"], capture_output=True, text=True)
print(repr(child.stderr))
"""
# Compiling takes seconds: one of the two cases, which differ until the folder is named, compiles a loop that calls
# another, the other a loop that calls none.
NESTED = """
from mgc_keras.scattering.loops import modulus
found = np.zeros((1, 2))
modulus(np.array([[3.0, 0.0], [4.0, -2.0]]), found)
assert found.tolist() == [[5.0, 2.0]]
"""
ALONE = """
from mgc_keras.search.smo_loop import add_row
slope = np.zeros(2)
add_row(slope, 2.0, np.ones(2, np.float32))
assert slope.tolist() == [2.0, 2.0]
"""


def environment(**changes: str) -> dict[str, str]:
    unset = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR")
    return {name: value for name, value in os.environ.items() if name not in unset} | changes


@pytest.mark.parametrize(
    ("places", "compiled"),
    [({"HOME": "/dev/null"}, NESTED), ({"HOME": "/dev/null", "NUMBA_CACHE_DIR": "/dev/null/x"}, ALONE)],
    ids=["no home", "no named folder"],
)
def test_without_a_writable_cache_it_compiles_all_the_same_and_says_so_once(
    places: dict[str, str], compiled: str
) -> None:
    given = environment(**places, NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator")
    code = CODE.format(compile=compiled)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=given)
    assert done.returncode == 0, done.stderr
    kept, folder, child = done.stdout.splitlines()
    assert kept == "True True"
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("compiled code cannot be kept")
    # Processes that it starts say nothing again, and nothing is left behind.
    assert child == "''" and not Path(folder).exists()


@pytest.mark.parametrize("place", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "sources", "none"])
def test_any_folder_that_can_be_written_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    nowhere = Path("/dev/null/x")
    monkeypatch.setattr(caches, "_source_folders", lambda: [tmp_path if place == "sources" else nowhere])
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(nowhere))
    if place.isupper():
        monkeypatch.setenv(place, str(tmp_path / "new" / "folder"))
    assert caches._are_provided() == (place != "none")


def test_an_unknown_home_is_not_a_folder_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(caches, "_source_folders", lambda: [Path("/dev/null/x")])
    assert not caches._are_provided()
