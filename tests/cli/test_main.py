"""The frame of every command: what it turns into one line and an exit code, and how it starts."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tqdm import tqdm

from mgc_keras import __version__
from mgc_keras.audio.files import write_waveform
from mgc_keras.cli.main import build_parser, commands, main
from mgc_keras.errors import AudioError, ManifestError, MgcKerasError, OptionError, WeightsError
from mgc_keras.terminal import EXIT_CODES, guarded


def start(code: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "mgc_keras", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_of_the_work_is_kept(code, capsys):
    assert guarded(lambda: code, "program") == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("terminal", [True, False])
def test_long_work_says_on_a_terminal_that_it_begins(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr("mgc_keras.terminal._PATIENCE", 0.01)
    said = []

    def work() -> int:
        for _ in range(1000 if terminal else 10):
            time.sleep(0.01)
            said.append(capsys.readouterr().err)
            if said[-1]:
                break
        return 0

    assert guarded(work, "mgc-keras classify") == 0
    assert "".join(said) == ("mgc-keras classify: starting ...\n" if terminal else "")


def test_warnings_are_plain_lines_whatever_a_library_sets_up():
    code = """
import logging
from mgc_keras.terminal import guarded
def work():
    logging.basicConfig()
    logging.getLogger("mgc_keras").warning("genre: 8 folds")
    return 0
guarded(work, "program", at_exit=True)
"""
    assert start(code).communicate() == ("", "genre: 8 folds\n")


@pytest.mark.parametrize("option", [[], ["-q"], ["--quiet"]])
def test_quiet_shows_no_progress(option, tmp_path, monkeypatch, capsys):
    write_waveform(tmp_path / "tone.wav", np.sin(np.arange(12000) / 9), 12000)
    # At once, not after two seconds.
    monkeypatch.setattr("mgc_keras.progress.tqdm", lambda *given, **look: tqdm(*given, **look | {"delay": 0}))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("mgc_keras.terminal._PATIENCE", 0.0)
    assert main(["features", str(tmp_path), "-o", str(tmp_path / "mfcc.csv"), *option]) == 0
    told = capsys.readouterr()
    assert ("1/1" in told.err, "starting" in told.err) == ((False, False) if option else (True, True))
    assert told.out.startswith("mfcc: 1 rows of 120 features from 1 of 1 clips\n")


@pytest.mark.parametrize("words", ["-q list", "list -q", "list --quiet", "paper choi2017 -q", "list"])
def test_quiet_may_stand_before_and_behind_what_a_command_shall_do(words):
    assert build_parser().parse_args(["study", *words.split()]).quiet == (words != "list")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_choices_and_paths(tmp_path):
    (tmp_path / "songs").mkdir()
    (tmp_path / "solo.wav").touch()
    (tmp_path / "completion").write_text(run("--print-completion", "bash").stdout)
    expected = {
        "cl": "classify",
        "classify --neigh": "--neighbours",
        "tag --channel l": "left",
        "study run ch": "choi2017",
        "study run choi2017 --protocol p": "published",
        "features so": "solo.wav songs",
        "features songs -o so": "solo.wav songs",
        "features songs --data-home so": "songs",
        "study run choi2017 --tasks s": "solo.wav songs",
        "features songs --summary s": "",
        "features songs --features mu": "musicnn",
        "classify solo.wav --weights so": "solo.wav songs",
        "classify solo.wav --weights jim": "jimenez2017",
        "weights fetch choi2017_th": "choi2017_theano",
        "manifest gtzan_g": "gtzan_genre",
    }
    script = """
. ./completion
while read -r line; do
    COMP_WORDS=(mgc-keras $line) COMPREPLY=()
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _shtab_mgc_keras
    printf '%s\\n' "${COMPREPLY[*]}"
