"""The walk over mp3 frames, against the decoder and against every possible cut."""

import pytest
import soundfile
from broken_clips import tune, write

from mgc_keras.audio.containers import missing_end
from mgc_keras.audio.mpeg import MpegFrames, frame_length, walk_frames


@pytest.mark.parametrize(
    "header, length",
    [
        ("fffb9064", 417),  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 144 * 128000 / 44100 = 417.96
        ("fffb9264", 418),  # the same with padding
        ("fffbe064", 1044),  # 320 kbit/s: 1044.9
        ("fffd8404", 384),  # MPEG-1 layer II, 128 kbit/s, 48 kHz: 144 * 128000 / 48000
        ("ffff9064", 312),  # MPEG-1 layer I, 288 kbit/s, 44.1 kHz: 4 * (12 * 288000 / 44100 = 78.4)
        ("fff38064", 208),  # MPEG-2 layer III, 64 kbit/s, 22.05 kHz: 72 * 64000 / 22050 = 208.98
        ("ffe380c4", 417),  # MPEG-2.5 layer III, 64 kbit/s, 11.025 kHz: 72 * 64000 / 11025 = 417.96
    ],
)
def test_frame_length(header, length):
    assert frame_length(bytes.fromhex(header)) == length


@pytest.mark.parametrize(
    "header", ["00000000", "fffb", "fffbf064", "fffb0064", "fffb9c64", "ffeb9064", "fff99064", "52494646"]
)
def test_what_is_no_header(header):
    assert frame_length(bytes.fromhex(header)) is None


@pytest.mark.parametrize("sampling_rate, per_frame", [(44100, 1152), (32000, 1152), (22050, 576), (8000, 576)])
@pytest.mark.parametrize("bitrate_mode", ["CONSTANT", "VARIABLE"])
def test_frames_add_up_to_what_decodes(tmp_path, sampling_rate, per_frame, bitrate_mode):
    path = tmp_path / "clip.mp3"
    soundfile.write(path, tune(3.0, sampling_rate), sampling_rate, bitrate_mode=bitrate_mode, compression_level=0.5)
    frames = walk_frames(path)
    n_decoded = len(soundfile.read(path)[0])
    # The encoder adds its delay and fills the last frame: at most three frames more than the samples need.
    assert n_decoded <= frames.n_frames * per_frame < n_decoded + 3 * per_frame
    assert frames.promised in (None, frames.n_frames) and frames.missing_bytes == 0


def test_real_clips_are_whole(shared_data):
    paths = [*sorted((shared_data / "audio").rglob("*.mp3")), *sorted((shared_data / "taggers").glob("*.mp3"))]
    assert len(paths) == 64
    for path in paths:
        frames = walk_frames(path)
        assert frames.missing_bytes == 0 and frames.promised in (None, frames.n_frames)
    for path in paths[::10]:
        n_decoded = len(soundfile.read(path)[0])
        assert n_decoded <= walk_frames(path).n_frames * 1152 < n_decoded + 3 * 1152


def test_every_cut_is_seen_unless_between_two_frames(tmp_path):
    whole = write(tmp_path / "whole.mp3", tune(1.0)).read_bytes()
    path = tmp_path / "cut.mp3"
    unseen = []
    for size in range(len(whole) - 700, len(whole)):
        path.write_bytes(whole[:size])
        frames = walk_frames(path)
        # The encoder wrote how many frames there are, so that even these cuts show in the count.
        assert frames.n_frames < frames.promised
        if not frames.missing_bytes:
            unseen.append(size)
    assert 1 <= len(unseen) < 10 and all(frame_length(whole[size : size + 4]) for size in unseen)


def test_tags_and_damage_are_stepped_over(tmp_path):
    content = write(tmp_path / "whole.mp3", tune(2.0)).read_bytes()
    plain = walk_frames(tmp_path / "whole.mp3")
    path = tmp_path / "tagged.mp3"
    # An ID3v2 tag of 300 bytes that itself looks like frames, and an ID3v1 tag behind.
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 2, 44]) + bytes.fromhex("fffb9064") * 75
    path.write_bytes(tag + content + b"TAG" + b"\xff" + bytes(124))
    assert walk_frames(path) == plain
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(1500) + content[middle + 1500 :])
    damaged = walk_frames(path)
    assert plain.n_frames - 12 < damaged.n_frames < plain.n_frames and damaged.missing_bytes == 0
    # What is lost are the zeros, and the rest of the frames at both ends of them.
    assert plain.odd_bytes == 0 and 1500 - 1044 < damaged.odd_bytes < 1500 + 1044


@pytest.mark.parametrize(
    ("behind", "is_damage"),
    [
        (bytes(400_000), True),  # a download that was given its size in advance, and broken off
        (b"<p>Not found</p>\n" * 2000, True),
        (b"LYRICSBEGIN" + b"la " * 3000 + b"LYRICS200TAG" + bytes(125), False),
        (b"TAG" + bytes(125), False),
    ],
)
def test_what_stands_behind_the_last_frame_is_told_where_it_is_too_much_for_a_tag(tmp_path, behind, is_damage):
    path = write(tmp_path / "clip.mp3", tune(2.0))
    content = path.read_bytes()
    path.write_bytes(content + behind)
    assert walk_frames(path).trailing_bytes == (len(behind) if is_damage else 0)
    told = f"is damaged: {len(behind)} bytes behind its last frame are no audio" if is_damage else ""
    assert missing_end(path, "MP3") == told


@pytest.mark.parametrize("content", [b"", b"\xff", b"no mp3 at all" * 100, b"\xff" * 5000, bytes(200_000)])
def test_no_mp3_has_no_frames(tmp_path, content):
    (tmp_path / "clip.mp3").write_bytes(content)
    assert walk_frames(tmp_path / "clip.mp3") == MpegFrames(0, None, 0)
