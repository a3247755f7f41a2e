"""``mgc-keras tag``: last.fm tags of songs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mgc_keras.cli._clips import check_above_0
from mgc_keras.cli._library import add_library_arguments, check_library_arguments, write_library
from mgc_keras.cli._song_answers import add_song_arguments, answer_songs
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    from mgc_keras.answers.answer import SongAnswer

HELP = "find last.fm tags of songs: 50 of genre, mood, era, voice and instruments"
EPILOG = """\
how it works:
  MusicTaggerCRNN (Choi, Fazekas, Sandler and Cho 2017) scores excerpts of 29.12 s, one behind the other, for the 50
  most frequent last.fm tags of the Million Song Dataset. A song's score is the mean over its excerpts; --centre takes
  the one excerpt at its centre, as the authors do. Scores are no shares: they do not add up to 100 %, and rare tags
  score low. Songs that sound like speech, steady noise or clicks are "not music"; this is told from excerpts of 8 s on.

examples:
  mgc-keras tag song.mp3
  mgc-keras tag my_music --csv > tags.csv
  mgc-keras tag song.mp3 --weights choi2017_keras2 --top 20
  mgc-keras tag song.mp3 --weights MTT_musicnn     tags of musicnn (docs/musicnn.md), from excerpts of 3 s
  mgc-keras tag my_music --write grouping          show what would be written: "rock; guitar; indie"

Results go to standard output; progress, remarks and songs that cannot be read to standard error.
"""
# Of --threshold: few tags score more in songs that they are not of.
_LEAST_SCORE = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_song_arguments(parser, "music_tagger_crnn", top=10)
    threshold = f"only tags with at least this score (default: {_LEAST_SCORE}), --top of them at most"
    add_library_arguments(parser, "tags, one text with a semicolon between them,", threshold)


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras tag`` and return its exit code."""
    from mgc_keras.features.clips import list_clips

    check_above_0(arguments, "sampling_rate")
    check_library_arguments(arguments)
    clips = list_clips(arguments.songs, arguments.data_home, arguments.channel)
    least = _LEAST_SCORE if arguments.threshold is None else arguments.threshold
    found: list[tuple[Path, tuple[str, ...]]] = []

    def after(answer: "SongAnswer") -> None:
        if answer.verdict == "tags":
            order = (-answer.scores).argsort(kind="stable")[: arguments.top]
            tags = [answer.names[column] for column in order if answer.scores[column] >= least]
            found.extend([(answer.path, ("; ".join(tags),))] if tags else [])

    with quiet_libraries():
        from mgc_keras.answers.tagger import SongTagger
        from mgc_keras.execution import set_precision

        set_precision(arguments.precision or "exact")
        options = {name: getattr(arguments, name) for name in ("drop", "centre", "why", "sampling_rate")}
        code = answer_songs(arguments, clips, SongTagger(arguments.weights, **options), "tag", after)
    return (write_library(arguments, found, "tag") or code) if arguments.write is not None else code