done
"""
    words = "".join(f"{line}\n" for line in expected)
    done = subprocess.run(["bash", "-c", script], input=words, cwd=tmp_path, capture_output=True, text=True)
    found = [" ".join(sorted(line.split())) for line in done.stdout.splitlines()]
    assert dict(zip(expected, found, strict=True)) == expected, done.stderr


@pytest.mark.parametrize("kind", [MgcKerasError, AudioError, ManifestError, OptionError, WeightsError])
def test_an_error_of_the_user_is_one_line(kind, capsys):
    def work() -> int:
        raise kind("is wrong", path="some/file", field="column", cure="mend it")

    assert guarded(work, "mgc-keras check") == 2
    assert capsys.readouterr() == ("", "mgc-keras check: some/file: column: is wrong (mend it)\n")


def test_an_error_of_the_system_is_one_line(capsys):
    def work() -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out.csv")

    assert guarded(work, "program") == 2
    captured = capsys.readouterr().err
    assert captured.startswith("program: ") and "No space left on device" in captured and "out.csv" in captured
    assert captured.count("\n") == 1


@pytest.mark.parametrize(
    "number, problem",
    [
        (errno.EACCES, "you have no right to it"),
        (errno.EISDIR, "is a folder, and a file is needed"),
        (errno.ENOTDIR, "leads through a file"),
        (errno.EEXIST, "is a file, and a folder is needed"),
        (errno.ENOENT, "there is no such file or folder"),
        (errno.ENAMETOOLONG, "too long a name"),
        (errno.EROFS, "cannot be written"),
    ],
)
@pytest.mark.parametrize("name", ["some/file", b"some/file"])
def test_errors_of_the_system_have_a_cure(number, problem, name, capsys):
    def work() -> int:
        raise OSError(number, os.strerror(number), name)

    assert guarded(work, "program") == 2
    error = capsys.readouterr().err
    assert error.startswith("program: some/file: ") and problem in error and error.endswith(")\n")
    assert "Errno" not in error and error.count("\n") == 1


def test_a_fault_of_the_program_is_told_from_a_users_and_says_where_to_report_it(capsys):
    def work() -> int:
        raise ValueError("a bug")

    assert guarded(work, "program") == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback") and lines[-2] == "ValueError: a bug"
    assert lines[-1].startswith("program: this is a fault of the program") and "issue tracker" in lines[-1]


def test_no_memory_is_one_line(capsys):
    def work() -> int:
        raise MemoryError("Unable to allocate 4.5 TiB")

    assert guarded(work, "program") == 2
    error = capsys.readouterr().err
    assert error.startswith("program: the memory is used up: Unable to allocate 4.5 TiB (") and error.count("\n") == 1


def test_control_c_gives_130_without_traceback():
    code = (
        "import sys, time\n"
        "from mgc_keras.cli.main import guarded\n"
        "def work():\n"
        "    print('started', flush=True)\n"
        "    time.sleep(600)\n"
        "sys.exit(guarded(work, 'mgc-keras check'))\n"
    )
    process = start(code)
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in errors and errors.startswith("mgc-keras check: stopped") and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("check .", "begins anew"),
        ("classify .", "begins anew"),
        ("tag .", "begins anew"),
        ("plot .", "begins anew"),
        ("report .", "begins anew"),
        ("weights list", "begins anew"),
        ("manifest folder .", "begins anew"),
        ("manifest cut .", "goes on from here"),
        ("features . -o x.csv", "goes on from here"),
        ("features . -o x.csv --anew", "begins anew"),
        ("scattering . -o x.npz", "goes on from here"),
        ("scattering . -o x.npz --anew", "begins anew"),
        ("segment .", "goes on from here"),
        ("segment . --overwrite", "begins anew"),
        ("corpus genre -o x", "goes on from here"),
        ("study run choi2017", "goes on from here"),
        ("study list", "begins anew"),
    ],
)
def test_what_becomes_of_stopped_work_is_said_truly(line, text, monkeypatch, capsys):
    def stopped(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"mgc_keras.cli.{line.split()[0]}.run", stopped)
    assert main(line.split()) == 130
    assert capsys.readouterr().err == f"mgc-keras {line.split()[0]}: stopped; the same command {text}\n"


def test_control_c_while_threads_decode(tmp_path):
    from broken_clips import tune, write

    write(tmp_path / "0.wav", tune(0.2))
    for k in range(1, 300):
        os.link(tmp_path / "0.wav", tmp_path / f"{k}.wav")
    # Each clip takes a second, so that the signal surely arrives between the first and the last.
    code = (
        "import os, sys, time\n"
        "from mgc_keras.cli.main import main\n"
        "from mgc_keras.audio import check\n"
        "probe = check.probe_clip\n"
        "def slow(path):\n"
        "    os.write(1, b'started\\n')\n"
        "    time.sleep(1)\n"
        "    return probe(path)\n"
        "check.probe_clip = slow\n"
        f"sys.exit(main(['check', {str(tmp_path)!r}, '--jobs', '4']))\n"
    )
    process = start(code)
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 130 and "Traceback" not in errors
    assert "mgc-keras check: stopped" in errors
    # Far from all clips were looked at before it stopped.
    assert output.count("started") < 100


def test_help_lists_every_command_and_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from mgc_keras.cli.main import build_parser\n"
        "print(build_parser().format_help())\n"
        "print([name for name in ('tensorflow', 'keras', 'librosa', 'sklearn', 'matplotlib') if name in sys.modules])\n"
    )
    output, errors = start(code).communicate()
    assert errors == "" and output.splitlines()[-1] == "[]"
    for command in commands():
        assert f"\n    {command}" in output
    assert all(f"\n  {code} " in output for code in (0, 1, 2, 130, 143))


def test_commands_are_found_by_their_place():
    known = "check classify corpus features manifest plot report scattering segment tag weights"
    assert set(known.split()) <= set(commands()) and list(commands()) == sorted(commands())
    assert not any(name.startswith("_") or name == "main" for name in commands())


@pytest.mark.parametrize("command", commands())
def test_every_command_teaches_by_examples(command):
    done = run(command, "--help")
    assert done.returncode == 0 and f"mgc-keras {command}" in done.stdout and "example" in done.stdout.lower()
    assert EXIT_CODES in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("features", "a.wav", "-o", "x.csv", "--weight", "w.h5"),
            "unrecognized arguments: --weight w.h5 (did you mean --weights?)",
        ),
        (("judge", "a.csv", "--lables", "m.csv"), "unrecognized arguments: --lables m.csv (did you mean --labels?)"),
        (("study", "run", "choi2017", "--epoch=3"), "unrecognized arguments: --epoch=3 (did you mean --epochs?)"),
        (("check", "music", "--zzz"), "unrecognized arguments: --zzz\n"),
    ],
)
def test_an_option_is_spelt_out_and_its_command_says_so(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    error = capsys.readouterr().err
    command = " ".join(words[: 3 if words[0] == "study" else 1])
    assert ended.value.code == 2 and error.startswith(f"usage: mgc-keras {command} ") and message in error


def test_version_and_wrong_commands():
    assert run("--version").stdout == f"mgc-keras {__version__}\n"
    for arguments in ([], ["sing"]):
        done = run(*arguments)
        assert done.returncode == 2 and "Traceback" not in done.stderr and "usage" in done.stderr


@pytest.mark.parametrize("words", ["corpus list", "--help", "tag --help", "--version"])
@pytest.mark.parametrize("buffering", ["", "1"])
def test_what_cannot_be_shown_is_not_done(words, buffering):
    environment = os.environ | {"PYTHONUNBUFFERED": buffering}
    command = f"{sys.executable} -m mgc_keras {words}"
    for to, problem in (
        (">&-", "standard output: is closed (leave it open, or send it to a file or to /dev/null)"),
        (">/dev/full", "No space left on device"),
    ):
        done = subprocess.run(f"{command} {to}", shell=True, capture_output=True, text=True, env=environment)
        assert done.returncode == 2 and problem in done.stderr and done.stderr.count("\n") == 1
    # Where nobody reads the remarks, they do not get among the results.
    done = subprocess.run(f"{command} 2>&-", shell=True, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stdout
