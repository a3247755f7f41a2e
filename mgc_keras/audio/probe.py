"""One clip, decoded from end to end in blocks: how long and how loud it is, what it lacks, a fingerprint.

No library was found that does this. Of broken files made here, `soundfile.info`, mutagen 1.48, tinytag 2.3 and
miniaudio 1.71 report none as broken: they believe a header (a FLAC or mp3 file cut at 60 % lasts as long as the whole
one), or take what is left for the whole. None looks at an Ogg page's checksum, and only libsndfile reads .au.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mgc_keras.audio.containers import contradiction, missing_end, open_clip
from mgc_keras.audio.files import mix_to_mono
from mgc_keras.audio.flac import FlacProof
from mgc_keras.audio.headers import in_part

# Samples of all channels together that are decoded at a time.
_BLOCK_SAMPLES = 1 << 17


@dataclass(frozen=True)
class ClipProbe:
    """What decoding a whole clip showed.

    Attributes
    ----------
    format_name : str
        The format of the content as libsndfile names it, such as "WAV" or "MP3"; "FFMPEG" where ffmpeg decodes it.
    sampling_rate : int
        In Hz.
    n_samples : int
        Samples per channel that decode.
    amplitude : float
        Half the distance between the highest and the lowest sample of the mono mix: 0 for silence and for a constant.
    peak : float
        The largest magnitude of a sample of any channel; 1 is full scale.
    finite : bool
        False where a channel contains NaN or infinite samples.
    mixed_power : float
        Power of the mono mix against the mean power of the channels: 1 for equal channels, 0.5 for independent ones, 0
        where they cancel. 1 for silence.
    missing : str
        In words, what the clip lacks against the promise of its headers; empty for a whole file.
    contradiction : str
        In words, what its header says against itself, against the file, or against the samples that decode; empty
        where nothing is found.
    fingerprint : str
        Equal for two clips exactly if sampling rate and mono mix are equal, whatever their containers.
    """

    format_name: str
    sampling_rate: int
    n_samples: int
    amplitude: float
    peak: float
    finite: bool
    mixed_power: float
    missing: str
    contradiction: str
    fingerprint: str

    @property
    def duration(self) -> float:
        """Seconds that decode."""
        return self.n_samples / self.sampling_rate


def probe_clip(path: str | Path) -> ClipProbe:
    """Decode a whole clip in blocks, so that memory stays flat, and say what it holds.

    A truncated file is no error here: `ClipProbe.missing` tells. It is found from the headers of wav, aiff, caf, w64
    and au (size of the samples), ogg (damaged and missing pages) and mp3 (frame count and last frame), and where
    decoding stops early. Truncation of an mp3 without a frame count exactly between two frames leaves no trace.

    Nor is a header that contradicts itself: `ClipProbe.contradiction` tells. The samples of a FLAC file are compared
    with the MD5 that its header holds, if it holds one.

    Raises
    ------
    AudioError
        The file cannot be opened as audio.
    """
    lowest, highest, peak, n_samples, broken = np.inf, -np.inf, 0.0, 0, False
    mixed = separate = 0.0
    with open_clip(path) as clip:
        fingerprint = hashlib.sha256(str(clip.samplerate).encode())
        proof = FlacProof(clip.path) if clip.format == "FLAC" else None
        block_frames = max(1, _BLOCK_SAMPLES // clip.channels)
        while True:
            try:
                samples = clip.read(block_frames)
            except soundfile.LibsndfileError:
                broken = True
                break
            if not len(samples):
                break
            if proof:
                proof.update(samples)
            # Samples that cannot be are found below; what they do to sums is of no interest.
            with np.errstate(over="ignore", invalid="ignore"):
                # Minus zero, which float formats know and others do not, counts as zero.
                block = mix_to_mono(samples) + np.float32(0)
                if samples.ndim > 1:
                    mixed += float(np.dot(block, block))
                    separate += float(np.vdot(samples, samples)) / clip.channels
            n_samples += len(block)
            fingerprint.update(block.data)
            # Of NaN and others, NaN is the largest.
            peak = float(np.max([peak, samples.max(), -samples.min()]))
            lowest, highest = min(lowest, float(block.min())), max(highest, float(block.max()))
        format_name, sampling_rate, promised = clip.format, clip.samplerate, clip.frames
    missing = missing_end(path, format_name)
    # Of what ffmpeg decodes, only ffmpeg can tell.
    missing = missing or clip.complaint
    if not missing and broken:
        missing = "decoding stops before the end, the file is cut off or damaged"
    # Of MPEG audio, in a wav file or not, libsndfile's number of samples can be an estimate.
    if not missing and not clip.subtype.startswith("MPEG") and n_samples < promised:
        missing = in_part(n_samples, promised, "sample")
    contradicts = contradiction(path, format_name)
    if proof and not missing:
        contradicts = proof.contradiction()
    finite = bool(np.isfinite(peak))
    return ClipProbe(
        format_name=format_name,
        sampling_rate=sampling_rate,
        n_samples=n_samples,
        amplitude=(highest - lowest) / 2 if n_samples and finite else 0.0,
        peak=peak,
        finite=finite,
        mixed_power=mixed / separate if separate else 1.0,
        missing=missing,
        contradiction=contradicts,
        fingerprint=fingerprint.hexdigest(),
    )
