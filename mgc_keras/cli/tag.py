"""``mgc-keras tag``: last.fm tags of songs."""

import argparse
from typing import TYPE_CHECKING

from mgc_keras.cli._song_answers import Answer, add_song_arguments, answer_songs
from mgc_keras.terminal import quiet_libraries

if TYPE_CHECKING:
    from mgc_keras.features.songs import SongScores

HELP = "find last.fm tags of songs: 50 of genre, mood, era, voice and instruments"
EPILOG = """\
how it works:
  MusicTaggerCRNN (Choi, Fazekas, Sandler and Cho 2017) scores excerpts of 29.12 s, one behind the other, for the 50
  most frequent last.fm tags of the Million Song Dataset. A song's score is the mean over its excerpts; --centre takes
  the one excerpt at its centre, as the authors do. Scores are no shares: they do not add up to 100 %, and rare tags
  score low.

examples:
  mgc-keras tag song.mp3
  mgc-keras tag my_music --csv > tags.csv
  mgc-keras tag song.mp3 --weights choi2017_keras2 --top 20
  mgc-keras tag song.mp3 --weights MTT_musicnn     tags of musicnn (docs/musicnn.md), from excerpts of 3 s

Results go to standard output; progress, remarks and songs that cannot be read to standard error.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add_song_arguments(parser, "music_tagger_crnn", top=10)


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras tag`` and return its exit code."""
    from mgc_keras.features.clips import list_clips

    clips = list_clips(arguments.songs, arguments.data_home, arguments.channel)
    with quiet_libraries():
        from mgc_keras.execution import set_precision
        from mgc_keras.features.songs import SongScorer

        set_precision(arguments.precision or "exact")
        scorer = SongScorer(arguments.weights, "tags")
        return answer_songs(arguments, clips, scorer, lambda found: _mean(found, scorer.names), "tag")


def _mean(found: "SongScores", names: tuple[str, ...]) -> Answer:
    song = found.scores.mean(axis=0)
    return Answer(found, names, found.scores, song, int(song.argmax()))
