"""Reads the PyTorch weights of a ResNet from a safetensors file, every tensor checked; PyTorch is not needed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from mgc_keras.errors import WeightsError
from mgc_keras.networks.tensors import check_is_file, check_same_names

_TORCH_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# How files begin that PyTorch pickled: in a zip archive, and before version 1.6.
_PICKLED = (b"PK\x03\x04", b"\x80\x02\x8a")
_CURE = "take the safetensors file of torchvision's or timm's resnet34"


def read_torch_resnet(path: str | Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Read the tensors of a ResNet whose layers have torchvision's names.

    The classifier (``fc.weight``, ``fc.bias``) and the counters ``num_batches_tracked`` are left alone.

    Parameters
    ----------
    path : str or Path
        A safetensors file of torchvision's or timm's names: ``conv1.weight``, ``layer1.0.bn1.running_var``, …
    shapes : mapping of str to tuple of int
        What the network needs, in its order: ``{"conv1/kernel": (7, 7, 3, 64), "bn1/gamma": (64,), …}``.

    Returns
    -------
    dict
        The tensors under the names in `shapes`, float32: kernels as (rows, columns, in, out), which PyTorch stores as
        (out, in, rows, columns).

    Raises
    ------
    WeightsError
        There is no such file, it is pickled or damaged, or a tensor is missing, one too many, of another shape, not of
        floating-point numbers of at least 16 bits as NumPy has them, or not finite.

    Example
    -------
    >>> read_torch_resnet("resnet34.safetensors", {"bn1/gamma": (64,)})["bn1/gamma"].shape     # doctest: +SKIP
    (64,)
    """
    path = Path(path)
    check_is_file(path, "give a .safetensors file")
    _refuse_pickles(path)
    try:
        with safe_open(path, framework="numpy") as file:
            found = [name for name in file.keys() if not name.startswith("fc.")]
            found = [name for name in found if not name.endswith(".num_batches_tracked")]
            check_same_names(found, [_torch_name(name) for name in shapes], path, _CURE)
            return {name: _read(file, _torch_name(name), shape, path) for name, shape in shapes.items()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"is no whole safetensors file: {error}", path=path, cure="take another copy") from error


def _refuse_pickles(path: Path) -> None:
    with open(path, "rb") as stream:
        start = stream.read(4)
    if path.suffix in (".pt", ".pth") or start.startswith(_PICKLED):
        problem = "is a pickled PyTorch file, and pickles are not opened, since they can run code"
        cure = "convert it where PyTorch is: from safetensors.torch import save_file; save_file(torch.load("
        cure += f"{path.name!r}, weights_only=True), {path.stem + '.safetensors'!r})"
        raise WeightsError(problem, path=path, cure=cure)


def _torch_name(name: str) -> str:
    layer, weight = name.rsplit("/", 1)
    return f"{layer}.{_TORCH_NAMES[weight]}"


def _read(file: safe_open, name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """Return one tensor in Keras's order of axes."""
    stored = file.get_slice(name)
    wanted = (shape[3], shape[2], shape[0], shape[1]) if len(shape) == 4 else tuple(shape)
    if tuple(stored.get_shape()) != wanted:
        problem = f"has shape {tuple(stored.get_shape())}, the network needs {wanted}"
        raise WeightsError(problem, path=path, field=name, cure=_CURE)
    if stored.get_dtype() not in ("F16", "F32", "F64"):
        problem = f"holds numbers of type {stored.get_dtype()}"
        raise WeightsError(problem, path=path, field=name, cure="save it in float32 (F32)")
    tensor = file.get_tensor(name).astype(np.float32)
    if not np.isfinite(tensor).all():
        raise WeightsError("holds NaN or infinite numbers", path=path, field=name, cure="take another copy")
    return np.ascontiguousarray(tensor.transpose(2, 3, 1, 0)) if len(shape) == 4 else tensor
