"""The task `events`: ten sounds of the street, each near or far, before a bed of other noise."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mgc_keras.corpus import event_sounds as sounds
from mgc_keras.corpus.arrangement import Mix, draw_curve
from mgc_keras.corpus.event_sounds import coloured_noise
from mgc_keras.corpus.mixing import finish, loudness_of
from mgc_keras.corpus.rows import Row, class_table
from mgc_keras.corpus.seeds import generator

EVENT_SECONDS = 4.0
N_FOLDS = 10
# Takes the source's habits, the clip's chances, samples and sampling rate.
Sound = Callable[[np.random.Generator, np.random.Generator, int, int], np.ndarray]
EVENTS: Mapping[str, Sound] = {
    "air_conditioner": sounds.air_conditioner,
    "car_horn": sounds.car_horn,
    "children_playing": sounds.children_playing,
    "dog_bark": sounds.dog_bark,
    "drilling": sounds.drilling,
    "engine_idling": sounds.engine_idling,
    "gun_shot": sounds.gun_shot,
    "jackhammer": sounds.jackhammer,
    "siren": sounds.siren,
    "street_music": sounds.street_music,
}


def events_table(n_clips: int, seed: int) -> pd.DataFrame:
    """Return the table of the events task: `fold` 1 to 10, `artist` the source; clips of a source share a fold."""
    table = class_table("events", tuple(EVENTS), n_clips, seed, n_artists=N_FOLDS, seconds=EVENT_SECONDS)
    folds = table["artist"].str.rsplit("_", n=1).str[-1].astype(int) + 1
    table.insert(3, "fold", folds)
    return table


def render_event(row: Row, seconds: float, sampling_rate: int) -> np.ndarray:
    """Render a clip of the events task: float32, shape (n_samples,)."""
    source, clip = generator(int(row["artist_seed"]), "source"), generator(int(row["seed"]), "event")
    n_samples = int(round(seconds * sampling_rate))
    near = EVENTS[str(row["style"])](source, clip, n_samples, sampling_rate)
    far = coloured_noise(n_samples, sampling_rate, clip, float(clip.uniform(-6.0, -2.0)), 150.0)
    distance = float(clip.uniform(3.0, 24.0))
    near = near / np.float32(max(loudness_of(near), 1e-6))
    street = far * np.float32(10.0 ** (-distance / 20.0) / max(loudness_of(far), 1e-6))
    mix = Mix(
        tilt=float(np.clip(source.normal(0.0, 1.5) + clip.normal(0.0, 1.0), -4.0, 4.0)),
        curve=draw_curve(source, clip), reverb=float(source.uniform(0.0, 0.35)),
        reverb_time=float(source.uniform(0.2, 1.4)), peak=float(clip.uniform(0.2, 0.9)),
        noise=float(source.uniform(-70.0, -42.0)),
    )  # fmt: skip
    return finish(near + street, mix, sampling_rate, int(row["seed"]))
