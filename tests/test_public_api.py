"""The public names of the package: all of them are there, and the package loads nothing heavy before one is used."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mgc_keras

HEAVY = ("tensorflow", "keras", "librosa", "sklearn", "scipy", "pandas", "numpy", "matplotlib")


def stub_names() -> set[str]:
    tree = ast.parse(Path(mgc_keras.__file__).with_suffix(".pyi").read_text("utf-8"))
    return {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_what_type_checkers_see_is_what_the_package_offers():
    assert set(mgc_keras.__all__) == set(dir(mgc_keras)) == stub_names()


@pytest.mark.parametrize("name", sorted(stub_names()))
def test_every_name_is_there_documented_and_named_in_the_package_docstring(name):
    found = getattr(mgc_keras, name)
    assert inspect.getdoc(found)
    assert name in mgc_keras.__doc__
    if not inspect.ismodule(found):
        assert found.__name__ == name and found.__module__.startswith("mgc_keras.")


def test_the_package_loads_nothing_heavy():
    code = f"import sys, mgc_keras; print(mgc_keras.__version__, [name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"{mgc_keras.__version__} []\n" and done.stderr == ""


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="genre_of"):
        mgc_keras.genre_of  # noqa: B018


def test_the_package_is_typed_for_its_users():
    assert Path(mgc_keras.__file__).with_name("py.typed").is_file()


def test_systems_without_what_locks_need_are_told_at_once():
    # What Windows calls itself; everything of Python's own is imported before, which would look for Windows.
    code = "import lazy_loader, os, shutil, tempfile\nos.name = 'nt'\nimport mgc_keras\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ImportError: mgc_keras runs on Linux and macOS; on Windows, ")
