"""The laws of the house: imports go down, the engine knows no study, and every repair that is declared is read."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mgc_keras.studies.common.study import studies

PACKAGE = Path(__file__).parents[2] / "mgc_keras"
# From the ground up; rooms of one floor may use each other in one direction only.
FLOORS = (
    {
        "_version",
        "caches",
        "errors",
        "files",
        "outputs",
        "processes",
        "progress",
        "checks",
        "cluster",
        "discovery",
        "execution",
        "local_workers",
        "terminal",
        "protocols",
        "threads",
        "work",
    },
    {"audio", "scattering", "segmentation", "evaluation"},
    {"layers", "training", "runs"},
    {"datasets", "networks", "reporting"},
    {"features", "search", "corpus", "judging", "answers"},
    {"studies", "published", "demo"},
    {"cli"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def imports() -> Iterator[tuple[Path, str]]:
    """Every import of the package by the package, wherever in a file it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            yield from ((path.relative_to(PACKAGE), name) for name in names if name.startswith("mgc_keras."))


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


@cache
def edges() -> list[tuple[Path, str]]:
    """Imports of a room by a room; found by those tests alone that want them, as all files are parsed for it."""
    return [(path, name) for path, name in imports() if room_of(path) in FLOOR_OF and name.split(".")[1] in FLOOR_OF]


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")}
    assert rooms - {"__init__", "__main__"} == set(FLOOR_OF)
    assert len(edges()) > 500


def test_imports_go_down() -> None:
    upward = [(str(path), name) for path, name in edges() if FLOOR_OF[name.split(".")[1]] > FLOOR_OF[room_of(path)]]
    assert not upward


def test_rooms_of_one_floor_do_not_use_each_other_both_ways() -> None:
    sideways = {
        (room_of(path), name.split(".")[1])
        for path, name in edges()
        if FLOOR_OF[name.split(".")[1]] == FLOOR_OF[room_of(path)] and name.split(".")[1] != room_of(path)
    }
    assert not [pair for pair in sideways if pair[::-1] in sideways]


def test_the_engine_knows_no_study_and_studies_know_none_but_themselves() -> None:
    wrong = []
    for path, name in edges():
        room, _, key = name.removeprefix("mgc_keras.").partition(".")
        study = key.split(".")[0]
        if room not in ("studies", "published") or room_of(path) == "cli":
            continue
        if path.parts[0] != room or (path.parts[1] != study and study != "common"):
            wrong.append((str(path), name))
    assert not wrong


def test_no_file_depends_on_itself() -> None:
    modules = {
        path.with_suffix("").as_posix().replace("/", "."): set() for path in map(relative, PACKAGE.rglob("*.py"))
    }
    for path, name in imports():
        module = path.with_suffix("").as_posix().replace("/", ".")
        for target in (name.removeprefix("mgc_keras."), name.removeprefix("mgc_keras.").rpartition(".")[0]):
            if target in modules and target != module:
                modules[module].add(target)
    while free := [module for module, needed in modules.items() if not needed]:
        for module in free:
            del modules[module]
        for needed in modules.values():
            needed.difference_update(free)
    assert not modules


def relative(path: Path) -> Path:
    return path.relative_to(PACKAGE)


@pytest.mark.parametrize("key", studies())
def test_every_repair_that_a_study_declares_is_read_by_it(key: str) -> None:
    """A switch that nobody reads is the fault that this package found in an original program."""
    read = set()
    constants = {"ARTISTS_TOGETHER": "artists-together"}
    for path in (PACKAGE / "studies" / key).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "mends":
                (argument,) = node.args
                read.add(argument.value if isinstance(argument, ast.Constant) else constants[argument.id])
    assert read == {repair.name for repair in studies()[key].repairs}


def test_no_untyped_options_and_no_long_files() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        assert text.count("\n") <= 400, path
        if relative(path).parts[0] != "cli" and relative(path).as_posix() not in (
            "studies/common/options.py",
            "studies/common/main.py",
        ):
            assert "argparse" not in text, path


@pytest.mark.parametrize("key", studies())
def test_a_study_is_found_under_its_key_everywhere(key: str) -> None:
    root = PACKAGE.parent
    for place in (
        PACKAGE / "studies" / key / "study.py",
        root / "experiments" / f"{key}.py",
        root / "tests/studies" / key,
    ):
        assert place.exists()
    assert key in (root / "README.md").read_text("utf-8")


def test_pages_show_no_marks_of_source_text() -> None:
    """A page shows what it is given: a backtick would stand there as one."""
    pages = [
        *PACKAGE.glob("studies/*/report.py"),
        *PACKAGE.glob("studies/*/claims.py"),
        *PACKAGE.glob("reporting/*.py"),
    ]
    for path in pages:
        tree = ast.parse(path.read_text("utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in texts if "`" in text and text not in docstrings], path


def test_compiled_functions_call_those_of_their_own_file_alone() -> None:
    """numba keeps what it compiled until the caller's file changes: another file's change would go unseen."""
    trees = {path.relative_to(PACKAGE): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
    compiling = {path for path, tree in trees.items() if any(ast.unparse(node) == "import numba" for node in tree.body)}
    assert len(compiling) == 5
    modules = {".".join(("mgc_keras", *path.with_suffix("").parts)) for path in compiling}
    for path, name in imports():
        module, _, function = name.rpartition(".")
        if module in modules:
            decorated = [node for node in ast.walk(trees[path]) if isinstance(node, ast.FunctionDef)]
            decorators = {ast.unparse(decorator) for node in decorated for decorator in node.decorator_list}
            assert path not in compiling and function not in decorators, (path, name)
