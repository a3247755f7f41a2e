"""Tiny trees in the layout that each dataset's owner ships, for the builders' tests.

Clips are empty files where nobody reads them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from mgc_keras.datasets.cards import card_names, read_card


def touch(folder: Path, *names: str) -> None:
    """Make empty files below `folder`."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(folder: Path, name: str, *lines: str) -> None:
    """Write a text file below `folder`."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_song(folder: Path, name: str, seconds: float, sampling_rate: int = 100) -> None:
    """Write a wav file whose samples count up, so that a cut shows where it was made."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    samples = np.arange(round(seconds * sampling_rate), dtype=np.int16)
    soundfile.write(folder / name, samples, sampling_rate, subtype="PCM_16")


def _gtzan_genre(folder: Path) -> list[str]:
    genres = read_card("gtzan_genre").classes
    touch(folder, *(f"genres/{genre}/{genre}.{number:05d}.au" for genre in genres for number in (1, 0)))
    return [f"{genre}.{number:05d}" for genre in genres for number in (0, 1)]


def _gtzan_music_speech(folder: Path) -> list[str]:
    touch(
        folder,
        "music_speech/speech_wav/acomic.wav",
        "music_speech/music_wav/pop.wav",
        "music_speech/music_wav/cure.wav",
    )
    return ["cure", "pop", "acomic"]


def _ballroom_extended(folder: Path) -> list[str]:
    classes = read_card("ballroom_extended").classes
    touch(folder, *(f"{name}/{100700 + number}.mp3" for number, name in enumerate(classes)))
    return [str(100700 + number) for number in range(13)]


def _urbansound8k(folder: Path) -> list[str]:
    header = "slice_file_name,fsID,start,end,salience,fold,classID,class"
    rows = ["7-1-0-0.wav,7,0,4,1,2,1,car_horn", "100-3-0-0.wav,100,0,4,1,10,3,dog_bark"]
    write(folder, "UrbanSound8K/metadata/UrbanSound8K.csv", header, *rows)
    touch(folder, "UrbanSound8K/audio/fold2/7-1-0-0.wav", "UrbanSound8K/audio/fold10/100-3-0-0.wav")
    return ["100-3-0-0", "7-1-0-0"]


def _emomusic(folder: Path) -> list[str]:
    header = "song_id, mean_arousal, std_arousal, mean_valence, std_valence"
    write(folder, "annotations/static_annotations.csv", header, "10,4.5,1.0,9.0,1.0", "2,3.1,1.2,3.0,0.9")
    info = ["song_id,file_name,Artist,Song title,Genre,Mediaeval 2013 set", '2,2.mp3,"Ann\t","x\t",Blues,development']
    write(folder, "annotations/songs_info.csv", *info, '10,10.mp3,"Bob","y",Rock,evaluation')
    touch(folder, "clips_45seconds/2.mp3", "clips_45seconds/10.mp3")
    return ["2", "10"]


def _jamendo_vocal(folder: Path) -> list[str]:
    for split, song in (("valid", "05 - Change"), ("train", "01 - Aur"), ("test", "03 - Schoo")):
        write_song(folder, f"audio/{split}/{song}.wav", seconds=3.0)
        write(folder, f"labels/{song}.lab", "0.0 1.00 nosing", "1.00 2.5 sing", "")
    return [f"{song}_{k}" for song in ("01 - Aur", "05 - Change", "03 - Schoo") for k in (0, 1)]


def _magnatagatune(folder: Path) -> list[str]:
    tags = [f"tag {number}" for number in range(188)]
    rows = [("2", "f/zed-song-0-29.mp3"), ("6", "c/cat-song-0-29.mp3"), ("9", "0/ann-song-0-29.mp3")]
    cells = [[clip_id, *("01"[k == row] for k in range(188)), path] for row, (clip_id, path) in enumerate(rows)]
    lines = ["\t".join(f'"{cell}"' for cell in line) for line in [["clip_id", *tags, "mp3_path"], *cells]]
    write(folder, "annotations_final.csv", *lines)
    write(
        folder,
        "clip_info_final.csv",
        '"clip_id"\t"title"\t"artist"',
        '"2"\t"s"\t"Zed"',
        '"6"\t"s"\t"Cat"',
        '"9"\t"s"\t"Ann"',
    )
    touch(folder, *(path for _, path in rows))
    return ["2", "6", "9"]


def _msd_lastfm50(folder: Path) -> list[str]:
    write(folder, "tags.csv", "track_id,tag", "TRB,rock", "TRB,Hip-Hop", "TRB,hip-hop", "TRA,happy", "TRC,seen live")
    write(folder, "split.csv", "track_id,split", "TRB,test", "TRC,train", "TRA,train")
    touch(folder, "B/TRB.mp3", "A/TRA.mp3", "C/TRC.mp3")
    return ["TRB", "TRA"]


def _emotify(folder: Path) -> list[str]:
    emotions = read_card("emotify").label_columns
    rows = ["rock/9.mp3,rock,Ann" + ",0.5" * 9, "pop/10.mp3,pop,Bob" + ",0.25" * 9]
    write(folder, "emotify.csv", ",".join(["filepath", "label", "artist", *emotions]), *rows)
    touch(folder, "rock/9.mp3", "pop/10.mp3")
    return ["rock/9", "pop/10"]


def _artists1517(folder: Path) -> list[str]:
    songs = ["hip_hop/Bob - Yo", "R&B and Soul/Ann_-_Sea", "Blues/02 - Zed - Low", "Blues/01 - Cat - High"]
    touch(folder, *(f"{song}.mp3" for song in songs))
    return [songs[place] for place in (3, 2, 0, 1)]


# Each dataset's tree is made by the function above that bears its name; it returns the ids that the builder must give.
FAKE_TREES: dict[str, Callable[[Path], list[str]]] = {
    name: globals()[f"_{name}"] for name in card_names() if f"_{name}" in globals()
}
