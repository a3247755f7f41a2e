"""The networks of the Asgharivaskasi 2019 study, each architecture built and compiled once for all its trainings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np

from mgc_keras.errors import MgcKerasError
from mgc_keras.features.segments import segment_samples
from mgc_keras.networks.image_network import SAMPLING_RATE, image_network, part_of
from mgc_keras.studies.asgharivaskasi2019.recurrent_network import recurrent_network
from mgc_keras.studies.asgharivaskasi2019.study import Options
from mgc_keras.studies.asgharivaskasi2019.sub_runs import SubRun
from mgc_keras.training.optimizers import make_optimizer
from mgc_keras.training.stepping import Stepper

# What the study's options are called in the package, and their cures; {} is the package's.
_OPTIONS = {
    "k": ("--skip", "give a smaller one"),
    "size": ("--seconds", "give more"),
    "weights": ("--backbone-weights", "{}"),
    "trainable_from": ("--trainable-from", "{}; or vgg16=LAYER resnet34=LAYER"),
}


@contextmanager
def named_as_options() -> Iterator[None]:
    """Let errors name the options of the command line."""
    try:
        yield
    except MgcKerasError as error:
        if error.field not in _OPTIONS:
            raise
        field, cure = _OPTIONS[error.field]
        raise type(error)(error.problem, path=error.path, field=field, cure=cure.format(error.cure)) from error


@dataclass
class Network:
    """A network that is saved, the compiled steps of the part that learns, and that part's first weights by seed."""

    whole: keras.Model
    stepper: Stepper
    starts: dict[int, list[np.ndarray]] = field(default_factory=dict)


class Networks:
    """Gives networks at the beginning of their training."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._built: dict[tuple[str, int, tuple[int, ...], int], Network] = {}

    def get(self, sub_run: SubRun, n_classes: int, shape: tuple[int, ...], seed: int) -> Network:
        """Return the network of a sub-run for examples of this shape, as it is before any training with this seed."""
        key = (sub_run.network, n_classes, shape, samples_of(sub_run, self.options))
        found = self._built.get(key)
        if found is None:
            with named_as_options():
                whole, learning = self._build(sub_run, n_classes, shape, seed)
            stepper = Stepper(learning, make_optimizer(self.options.training.optimizer), multi_label=False)
            found = self._built[key] = Network(whole, stepper, {seed: learning.get_weights()})
        if seed not in found.starts:
            found.starts[seed] = self._build(sub_run, n_classes, shape, seed)[1].get_weights()
        found.stepper.restart(found.starts[seed])
        return found

    def _build(
        self, sub_run: SubRun, n_classes: int, shape: tuple[int, ...], seed: int
    ) -> tuple[keras.Model, keras.Model]:
        """Return the whole network, and the part of it that learns from what was exported."""
        options = self.options.network
        if sub_run.kind == "recurrent":
            network = recurrent_network(
                shape,
                n_classes,
                kind=sub_run.network,
                sampling_rate=options.audio_rate,
                units=options.units,
                k=options.skip,
                combination=options.combination,
                seed=seed,
            )
            return network, network
        network = build_image_network(sub_run, n_classes, self.options)
        is_frozen = options.trainable_from.get(sub_run.network) is None
        return network, part_of(network, "vector" if is_frozen else "melspectrogram", "genres")


def samples_of(sub_run: SubRun, options: Options) -> int:
    """Return the samples of a sub-run's segments, at 22 050 Hz."""
    (segments,) = sub_run.segments
    return segment_samples(segments, options.data.seconds, SAMPLING_RATE)


def build_image_network(sub_run: SubRun, n_classes: int, options: Options) -> keras.Model:
    """Build the network of an image sub-run, which takes waveforms of a segment's length."""
    return image_network(
        sub_run.network,
        n_classes,
        samples_of(sub_run, options),
        weights=options.network.backbone_weights[sub_run.network],
        trainable_from=options.network.trainable_from.get(sub_run.network),
        seed=options.run.seed,
    )
