"""How weight files are damaged: HDF5 by its objects, zip archives by their members, JSON by its values.

Some damages make what must not be taken, whatever it holds: code, tensors of other files, numbers that are none.
"""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

from tests.campaign.damage import BYTES, Generator, damaged, other_json, pick
from tests.campaign.weight_bases import WeightFile, datasets

SECRET = b"root:x:0:0:this is another file:" * 40
# What a bomb unpacks to: more than a trial may take.
_BOMB = 3 << 30


def damage_weights(file: WeightFile, other: WeightFile, folder: Path, generator: Generator) -> tuple[Path, str, bool]:
    """Write a damaged copy; return it, what was done, and whether it must be refused. `other` is another whole file."""
    content = file.path.read_bytes()
    path = folder / file.path.name
    if generator.random() < 0.35:
        content, note = damaged(content, generator, BYTES)
        path.write_bytes(content)
        return path, note, False
    if file.form == "safetensors":
        length = struct.unpack("<Q", content[:8])[0]
        head, note = other_json(content[8 : 8 + length], generator)
        path.write_bytes(struct.pack("<Q", len(head)) + head + content[8 + length :])
        return path, note, False
    if file.form == "hdf5":
        path.write_bytes(content)
        note, must = damage_hdf5(path, other, generator)
        return path, note, must
    note, must = _damage_zip(file, other, path, generator)
    return path, note, must


def damage_hdf5(path: Path, other: WeightFile, generator: Generator) -> tuple[str, bool]:
    """Change an object of an HDF5 file in its place."""
    if generator.random() < 0.1:
        with open(path, "ab") as stream:
            stream.write(_archive({"config.json": b"{}", "model.weights.h5": b"", "metadata.json": b"{}"}))
        return "a zip archive behind it", False
    with h5py.File(path, "r+") as file:
        name = pick(generator, datasets(file))
        dataset = file[name]
        values = dataset[()]
        attribute = "model_config" in file.attrs and generator.random() < 0.3
        if attribute:
            return _damage_config(file, generator)
        what = pick(generator, _OBJECTS)
        if what == "attribute":
            return _damage_attribute(file, generator), False
        del file[name]
        must = what in (
            "NaN",
            "infinite",
            "external bytes",
            "external link",
            "virtual",
            "huge",
            "huge and full",
            "text",
        )
        _put(file, name, values, what, path, generator)
    if what == "damaged chunk":
        _damage_chunk(path, generator)
    return f"{name}: {what}", must


_OBJECTS = (
    "missing", "NaN", "infinite", "external bytes", "external link", "virtual", "huge", "huge and full", "text",
    "other shape", "whole numbers", "64 bits", "16 bits", "complex", "group", "no length", "damaged chunk", "loop",
    "attribute", "attribute",
)  # fmt: skip


