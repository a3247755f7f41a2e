"""Runs several command lines of a study in one process, since starting TensorFlow takes longer than small runs."""

import json
import os
from dataclasses import dataclass

from forked import Forked

# Half of the time would go into the figures, which tests of their own look at: fewer pixels, laid out roughly.
_ROUGH_FIGURES = """
from matplotlib.layout_engine import ConstrainedLayoutEngine
from mgc_keras.reporting import style
style.DOTS_PER_INCH = 30
ConstrainedLayoutEngine.execute = lambda engine, figure: None
"""
_DRIVER = """
import contextlib, importlib, io, json, shutil, sys
from unittest.mock import patch
exec(sys.argv[3])
from mgc_keras.studies.common.main import main
module = importlib.import_module(f"mgc_keras.studies.{sys.argv[1]}.study")

def stopped(where):
    # Ctrl-C after a function's first call.
    place, name = where.rsplit(".", 1)
    function = getattr(importlib.import_module(place), name)
    def call(*arguments, **options):
        function(*arguments, **options)
        raise KeyboardInterrupt
    return patch(where, call)

done = []
for arguments in json.loads(sys.argv[2]):
    if arguments[:1] == ["copy"]:
        done.append([0, shutil.copytree(*arguments[1:]), ""])
        continue
    out, err, stop = io.StringIO(), io.StringIO(), contextlib.nullcontext()
    if arguments[:1] == ["stop after"]:
        stop, arguments = stopped(arguments[1]), arguments[2:]
    with stop, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(module.STUDY, arguments)
        except SystemExit as end:
            code = end.code
    done.append([code, out.getvalue(), err.getvalue()])
print("DONE" + json.dumps(done))
"""


@dataclass
class Done:
    """What a command left: exit code and texts."""

    code: int
    out: str
    err: str


def study(module: str, *commands: list, before: str = "") -> list[Done]:
    """Run a study with each list of arguments.

    ["copy", FOLDER, FOLDER] copies a folder in between; ["stop after", FUNCTION, …] stops a run after a call of a
    function.
    `before` is Python code to run first: what is replaced by something smaller, for instance. Figures are drawn
    roughly.
    """
    arguments = [module, json.dumps([list(map(str, command)) for command in commands]), _ROUGH_FIGURES + before]
    running = Forked("-c", _DRIVER, *arguments, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    out, errors = running.communicate(timeout=600)
    assert running.returncode == 0, errors
    return [Done(*one) for one in json.loads(out.split("DONE")[-1])]
