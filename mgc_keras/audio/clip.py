"""An audio file that is read to its end, also where the decoding library believes that it ended before.

libsndfile takes an mp3's length from its size or from a header that may be wrong, stops where its channels or rate
change, and reads the first of several Ogg streams in a row. `Clip` reads on: it takes the rest apart by the headers of
its frames or pages, and gives the library each part as a file of its own.
"""

import io
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
import soxr

from mgc_keras.audio.mpeg import MpegFrames, walk_frames
from mgc_keras.audio.ogg import links
from mgc_keras.errors import AudioError

# Frames that are read at a time only to come to a place behind them.
_SKIPPED_FRAMES = 1 << 20
_CURE = "convert it to wav"

# Pieces that make up a file of its own, and the samples at its beginning that are not part of the clip.
Stream = tuple[list[bytes | range], int]


class Pieces(io.RawIOBase):
    """Bytes, and ranges of a file, read one after the other as if they were a file."""

    def __init__(self, path: str | Path, pieces: Sequence[bytes | range]) -> None:
        self._stream = open(path, "rb", buffering=0)
        self._pieces = [piece for piece in pieces if len(piece)]
        self._ends = list(accumulate(map(len, self._pieces)))
        self._place = 0
        self.error: OSError | None = None

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted as `io.IOBase.seek` does."""
        self._place = (0, self._place, self._ends[-1] if self._ends else 0)[whence] + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill a buffer as far as there are bytes; return how many these are."""
        view, n_done = memoryview(buffer), 0
        while n_done < len(view) and (number := bisect_right(self._ends, self._place)) < len(self._ends):
            piece, left = self._pieces[number], self._ends[number] - self._place
            inside = len(piece) - left
            wanted = view[n_done : n_done + min(left, len(view) - n_done)]
            if isinstance(piece, bytes):
                n_read = len(wanted)
                wanted[:] = piece[inside : inside + n_read]
            else:
                try:
                    self._stream.seek(piece.start + inside)
                    n_read = self._stream.readinto(wanted) or 0
                except OSError as error:
                    # The library that calls this could not hand it on; `Clip` does.
                    n_read, self.error = 0, error
            if not n_read:
                break
            n_done += n_read
            self._place += n_read
        return n_done


class Sound(soundfile.SoundFile):
    """What libsndfile reads, from the beginning to the end.

    python-soundfile seeks to where it is after every read. That moves samples of an mp3, and fails in a FLAC file that
    was cut out of another one.
    """

    def seekable(self) -> bool:
        """Deny it, which keeps python-soundfile from seeking by itself."""
        return False