def _put(file: h5py.File, name: str, values: np.ndarray, what: str, path: Path, generator: Generator) -> None:
    beside = path.with_name("beside.h5")
    if what in ("NaN", "infinite"):
        changed = np.array(values, np.float32).reshape(-1)
        changed[int(generator.integers(len(changed)))] = np.nan if what == "NaN" else np.inf
        file[name] = changed.reshape(values.shape)
    elif what == "external bytes":
        secret = path.with_name("secret.txt")
        secret.write_bytes(SECRET)
        file.create_dataset(name, values.shape, np.float32, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])
    elif what in ("external link", "virtual"):
        with h5py.File(beside, "w") as second:
            second["tensor"] = np.full(values.shape, 7, np.float32)
        if what == "external link":
            file[name] = h5py.ExternalLink(str(beside), "tensor")
        else:
            layout = h5py.VirtualLayout(values.shape, np.float32)
            layout[...] = h5py.VirtualSource(str(beside), "tensor", values.shape)
            file.create_virtual_dataset(name, layout)
    elif what in ("huge", "huge and full"):
        # Nothing is stored of it; the reader would have to make it up.
        shape = (2**31, *values.shape[1:]) if what == "huge" else (_BOMB // 4,)
        file.create_dataset(name, shape, np.float32, chunks=True, compression="gzip", fillvalue=0.5)
    elif what == "other shape":
        file[name] = np.zeros([*values.shape, 2][-max(1, values.ndim) :], np.float32)
    elif what == "damaged chunk":
        file.create_dataset(name, data=values, chunks=values.shape, compression="gzip")
    elif what == "group":
        file.create_group(name)
    elif what == "loop":
        file[name] = h5py.SoftLink(f"/{name}")
    elif what == "no length":
        file[name] = np.float32(1)
    elif what == "text":
        file[name] = np.full(values.shape, b"x", "S1")
    elif what != "missing":
        kinds = {"whole numbers": np.int32, "64 bits": np.float64, "16 bits": np.float16, "complex": np.complex64}
        file[name] = values.astype(kinds[what])


def _damage_chunk(path: Path, generator: Generator) -> None:
    """Change bytes of the one dataset that is compressed."""
    with h5py.File(path, "r") as file:
        (name,) = [name for name in datasets(file) if file[name].compression]
        chunk = file[name].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    for _ in range(3):
        content[chunk.byte_offset + int(generator.integers(chunk.size))] ^= 1 << int(generator.integers(8))
    path.write_bytes(bytes(content))


def _damage_config(file: h5py.File, generator: Generator) -> tuple[str, bool]:
    config = file.attrs["model_config"]
    text = config if isinstance(config, str) else config.decode()
    changed, note, must = _other_config(text, generator)
    # Attributes end at 64 kB.
    file.attrs["model_config"] = np.void(changed[:60_000]) if b"\0" in changed else changed[:60_000]
    return f"model_config: {note}", must


def _other_config(text: str, generator: Generator) -> tuple[bytes, str, bool]:
    """Change a network's configuration; some changes ask for code or for memory."""
    what = generator.random()
    if what < 0.5:
        return *other_json(text.encode(), generator), False
    if what < 0.6:
        return b"[" * 30_000 + b"]" * 30_000, "very deep", True
    config = json.loads(text)
    layers = config["config"]["layers"] if isinstance(config["config"], dict) else config["config"]
    layer = pick(generator, layers)
    if what < 0.7:
        units = pick(generator, (2**31, 2**40, -1, 0))
        layer["config"]["units"] = units
        return json.dumps(config).encode(), f"units of {layer['class_name']}: {units}", False
    if what < 0.85:
        layer |= {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
        layer["config"] = {"name": "code", "function": {"class_name": "__lambda__", "config": {"code": "4wAAAA=="}}}
        return json.dumps(config).encode(), "a Lambda", True
    layer |= {"module": pick(generator, ("os", "subprocess", "builtins", "keras.utils")), "registered_name": None}
    layer |= {
        "class_name": pick(generator, ("system", "Popen", "exec", "get_file")),
        "config": {"args": ["touch", "ran"]},
    }
    return json.dumps(config).encode(), f"{layer['class_name']} of {layer['module']}", True


def _damage_attribute(file: h5py.File, generator: Generator) -> str:
    holders: list[tuple[str, str]] = [("/", name) for name in file.attrs]
    file.visititems(lambda name, item: holders.extend((name, key) for key in item.attrs))
    name, key = pick(generator, holders)
    value = pick(generator, (None, b"\xff\xfe", 7, np.array([b"nothing"]), np.float32(np.nan), "x" * 1000))
    del file[name].attrs[key]
    if value is not None:
        file[name].attrs[key] = value
    return f"attribute {key} of {name} is {str(value)[:20]!r}"


def _damage_zip(file: WeightFile, other: WeightFile, path: Path, generator: Generator) -> tuple[str, bool]:
    with zipfile.ZipFile(file.path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, what = pick(generator, sorted(members)), generator.random()
    if file.form == "keras" and what < 0.4:
        inner = path.with_name("inner.h5")
        if what < 0.2:
            inner.write_bytes(members["model.weights.h5"])
            note, must = damage_hdf5(inner, other, generator)
            members["model.weights.h5"] = inner.read_bytes()
            inner.unlink()
        else:
            members["config.json"], note, must = _other_config(members["config.json"].decode(), generator)
        path.write_bytes(_archive(members))
        return note, must
    if what < 0.55:
        del members[name]
        path.write_bytes(_archive(members))
        return f"{name} is missing", file.form == "keras" and name != "metadata.json"
    if what < 0.65:
        path.write_bytes(_archive(members | {f"../{name}": b"outside", "/tmp/outside": b"outside"}))
        return "members that lead outside", False
    if what < 0.8:
        path.write_bytes(_bomb(members, name))
        return f"{name} unpacks to {_BOMB >> 30} GB", name != "metadata.json"
    if what < 0.9:
        members[name], note = damaged(members[name], generator, BYTES)
        path.write_bytes(_archive(members))
        return f"{name}: {note} (whole archive)", False
    path.write_bytes(other.path.read_bytes())
    return f"holds {other.path.name}", False


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _bomb(members: dict[str, bytes], name: str) -> bytes:
    """An archive whose member `name` unpacks to zeros without end, from a few MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # Behind a full flush each MB is packed as the one before.
    packer.compress(bytes(1 << 20))
    packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = block * (_BOMB >> 20) + packer.flush()
    content = _archive({other: kept for other, kept in members.items() if other != name})
    end = content.rfind(b"PK\x05\x06")
    count, size, start = struct.unpack("<HLL", content[end + 10 : end + 20])
    directory = content[start : start + size]
    sizes = (0, len(packed), _BOMB & 0xFFFFFFFF)
    encoded = name.encode()
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, *sizes, len(encoded), 0) + encoded
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, *sizes, len(encoded), 0, 0, 0, 0, 0, start)
    directory += entry + encoded
    place = start + len(local) + len(packed)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count + 1, count + 1, len(directory), place, 0)
    return content[:start] + local + packed + directory + tail
