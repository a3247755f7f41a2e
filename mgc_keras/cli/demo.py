"""``mgc-keras demo``: a page on this machine to drop a song on."""

import argparse
import threading
import webbrowser
from pathlib import Path

from mgc_keras.cli._clips import add_value
from mgc_keras.errors import OptionError
from mgc_keras.terminal import quiet_libraries

_HOST = "127.0.0.1"
HELP = "open a page in your browser: drop a song on it, see genres, tags and spectrograms"
EPILOG = """\
what the page shows:
  the verdict   a genre, "not sure" or "not music", with the reasons: what 'mgc-keras classify' says
  to listen to  the excerpts in which the song's genre has its largest and its smallest share
  scores        of all genres, and of the highest tags; all of them, excerpt by excerpt, as CSV
  figures       genres over time, mel- and log-frequency spectrogram, chroma, waveform
  with --run    the report of a run, in a second tab

who sees it:
  This machine alone. The page listens on 127.0.0.1, asks nothing of the network and tells it nothing; songs are
  kept in a temporary folder, and deleted when the command ends. Of songs that come at once, one after the other is
  heard. To see the page of another machine, log in there with: ssh -L 7860:127.0.0.1:7860 MACHINE

needs:
  pip install 'mgc_keras[demo]'      Gradio, which draws the page
  The weights are fetched on first use, as those of 'classify' and 'tag'. Without a network: 'mgc-keras weights add'.

examples:
  mgc-keras demo
  mgc-keras demo --weights runs/jimenez2017/model.h5 --tag-weights none --port 8000
  mgc-keras demo --run runs/jimenez2017 --no-browser

Ctrl-C ends it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    weights = "that tell genres: a name of 'mgc-keras weights list', or a saved model (default: %(default)s)"
    add_value(parser, "--weights", str, "NAME|FILE", weights, "jimenez2017")
    tags = "that find tags: the same, or 'none' for a page without tags (default: %(default)s)"
    add_value(parser, "--tag-weights", str, "NAME|FILE", tags, "music_tagger_crnn")
    report = "a run folder; a second tab shows its report.html"
    # `run` is the function that runs a command.
    parser.add_argument("--run", dest="run_folder", type=Path, metavar="RUN", help=report)
    add_value(parser, "--max-seconds", float, "S", "length of the longest song that is taken (default: 900)", 900.0)
    size = "size of the largest file that is taken, in megabytes (default: 200)"
    add_value(parser, "--max-megabytes", float, "MB", size, 200.0)
    add_value(parser, "--port", int, "N", "port of the page; 0: any that is free (default: %(default)s)", 7860)
    add_value(parser, "--host", str, "HOST", f"{_HOST}, and no other: the page is for this machine", _HOST)
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras demo`` until it is asked to end."""
    from mgc_keras.demo.listener import Limits, Listener
    from mgc_keras.demo.server import check_gradio, check_run, listening_socket, serve

    if arguments.host not in (_HOST, "localhost"):
        cure = f"leave it out; from elsewhere, log in with: ssh -L {arguments.port}:{_HOST}:{arguments.port} MACHINE"
        raise OptionError(f"{arguments.host}: the page is for this machine alone", field="--host", cure=cure)
    limits = Limits(arguments.max_seconds, arguments.max_megabytes)
    check_gradio()
    if arguments.run_folder is not None:
        check_run(arguments.run_folder)
    with listening_socket(arguments.port) as listening, quiet_libraries():
        from mgc_keras.answers.classifier import SongClassifier
        from mgc_keras.answers.tagger import SongTagger
        from mgc_keras.execution import set_precision

        set_precision("exact")
        tagger = None if arguments.tag_weights == "none" else SongTagger(arguments.tag_weights)
        listener = Listener(SongClassifier(arguments.weights), tagger, limits)

        def ready(address: str) -> None:
            print("The page is for this machine alone. Ctrl-C ends it.")
            print(address, flush=True)
            if not arguments.no_browser:
                # Some browsers keep the one who opens them waiting.
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        serve(listener, listening, arguments.run_folder, ready)
    return 0
