"""The ImageNet weights that `keras.applications` ships, fetched into Keras' own folder and checked.

Keras' download raises a plain ``Exception``, from which nothing can be told apart; the file and the check are the same.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from mgc_keras.errors import WeightsError

_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class ImagenetFile:
    """A file of `keras.applications`, without the classifier.

    Parameters
    ----------
    path : str
        Below the address of all of them.
    md5 : str
        By which Keras knows it.
    """

    path: str
    md5: str

    @property
    def address(self) -> str:
        """Where it is fetched from."""
        return _ADDRESS + self.path


IMAGENET_FILES = {
    "vgg16": ImagenetFile(
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"
    ),
    "inceptionv3": ImagenetFile(
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63"
    ),
    "resnet50": ImagenetFile(
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "4d473c1dd8becc155b73f8504c6f6626"
    ),
}


def fetch_imagenet_weights(name: str) -> Path:
    """Return the file of a network; download it where Keras' folder (``$KERAS_HOME/models``) has no whole copy.

    Parameters
    ----------
    name : {"vgg16", "resnet50", "inceptionv3"}

    Raises
    ------
    WeightsError
        No connection, or something else came.
    """
    file = IMAGENET_FILES[name]
    target = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / Path(file.path).name
    try:
        found = pooch.retrieve(
            file.address, known_hash=f"md5:{file.md5}", fname=target.name, path=target.parent, progressbar=True
        )
    except (OSError, ValueError) as error:
        cause = _cause(error, target.parent)
        raise WeightsError(
            f"the ImageNet weights of {name} could not be fetched: {cause}",
            field="weights",
            cure=f"give {target.name} as a file, or 'none' for a random start",
        ) from error
    return Path(found)


def _cause(error: OSError | ValueError, folder: Path) -> str:
    if isinstance(error, ValueError):
        # pooch has found another hash.
        return "what came is not this file"
    # Errors of the network are OSErrors without a number; pooch rewords a missing permission.
    of_disk = isinstance(error, PermissionError) or error.errno is not None
    return f"{folder} cannot be written" if of_disk else "no connection"