class Clip:
    """A file that is open for reading, to be used in a ``with`` statement; made by `containers.open_clip`.

    Attributes
    ----------
    format, subtype : str
        As libsndfile names them.
    samplerate, channels : int
        Of all that is read, in Hz: what follows otherwise is resampled, and mono stands for each channel.
    frames : int
        Samples a channel that libsndfile promises; there may be fewer or more.
    lowest, highest : float
        Of the samples that were read, as far as whoever reads says (`files.waveform_blocks` does).
    walked : MpegFrames or None
        The frames of an mp3, where reading had to look at them.
    """

    def __init__(self, path: Path, sound: Sound, lead: int = 0) -> None:
        self.path, self._sound = path, sound
        self.format, self.subtype = sound.format, sound.subtype
        # What the decoder had to say of a file that it decoded all the same.
        self.complaint = getattr(sound, "complaint", "")
        self.samplerate, self.channels, self.frames = sound.samplerate, sound.channels, sound.frames
        self._links: Iterator[Stream] | None = None
        self._ready: np.ndarray | None = None  # what was resampled
        self._place, self._left = 0, self.frames
        self.lowest, self.highest = math.inf, -math.inf
        self.walked: MpegFrames | None = None
        self._ended = False  # the sound that is open; to read there again may give anything
        self._mpeg: MpegFrames | None = None
        if lead:
            self._read(lead)

    def __enter__(self) -> "Clip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._sound.close()

    def seek(self, start: int) -> None:
        """Go on reading at sample `start`, which may lie behind the end."""
        self._place = start
        try:
            self._left = self.frames - self._sound.seek(min(start, self.frames))
        except soundfile.LibsndfileError:
            if self.format != "MP3" or not self._next():
                raise

    def read(self, n_frames: int) -> np.ndarray:
        """Return the next (n_frames,) or (n_frames, channels) samples as float32; fewer only at the end.

        Raises
        ------
        soundfile.LibsndfileError
            They do not decode.
        AudioError
            Something follows that does not decode.
        """
        blocks: list[np.ndarray] = []
        n_missing = n_frames
        while n_missing > 0:
            if self._ended and not self._next():
                break
            try:
                block = self._read(n_missing)
            except soundfile.LibsndfileError:
                if self.format != "MP3" or not self._next():
                    raise
                continue
            blocks.append(block)
            self._place += len(block)
            n_missing -= len(block)
            self._ended = n_missing > 0
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    def _read(self, n_frames: int) -> np.ndarray:
        if self._ready is not None:
            block, self._ready = self._ready[:n_frames], self._ready[n_frames:]
            return block
        # Memory is taken for what is asked for, and what lies behind the end may be anything.
        n_frames = min(n_frames, self._left)
        self._left -= n_frames
        if self.subtype == "PCM_16":
            # libsndfile's own conversion takes three times as long for the same numbers.
            samples = self._sound.read(n_frames, dtype="int16").astype(np.float32)
            samples *= np.float32(2.0**-15)
            return samples
        samples = self._sound.read(n_frames, dtype="float32")
        if isinstance(self._sound.name, Pieces) and self._sound.name.error:
            raise self._sound.name.error
        if self._sound.channels == self.channels:
            return samples
        mono = samples if samples.ndim == 1 else samples.mean(axis=1)
        return mono if self.channels == 1 else np.repeat(mono[:, None], self.channels, axis=1)

    def _next(self) -> bool:
        """Open the next part of the file; False if nothing follows."""
        n_skipped = 0
        if self._links is None:
            self._links, n_skipped = iter(self._what_is_there()), self._place
        for pieces, lead in self._links:
            self._sound.close()
            self._ready, self._ended = None, False
            try:
                self._sound = Sound(Pieces(self.path, pieces))
                self._left = self._sound.frames
                self._read(lead)
                if self._sound.samplerate != self.samplerate:
                    samples = self._read(self._sound.frames)
                    self._ready = soxr.resample(samples, self._sound.samplerate, self.samplerate, quality="HQ")
                while n_skipped and (n_read := len(self._read(min(n_skipped, _SKIPPED_FRAMES)))):
                    n_skipped -= n_read
            except soundfile.LibsndfileError as error:
                problem = f"changes after {self._place / self.samplerate:.1f} s into what cannot be decoded"
                raise AudioError(problem, path=self.path, cure=_CURE) from error
            if not n_skipped:
                return True
        if self._mpeg and self._place < self._mpeg.n_samples * 0.98 - self._mpeg.tolerance:
            whole = f"{self._mpeg.n_samples / self.samplerate:.1f} s"
            problem = f"only {self._place / self.samplerate:.1f} s of {whole} can be decoded"
            raise AudioError(problem, path=self.path, cure=_CURE)
        return False

    def _what_is_there(self) -> list[Stream]:
        """The parts of the whole file, each as pieces of it; none if they have been read to their end."""
        if self.format == "MP3":
            frames = self.walked = walk_frames(self.path)
            if frames.are_more_than(self._place):
                self._mpeg = frames
                return [part.stream() for part in frames.parts]
        if self.format == "OGG" and len(found := links(self.path)) > 1:
            return [([link], 0) for link in found]
        return []
