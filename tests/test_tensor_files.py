"""Halves in safetensors files are read as the same numbers in float32; damaged ones are refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _core, layers, nlp
from chainrule.errors import FileFormatError
from chainrule.saving.tensor_files import read_tensors
from tests.bert_folders import folder

# Of every kind: zeros, the largest, what is subnormal, infinite, and NaN.
BITS = np.array([0, 0x8000, 1, 0x7BFF, 0x0400, 0x3C01, 0x7C00, 0x7E00], "uint16")
RNG = np.random.default_rng(0)


def write(path: Path, arrays: dict[str, Any], metadata: dict[str, str] | None = None) -> None:
    """A file as the package safetensors writes it."""
    writer = pytest.importorskip("safetensors.numpy")
    writer.save_file(arrays, path, metadata)


def brain() -> Any:
    """NumPy's dtype bfloat16, which the package ml_dtypes adds."""
    return pytest.importorskip("ml_dtypes").bfloat16


def test_halves_are_read_as_the_same_numbers(tmp_path: Path) -> None:
    path = tmp_path / "h.safetensors"
    arrays = {
        "half": BITS.view("float16").reshape(2, 4),
        "brain": BITS.view(brain()).reshape(4, 2),
        "single": RNG.normal(size=(2, 3)).astype("float32"),
        "count": np.array(7, "int64"),
        "mask": np.array([True, False, True]),
        "none": np.zeros((0, 3), "float16"),
    }
    write(path, arrays, {"format": "pt"})
    found, metadata = read_tensors(str(path))
    assert metadata == {"format": "pt"} and found.keys() == arrays.keys()
    assert found["half"].dtype == found["brain"].dtype == found["none"].dtype == "float32"
    np.testing.assert_array_equal(found["half"], arrays["half"].astype("float32"))
    np.testing.assert_array_equal(found["brain"], arrays["brain"].astype("float32"))
    for name in ("single", "count", "mask", "none"):
        assert found[name].shape == arrays[name].shape
        np.testing.assert_array_equal(found[name], arrays[name])
    assert found["mask"].dtype == bool and found["count"].dtype == "int64"
    for array in found.values():
        array[...] = 1


def test_weights_of_halves_go_into_a_model(tmp_path: Path) -> None:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(5), layers.Dense(2)])
    model.save_weights(tmp_path / "full.safetensors")
    full = _core.load_safetensors(str(tmp_path / "full.safetensors"))[0]
    write(tmp_path / "h.safetensors", {n: a.astype("float16") for n, a in full.items()})
    write(tmp_path / "b.safetensors", {n: a.astype(brain()) for n, a in full.items()})
    before = model.get_weights()
    for name, relative in (("h", 2**-11), ("b", 2**-8)):
        model.set_weights([np.zeros_like(w) for w in before])
        model.load_weights(tmp_path / f"{name}.safetensors")
        for new, old in zip(model.get_weights(), before, strict=True):
            assert new.dtype == "float32"
            np.testing.assert_allclose(new, old, rtol=relative, atol=1e-7)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_a_folder_of_halves(tmp_path: Path, kind: str) -> None:
    tensors = folder(tmp_path)
    dtype = brain() if kind == "bfloat16" else kind
    full = nlp.Bert.from_folder(tmp_path)
    halves = {name: array.astype(dtype) for name, array in tensors.items()}
    write(tmp_path / "model.safetensors", halves)
    bert = nlp.Bert.from_folder(tmp_path)
    ids = np.array([[1, 4, 2], [3, 5, 0]])
    for new, old in zip(bert.get_weights(), full.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=2**-8, atol=1e-7)
    np.testing.assert_allclose(bert(ids), full(ids), atol=0.1)


def file_with(path: Path, change: Any) -> str:
    header: dict[str, Any] = {
        "a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
    }
    data = change(header) or bytes(12)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h["b"].update(dtype="F8_E4M3"),
        lambda h: h["b"].update(dtype=[1]),
        lambda h: h.update(b=3),
        lambda h: h["a"].update(shape=[2, -2]),
        lambda h: h["a"].update(shape=[2, True]),
        lambda h: h["a"].update(shape=[0, 10**30]),
        lambda h: h["a"].update(data_offsets=[0]),
        lambda h: h["a"].update(shape=[2, 3]),
        lambda h: h["b"].update(data_offsets=[4, 8]),
        lambda h: h.pop("b") and None,
        lambda h: bytes(11),
        lambda h: h.update(__metadata__={"a": 1}),
    ],
)
def test_damaged_halves_are_refused(tmp_path: Path, change: Any) -> None:
    assert len(read_tensors(file_with(tmp_path / "whole.safetensors", lambda h: None))[0]) == 2
    with pytest.raises(FileFormatError, match="bad.safetensors': expected safetensors, got"):
        read_tensors(file_with(tmp_path / "bad.safetensors", change))
