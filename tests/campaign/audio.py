"""Damaged clips, one by one, through reading, checking and the MFCC export.

Held: no crash; each clip has one row, of finite numbers, or an error of one line; the row of a whole clip beside it
does not move. Other samples than those of the undamaged clip need an error, or a finding of `check`, where they can be
known: by checksums (FLAC, Ogg), by what a header says against itself, by sound that the damage did not touch.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from mgc_keras.audio.check import check_clips
from mgc_keras.audio.files import read_waveform
from mgc_keras.features.export import export_features
from mgc_keras.features.mfcc import MfccExtractor
from tests.broken_clips import tune, write
from tests.campaign.audio_bases import Clip, Damaged, clips, damage_clip
from tests.campaign.audio_contradictions import contradiction
from tests.campaign.bench import Bench, Fault, refused
from tests.campaign.damage import pick

RATE = 12000
# Above this no writer of audio puts a sample, whatever its units.
ABSURD = 1e9
# What an mp3 may lose at a join: two frames, and the decoder's delay.
_MP3_SLACK = 0.1


def draw(usual: list[Clip], others: list[Clip], generator: np.random.Generator) -> Damaged:
    """Draw a clip and damage it."""
    clip = pick(generator, usual if generator.random() < 0.75 else others)
    return damage_clip(clip, pick(generator, usual), generator)


def has_count(damaged: Damaged) -> bool:
    """Whether the first frame of an mp3 counts the others, and is as it was."""
    first = damaged.clip.content[:600]
    return damaged.content.startswith(first) and (b"Xing" in first or b"Info" in first)


def is_absurd_rate(path: Path) -> bool:
    """Whether the header, as libsndfile reads it, tells a rate that no sound has."""
    try:
        return not 100 <= soundfile.info(str(path)).samplerate <= 1e6
    except soundfile.LibsndfileError:
        return False


class Audio(Bench):
    """See the module."""

    name, share, per_process = "audio", 1.0, 250

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        self.usual, self.others = clips()
        self.known: dict[Clip, tuple[np.ndarray, set[str]]] = {}
        self.control = write(home / "control.wav", tune(0.5))
        self.control_row = self._rows([self.control])["control"]

    def trial(self, generator: np.random.Generator, folder: Path) -> None:
        damaged = draw(self.usual, self.others, generator)
        self.note = f"{damaged.clip.name}: {damaged.note}"
        (folder / "note.txt").write_text(self.note)
        path = folder / f"clip{damaged.suffix}"
        path.write_bytes(damaged.content)
        before, usual_findings = self._undamaged(damaged.clip, folder)
        waveform, error = refused(read_waveform, path, RATE)
        findings = {finding.kind for finding in check_clips([path], [path.name], jobs=1)[0]}
        is_told = error is not None or bool(findings - usual_findings)
        self._export(path)
        if waveform is not None and not is_told:
            self._judge(damaged, waveform, before, path)

    def _undamaged(self, clip: Clip, folder: Path) -> tuple[np.ndarray, set[str]]:
        """What the package reads of the whole clip, and what `check` has against it even so."""
        if clip not in self.known:
            path = folder / f"whole{clip.suffix}"
            path.write_bytes(clip.content)
            findings = check_clips([path], [path.name], jobs=1)[0]
            self.known[clip] = read_waveform(path, RATE), {finding.kind for finding in findings}
            path.unlink()
        return self.known[clip]

    def _judge(self, damaged: Damaged, waveform: np.ndarray, before: np.ndarray, path: Path) -> None:
        """Raise a `Fault` where other samples were read, nothing was said, and something could have been known."""
        clip, lengths = damaged.clip, f"{len(waveform)} samples at {RATE} Hz for {len(before)}"
        if damaged.absurd or not np.isfinite(waveform).all() or np.abs(waveform).max() > ABSURD:
            raise Fault("silent: absurd samples are taken", f"highest {np.abs(waveform).max()}")
        if is_absurd_rate(path):
            raise Fault("silent: an absurd sampling rate is taken", lengths)
        slack = _MP3_SLACK * RATE if clip.format == "MP3" else 1
        if len(waveform) < damaged.whole * RATE / clip.rate - slack:
            raise Fault(f"silent: whole audio of {clip.format} is lost", lengths)
        if damaged.whole or np.array_equal(waveform, before):
            return
        if clip.format in ("FLAC", "OGG"):
            raise Fault(f"silent: {clip.format} reads as other samples, in spite of its checksums", lengths)
        if clip.format == "MP3":
            kept = min(1.0, len(damaged.content) / len(clip.content))
            if has_count(damaged) and len(waveform) < len(before) - slack:
                raise Fault("silent: MP3 is shorter than its Xing header says", lengths)
            # A frame or two are damaged; more is lost where a wrong estimate of the length is believed.
            if len(waveform) < 0.75 * kept * len(before) - slack:
                raise Fault("silent: MP3 is read in part", f"{lengths}, with {100 * kept:.0f} % of the bytes")
            return
        # Some bytes more or less behind the samples are nothing.
        is_longer_or_shorter = abs(len(waveform) / len(before) - 1) > 0.01
        what = contradiction(damaged.content)
        if what and (is_longer_or_shorter or what in ("block align", "chunks", "number of frames")):
            raise Fault(f"silent: {clip.format} reads as other samples, its header contradicts itself: {what}", lengths)

    def _export(self, path: Path) -> None:
        """Export MFCCs of the clip and of a whole one beside it."""
        rows = self._rows([path, self.control])
        if not np.array_equal(rows["control"], self.control_row):
            raise Fault("silent: MFCCs of the whole clip beside it moved")
        if path.stem in rows and not np.isfinite(rows[path.stem]).all():
            raise Fault("silent: MFCCs are not finite")

    def _rows(self, paths: list[Path]) -> dict[str, np.ndarray]:
        """Each clip's row of an export; a clip without one must be in ``t_errors.csv``."""
        folder = self.home / "exported"
        shutil.rmtree(folder, ignore_errors=True)
        export_features(paths, folder / "t.csv", MfccExtractor(), jobs=1)
        table, errors = pd.read_csv(folder / "t.csv"), pd.read_csv(folder / "t_errors.csv")
        found = sorted([*table["clip_id"], *errors["clip_id"]])
        if found != sorted(path.stem for path in paths):
            raise Fault("not one row a clip", str(found))
        if json.loads((folder / "t.json").read_text())["n_failed"] != len(errors):
            raise Fault("the JSON counts other failures than t_errors.csv")
        return {row[0]: np.array(row[2:], float) for row in table.itertuples(index=False)}
