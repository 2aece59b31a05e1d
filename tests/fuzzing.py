"""Whole files of every kind that is read, what is done to them, and how they are read.

`python -m tests.fuzzing KIND START STOP STEP` reads the damaged files of these numbers and says of
the first that did harm which it was; a file's damage follows from its number alone.
"""

from __future__ import annotations

import faulthandler
import gzip
import io
import json
import os
import struct
import sys
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import layers, ops
from chainrule.callbacks.backup import Backup
from chainrule.datasets.cifar import read_archive
from chainrule.datasets.fashion_mnist import read_idx
from chainrule.datasets.npz import read_splits
from chainrule.saving.tensor_files import read_tensors
from chainrule.utils import FeatureSpace
from chainrule.utils.archives import extract_archive
from chainrule.utils.state_files import read_state, write_state
from chainrule.utils.wav import read_wav

SECONDS = 20  # of one file, on a machine with much else to do
MEMORY = 3 << 30  # of address space beyond what the imports take
REFUSALS = (ValueError, MemoryError)  # FileFormatError is a ValueError

Rng = np.random.Generator


# Models, each with what a configuration can hold.


def dense() -> Any:
    model = cr.Sequential(
        [
            cr.Input((4,)),
            layers.Dense(5, activation="tanh", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, kernel_constraint="max_norm"),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def images() -> Any:
    x = cr.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, padding="same")(layers.ZeroPadding2D(1)(x))
    y = layers.Resizing(6, 6)(layers.UpSampling2D(2)(y))
    y = layers.GlobalAveragePooling2D()(layers.RandomFlip(seed=3)(y))
    return cr.Model(x, layers.RepeatVector(3)(y))


def calls() -> Any:
    x = cr.Input((6,))
    y = ops.reshape(layers.Dense(6)(x), (-1, 2, 3))
    y = ops.repeat(ops.pad(y, [[0, 0], [1, 1], [0, 0]]), 2, axis=1)
    y = ops.one_hot(ops.argmax(y[:, 1:], axis=-1), 4) + ops.tile(y[:, :7, :1], [1, 1, 4])
    return cr.Model(x, ops.transpose(ops.split(y, 7, axis=1)[0], [0, 2, 1]))


def texts() -> Any:
    words, towns = ["good film", "bad film"], ["Ulm", "Bonn"]
    bag = layers.TextVectorization(output_mode="tf_idf", ngrams=2)
    bag.adapt(words)
    text, town = cr.Input((1,), dtype="string"), cr.Input((1,), dtype="string")
    number, size = cr.Input((1,), dtype="int64"), cr.Input((1,))
    lookup = layers.StringLookup(vocabulary=towns, mask_token="", num_oov_indices=2)
    ranges = layers.Discretization(num_bins=3, output_mode="one_hot")
    ranges.adapt(np.arange(9.0))
    parts = [
        bag(text),
        layers.CategoryEncoding(lookup.vocabulary_size(), output_mode="one_hot")(lookup(town)),
        layers.HashedCrossing(4, output_mode="one_hot")([town, number]),
        layers.Hashing(4, salt=3, output_mode="one_hot")(number),
        layers.IntegerLookup(vocabulary=[3, 5], output_mode="count")(number),
        ranges(size),
    ]
    model = cr.Model([text, town, number, size], layers.Concatenate()(parts))
    model.predict([np.array(words), np.array(towns), np.ones(2, int), np.ones(2)], verbose=0)
    return model


MODELS = {"dense": dense, "images": images, "calls": calls, "texts": texts}


def file_of(write: Callable[[str], Any], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        write(path)
        return Path(path).read_bytes()


# Damage to bytes.


def damaged_bytes(content: bytes, rng: Rng) -> bytes:
    size = len(content)
    at, length = int(rng.integers(size)), int(rng.integers(1, max(2, size // 3)))
    way = rng.integers(6)
    if way == 0:
        return content[:at]
    if way == 1:
        return content[:at] + content[at + length :]
    if way == 2:
        return content[:at] + bytes(min(length, size - at)) + content[at + length :]
    if way == 3:
        return content[:at] + rng.bytes(int(rng.integers(1, 40))) + content[at:]
    if way == 4:
        return content[:at] + content[at : at + length] * 2 + content[at + length :]
    flipped = bytearray(content)
    for place in rng.integers(size, size=rng.integers(1, 9)):
        flipped[place] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


# Damage to trees of JSON.

NAMES = ["Dense", "Sequential", "Functional", "Lambda", "InputLayer", "OpCall", "Full", "BroadcastTo"]
NAMES += ["Adam", "Conv2D", "RepeatVector", "system", "eval", "__lambda__", "__numpy__", "__tuple__"]
NAMES += ["Embedding", "Repeat", "Tile", "Resize", "Linspace", "keras.layers", "os", "function"]
NUMBERS = [-1, 0, 1, 2**15, 10**6, 10**9, 2**31, 2**40, 2**58 + 1, 2**62, 2**63, 10**18, 10**30]


def deep(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found] if depth % 2 else {"class_name": "Dense", "config": found}
    return found


def replacement(rng: Rng) -> Any:
    choices: list[Callable[[], Any]] = [
        lambda: NUMBERS[rng.integers(len(NUMBERS))],
        lambda: -NUMBERS[rng.integers(len(NUMBERS))],
        lambda: [NUMBERS[rng.integers(len(NUMBERS))] for _ in range(rng.integers(4))],
        lambda: NAMES[rng.integers(len(NAMES))],
        lambda: [float("nan"), float("inf"), 1e308, 0.5][rng.integers(4)],
        lambda: [None, True, False, "", [], {}, [[]]][rng.integers(7)],
        lambda: deep(int(rng.choice([5, 60, 301]))),
    ]
    return choices[rng.integers(len(choices))]()


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container of a tree with each of its keys."""
    found, pending = [], [tree]
    while pending:
        x = pending.pop()
        keys = list(x) if isinstance(x, dict) else range(len(x))
        found += [(x, key) for key in keys]
        pending += [x[key] for key in keys if isinstance(x[key], (dict, list))]
    return found


def damaged_tree(tree: Any, rng: Rng) -> Any:
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        found = places(tree)
        if not found:
            break
        numbers = [(x, key) for x, key in found if type(x[key]) in (int, float)]
        among = numbers if numbers and rng.random() < 0.4 else found
        container, key = among[rng.integers(len(among))]
        way = rng.integers(8)
        if way == 0:
            container.pop(key)
        elif way == 1:  # swapped class names among them
            other, there = found[rng.integers(len(found))]
            container[key] = json.loads(json.dumps(other[there]))
        elif way == 2 and isinstance(container, list):
            container.append(container[key])
        else:
            container[key] = replacement(rng)
    return tree


def as_json(tree: Any, rng: Rng) -> str:
    text = json.dumps(tree)
    way = rng.integers(20)
    if way == 0:  # a key that comes twice
        return text.replace('"config": {', '"config": {"name": 3, "units": -1, ', 1)
    if way == 1:
        return text.replace("[", "[" * 200_000, 1)
    return text


def damaged_safetensors(content: bytes, rng: Rng) -> bytes:
    if rng.random() < 0.3:
        return damaged_bytes(content, rng)
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    document = header.get("__metadata__", {}).get("chainrule")
    if document is not None and rng.random() < 0.8:
        header["__metadata__"]["chainrule"] = as_json(damaged_tree(json.loads(document), rng), rng)
    else:
        header = damaged_tree(header, rng)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def damaged_npz(content: bytes, rng: Rng) -> bytes:
    """Bytes; or trees and headers of arrays, with checksums that are right again."""
    if rng.random() < 0.4:
        return damaged_bytes(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = list(entries)[rng.integers(len(entries))]
    if "tree.npy" in entries and rng.random() < 0.7:
        tree = json.loads(np.load(io.BytesIO(entries["tree.npy"])).tobytes())
        made = io.BytesIO()
        np.save(made, np.frombuffer(as_json(damaged_tree(tree, rng), rng).encode(), "uint8"))
        entries["tree.npy"] = made.getvalue()
    elif rng.random() < 0.2:
        entries.pop(name)
    else:
        entry = entries[name]
        head = entry.index(b"\n") + 1
        changed = damaged_bytes(entry[:head], rng)
        if rng.random() < 0.5:
            shape = str(tuple(replacement(rng) for _ in range(rng.integers(4)))).encode()
            start = entry[10:head].split(b"'shape'")[0] + b"'shape': " + shape + b", }\n"
            changed = entry[:8] + struct.pack("<H", len(start) % 65536) + start
        entries[name] = changed + entry[head:]
    made = io.BytesIO()
    way = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
    with zipfile.ZipFile(made, "w", way) as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    return made.getvalue()


def damaged_gzip(content: bytes, rng: Rng) -> bytes:
    if rng.random() < 0.5:
        return damaged_bytes(content, rng)
    return gzip.compress(damaged_bytes(gzip.decompress(content), rng), 1)


# Each kind: a whole file, what damages it, and what reads it and looks at what it must not change.


class Kind:
    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        self.content, self.damage, self.read, self.ending = getattr(self, f"_{name}")()

        path = folder / f"whole{self.ending}"
        path.write_bytes(self.content)
        self.read(path)
        path.unlink()

    def trial(self, rng: Rng) -> bool:
        """Whether a damaged file is read."""
        path = self.folder / f"damaged{self.ending}"
        path.write_bytes(self.damage(self.content, rng))
        try:
            self.read(path)
        except REFUSALS as error:
            assert str(error) or isinstance(error, MemoryError), type(error)
            return False
        return True

    def _model(self, make: Callable[[], Any] = dense) -> Any:
        model = make()
        if model.compiled:
            model.fit(np.ones((4, 4), "float32"), np.ones((4, 3), "float32"), verbose=0)
        content = file_of(model.save, "m.chainrule")
        return content, damaged_safetensors, cr.saving.load_model, ".chainrule"

    def _images(self) -> Any:
        return self._model(images)

    def _calls(self) -> Any:
        return self._model(calls)

    def _texts(self) -> Any:
        return self._model(texts)

    def _space(self) -> Any:
        space = FeatureSpace({"a": "string_categorical", "b": "float_normalized"}, crosses=[])
        space.adapt({"a": ["x", "y"], "b": [1.0, 2.0]})
        content = file_of(space.save, "s.chainrule")
        return content, damaged_safetensors, cr.saving.load_model, ".chainrule"

    def _wav(self) -> Any:
        form = struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
        body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"LIST\3\0\0\0abc\0"
        body += b"data" + struct.pack("<I", 40) + bytes(40)
        content = b"RIFF" + struct.pack("<I", len(body)) + body
        return content, damaged_bytes, read_wav, ".wav"

    def _weights(self) -> Any:
        model = dense()

        def read(path: Path) -> None:
            before = [w.tobytes() for w in model.get_weights()]
            try:
                model.load_weights(path)
            except REFUSALS:
                assert [w.tobytes() for w in model.get_weights()] == before
                raise

        content = file_of(model.save_weights, "w.safetensors")
        return content, damaged_safetensors, read, ".safetensors"

    def _halves(self) -> Any:
        rng = np.random.default_rng(0)
        head: dict[str, Any] = {"__metadata__": {"format": "np"}}
        data = b""
        for name, dtype in {"a": "BF16", "b": "F16", "c": "F32"}.items():
            part = rng.bytes(12 * (4 if dtype == "F32" else 2))
            offsets = [len(data), len(data) + len(part)]
            head[name] = {"dtype": dtype, "shape": [3, 4], "data_offsets": offsets}
            data += part
        text = json.dumps(head).encode()
        content = struct.pack("<Q", len(text)) + text + data
        return content, damaged_safetensors, lambda path: read_tensors(str(path)), ".safetensors"

    def _state(self) -> Any:
        model = dense()
        model.fit(np.ones((4, 4), "float32"), np.ones((4, 3), "float32"), verbose=0)
        stop = cr.callbacks.EarlyStopping("loss", restore_best_weights=True)
        stop.set_model(model)
        training = Backup(model, [stop, cr.callbacks.History(), cr.callbacks.SwapEMAWeights()])
        content = file_of(lambda path: write_state(path, training.gather(3)), "s.npz")

        def all_of_it() -> list[Any]:
            state = training.gather(0)
            values = [a.tobytes() for part in state["variables"].values() for a in part]
            return [values, repr(state["callbacks"]), repr(state["random"])]

        def read(path: Path) -> None:
            before = all_of_it()
            try:
                training.restore(str(path), training.check(str(path), read_state(str(path))))
            except REFUSALS:
                assert all_of_it() == before
                raise

        return content, damaged_npz, read, ".npz"

    def _json(self) -> Any:
        configs = [json.loads(make().to_json()) for make in MODELS.values()]

        def damage(content: bytes, rng: Rng) -> bytes:
            if rng.random() < 0.2:
                return damaged_bytes(content, rng)
            return as_json(damaged_tree(configs[rng.integers(len(configs))], rng), rng).encode()

        def read(path: Path) -> None:
            text = path.read_bytes().decode("latin-1")
            cr.models.model_from_json(text, memory_limit=1 << 28)

        return json.dumps(configs[0]).encode(), damage, read, ".json"

    def _dataset(self) -> Any:
        x, y = np.zeros((5, 28, 28), "uint8"), np.arange(5, dtype="uint8")
        arrays = {"x_train": x, "y_train": y, "x_test": x[:2], "y_test": y[:2]}
        content = file_of(lambda path: np.savez_compressed(path, **arrays), "d.npz")
        return content, damaged_npz, lambda path: read_splits(path, (28, 28), 10), ".npz"

    def _idx(self) -> Any:
        content = gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 9) + bytes(9))
        return content, damaged_gzip, lambda path: read_idx(path, ()), ".gz"

    def _cifar(self) -> Any:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name in ("a.bin", "b.bin"):
                info = tarfile.TarInfo(f"cifar/{name}")
                info.size = 2 * 3073
                archive.addfile(info, io.BytesIO(bytes(info.size)))
        read = lambda path: read_archive(path, [["a.bin"], ["b.bin"]], [10])  # noqa: E731
        return made.getvalue(), damaged_gzip, read, ".tar.gz"

    def _archive(self, packed: str = "tar") -> Any:
        target = self.folder / "unpacked" / "target"
        target.mkdir(parents=True)
        (target / "old").write_text("old")
        made = io.BytesIO()
        if packed == "zip":
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in ("a/b.txt", "a/c/d.txt", "e.txt"):
                    archive.writestr(name, name * 50)
        else:
            with tarfile.open(fileobj=made, mode="w:gz") as tar:
                for name in ("a/b.txt", "a/c/d.txt", "e.txt" * 30):
                    info = tarfile.TarInfo(name)
                    info.size = 300
                    tar.addfile(info, io.BytesIO(b"x" * 300))
                link = tarfile.TarInfo("a/link")
                link.type, link.linkname = tarfile.SYMTYPE, "b.txt"
                tar.addfile(link)

        def read(path: Path) -> None:
            before = sorted(os.listdir(target))
            try:
                extract_archive(path, target)
            except REFUSALS:
                assert sorted(os.listdir(target)) == before
                raise
            finally:
                assert os.listdir(target.parent) == ["target"]

        return made.getvalue(), damaged_bytes if packed == "zip" else damaged_gzip, read, ".bin"

    def _zip(self) -> Any:
        return self._archive("zip")

    def _picture(self) -> Any:
        from PIL import Image

        made = io.BytesIO()
        Image.fromarray(np.arange(192, dtype="uint8").reshape(8, 8, 3)).save(made, "png")
        return made.getvalue(), damaged_bytes, cr.utils.load_img, ".png"


KINDS = ["model", "images", "calls", "weights", "halves", "state", "json", "dataset", "idx", "cifar"]
KINDS += ["archive", "zip", "picture", "texts", "space", "wav"]


def main(kind: str, start: int, stop: int, step: int) -> None:
    """Read files `start`, `start + step`, ...; after each its number, and at the end how many loaded."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        work = Kind(kind, Path(folder))
        if sys.platform.startswith("linux"):
            import resource

            taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        loaded = 0
        for number in range(start, stop, step):
            print(number, flush=True)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            loaded += work.trial(np.random.default_rng([KINDS.index(kind), number]))
        faulthandler.cancel_dump_traceback_later()
        print("loaded", loaded, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
