"""``mgc-keras similar``: the songs of a feature table that are nearest to one of them."""

import argparse
import sys
from pathlib import Path

HELP = "name the songs of a feature table that sound most like one of them"
EPILOG = """\
what near means:
  Distances are taken over all columns of the table, each in standard deviations over its songs: two songs drawn at
  random are about 1.4 apart, and 0.00 is the same row, often the same recording. Windows of a song (--window) count
  with their mean. What is alike is what the features hear: of MFCCs the sound, of networks what their tags needed.
  No audio is read. A new song has to be in the table first: export the folder again with it, or both folders.

examples:
  mgc-keras features my_music -o song.csv --features song --weights weights_layer4_theano.hdf5
  mgc-keras similar song.csv rock/13.mp3
  mgc-keras similar song.csv rock/13 jazz/02 --top 5 --csv > near.csv
  mgc-keras similar song.csv rock/13 --top 30 --playlist like_13.m3u8 --data-home my_music
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("table", metavar="FEATURES", type=Path, help="a .csv or .parquet of 'mgc-keras features'")
    what = "clip_id, path or file name of a song of the table"
    parser.add_argument("songs", metavar="SONG", nargs="+", help=what)
    parser.add_argument("--top", type=int, default=10, metavar="N", help="songs to name for each (default: 10)")
    parser.add_argument("--csv", action="store_true", help="print a CSV: song, rank, clip_id, filepath, distance")
    where = "write the song and those near it as a playlist, too, for any player"
    parser.add_argument("--playlist", metavar="FILE.m3u8", type=Path, help=where)
    home = "folder that the table's file paths are relative to (default: the current one)"
    parser.add_argument("--data-home", metavar="DIR", type=Path, default=Path(), help=home)


def run(arguments: argparse.Namespace) -> int:
    """Run ``mgc-keras similar`` and return 0."""
    from mgc_keras.answers.playlists import is_playlist, write_playlist
    from mgc_keras.errors import OptionError
    from mgc_keras.features.neighbours import find_clip, nearest_clips, row_per_clip
    from mgc_keras.features.table import read_features, read_filepaths
    from mgc_keras.files import csv_lines, output_folder
    from mgc_keras.outputs import check_replaceable

    playlist = arguments.playlist
    if playlist is not None:
        if playlist.suffix.lower() != ".m3u8":
            raise OptionError("is no .m3u8", path=playlist, field="--playlist", cure="end its name in .m3u8")
        check_replaceable([playlist], is_playlist, "playlist", [arguments.table], "--playlist")
        output_folder(playlist.parent, "--playlist")
    table = row_per_clip(read_features(arguments.table))
    filepaths = read_filepaths(arguments.table)
    songs = [find_clip(table, song) for song in arguments.songs]
    rows, listed = [], list[str]()
    for song, near in zip(songs, nearest_clips(table, songs, arguments.top), strict=True):
        rows += [(song, rank, clip, filepaths[clip], distance) for rank, (clip, distance) in enumerate(near, 1)]
        listed += [song, *(clip for clip, _ in near)]
    if arguments.csv:
        sys.stdout.write(csv_lines([("song", "rank", "clip_id", "filepath", "distance")]))
        sys.stdout.write(csv_lines((*row[:4], f"{row[4]:.6g}") for row in rows))
    else:
        for song, rank, _, filepath, distance in rows:
            if rank == 1:
                print(f"{filepaths[song]}")
            print(f"  {distance:5.2f}  {filepath}")
    if playlist is not None:
        paths = [(arguments.data_home / filepaths[clip]).absolute() for clip in dict.fromkeys(listed)]
        write_playlist(playlist, paths)
        missing = sum(not path.is_file() for path in paths)
        if missing:
            words = f"{missing} of {len(paths)} songs are not where the playlist says: give --data-home, their folder"
            print(f"mgc-keras similar: {words}", file=sys.stderr)
        print(playlist, file=sys.stderr if arguments.csv else sys.stdout)
    return 0
