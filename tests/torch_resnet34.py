"""Random weights of a ResNet34 under torchvision's names, for tests; written down apart from the package."""

import numpy as np


def torch_shapes(stages: tuple[int, ...] = (3, 4, 6, 3)) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of torchvision's `resnet34` (or `resnet18`: stages of two)."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7)}
    norms = {"bn1": 64}
    n_inputs = 64
    for stage, n_blocks in enumerate(stages, 1):
        n_channels = 64 * 2 ** (stage - 1)
        for block in range(n_blocks):
            name = f"layer{stage}.{block}"
            shapes[f"{name}.conv1.weight"] = (n_channels, n_inputs, 3, 3)
            shapes[f"{name}.conv2.weight"] = (n_channels, n_channels, 3, 3)
            norms |= {f"{name}.bn1": n_channels, f"{name}.bn2": n_channels}
            if block == 0 and stage > 1:
                shapes[f"{name}.downsample.0.weight"] = (n_channels, n_inputs, 1, 1)
                norms[f"{name}.downsample.1"] = n_channels
            n_inputs = n_channels
    for name, n_channels in norms.items():
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{tensor}"] = (n_channels,)
        shapes[f"{name}.num_batches_tracked"] = ()
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def random_tensors(seed: int = 0, stages: tuple[int, ...] = (3, 4, 6, 3)) -> dict[str, np.ndarray]:
    """Return tensors that keep the maps near 1 in size and leave no statistic at what a fresh network begins with."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in torch_shapes(stages).items():
        if name.endswith("num_batches_tracked"):
            tensors[name] = np.array(7, np.int64)
        elif len(shape) == 4:
            tensors[name] = generator.standard_normal(shape, np.float32) * np.sqrt(1 / np.prod(shape[1:]))
        elif name.endswith("running_var") or name.endswith(".weight") and len(shape) == 1:
            tensors[name] = generator.uniform(0.5, 1.5, shape)
        else:
            tensors[name] = 0.2 * generator.standard_normal(shape)
        if tensors[name].dtype != np.int64:
            tensors[name] = tensors[name].astype(np.float32)
    return tensors
