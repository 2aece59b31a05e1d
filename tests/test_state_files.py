"""States of trainings that are damaged or hostile: refused before anything has changed."""

from __future__ import annotations

import io
import json
import math
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import callbacks, layers
from chainrule.callbacks.backup import Backup
from chainrule.errors import FileFormatError
from chainrule.utils.state_files import read_state, write_state

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = X[:, :1]


class Ends(callbacks.Callback):
    """Remembers a word, and refuses others."""

    def __init__(self) -> None:
        self.word = "begin"

    def backup_state(self) -> dict[str, Any]:
        return {"word": self.word}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.word = state["word"]
        if self.word not in ("begin", "end"):
            raise RuntimeError(f"no such word: {self.word}")


def make() -> Any:
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), "mse", metrics=["mae"])
    return model


def others() -> list[Any]:
    return [
        callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", patience=1),
        callbacks.SwapEMAWeights(),
        Ends(),
    ]


def fit(folder: Path, epochs: int, model: Any = None, extra: Any = None, **options: Any) -> Any:
    model = model or make()
    backup = callbacks.BackupAndRestore(folder, delete_checkpoint=False, **options)
    chosen = [*(others() if extra is None else extra), backup]
    model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=chosen)
    return model


@pytest.fixture(scope="module")
def good(tmp_path_factory: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("state")
    fit(folder, 2)
    fit(folder, 3, double_checkpoint=True)
    return folder


def everything(model: Any, chosen: list[Any]) -> list[Any]:
    """All that a state can change, as plain values."""
    python, numpy = random.getstate(), np.random.get_state()
    variables = [*model.variables, *model.optimizer.variables]
    seen = [np.asarray(v).tobytes() for v in variables]
    states = [repr(callback.backup_state()) for callback in chosen]
    return [seen, states, python, [np.asarray(part).tobytes() for part in numpy]]


def edited(path: Path, change: Any) -> None:
    """Change the tree, or the arrays, of a state with its checksums made anew."""
    with np.load(path) as file:
        arrays = dict(file)
    tree = json.loads(arrays["tree"].tobytes())
    change(tree["dict"], arrays)
    arrays["tree"] = np.frombuffer(json.dumps(tree).encode(), "uint8")
    np.savez(path, **arrays)


def put(*keys: Any, value: Any) -> Any:
    def change(tree: Any, arrays: Any) -> None:
        for key in keys[:-1]:
            tree = tree[key]
            tree = tree["dict"] if isinstance(tree, dict) else tree
        tree[keys[-1]] = value

    return change


def drop(*keys: str) -> Any:
    def change(tree: Any, arrays: Any) -> None:
        for key in keys[:-1]:
            tree = tree[key]["dict"]
        tree.pop(keys[-1])

    return change


def array(part: str, number: int, new: Any) -> Any:
    def change(tree: Any, arrays: Any) -> None:
        name = tree["variables"]["dict"][part][number]["array"]
        arrays[name] = new(arrays[name])

    return change


BAD_COUNTS = ["a", math.nan, -5, 10**18, 1.5, True, None, [1], {"dict": {}}]
STOP, TRAIN = ("callbacks", "EarlyStopping/0"), ("feeds", "train")
HOSTILE = [
    *(put("epoch", value=value) for value in BAD_COUNTS),
    *(put(*STOP, "wait", value=value) for value in BAD_COUNTS),
    *(put(*TRAIN, "seen", value=value) for value in BAD_COUNTS),
    *(put(*TRAIN, "done", value=value) for value in BAD_COUNTS),
    *(put(*TRAIN, "seed", value=value) for value in ["a", math.nan, -5, 10**30, [1]]),
    *(drop(key) for key in ("epoch", "variables", "callbacks", "feeds", "random", "format")),
    *(put(key, value=[1]) for key in ("variables", "callbacks", "feeds", "random", "format")),
    put("format", value=99),
    put("format", value=True),
    put("variables", "model", 0, value=3.0),
    put("variables", "model", value=3.0),
    drop("variables", "optimizer"),
    put("callbacks", "EarlyStopping/0", value=3),
    put(*STOP, "best", value="x"),
    put(*STOP, "best_weights", value=[1.0]),
    put(*STOP, "best_weights", value=[]),
    drop(*STOP, "wait"),
    put("callbacks", "SwapEMAWeights/0", "_ema_weights_in_model", value=2),
    put("callbacks", "History/0", "epoch", value=["x"]),
    put("callbacks", "History/0", "history", value=3),
    put("callbacks", "Ends/0", "word", value="middle"),
    put("callbacks", "BackupAndRestore/0", "last_batch_seen", value=-1),
    put("random", value={"dict": {"python": [3, 1, None], "numpy": [], "chainrule": None}}),
    put("random", "chainrule", value=1),
    put("random", "python", 0, value=99),
    put("random", "python", 2, value="x"),
    put("random", "numpy", 0, value="PCG64"),
    put("random", "numpy", 2, value=10**6),
    put("random", "numpy", 2, value=-1),
    put("random", "numpy", 3, value=7),
    array("optimizer", 3, lambda a: a.astype("complex64")),
    array("optimizer", 3, lambda a: a[:1]),
    array("model", 0, lambda a: a.astype("int32")),
    array("model", 0, lambda a: a.T),
    array("model", 0, lambda a: a.astype("S1")),
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_what_is_wrong_is_refused_before_anything_changes(
    number: int, good: Path, tmp_path: Path
) -> None:
    shutil.copy(good / "latest.npz", tmp_path)
    edited(tmp_path / "latest.npz", HOSTILE[number])
    model, extra = make(), [*others(), callbacks.History()]
    model.optimizer.build(model.trainable_variables)
    for callback in extra:
        callback.set_model(model)
    before = everything(model, extra)
    with pytest.raises(FileFormatError, match=r"latest\.npz"):
        fit(tmp_path, 4, model, extra)
    assert everything(model, extra) == before
    assert model._training.initial_epoch is None
    # The state before is good.
    shutil.copy(good / "latest.npz.bkp", tmp_path)
    with pytest.warns(UserWarning, match="going on from .*bkp"):
        fit(tmp_path, 3, double_checkpoint=True)


def test_every_lost_middle_falls_back(good: Path, tmp_path: Path) -> None:
    content = (good / "latest.npz").read_bytes()
    path = tmp_path / "latest.npz"
    damages = [content[:n] for n in range(0, len(content), 499)]
    damages += [content[:n] + content[n + 100 :] for n in range(0, len(content), 499)]
    damages += [content[:n] + bytes(99) + content[n + 99 :] for n in range(0, len(content), 499)]
    training = Backup(make(), [])
    for damaged in damages:
        path.write_bytes(damaged)
        try:
            training.check(str(path), read_state(str(path)))
        except FileFormatError as error:
            assert "latest.npz" in str(error)
    assert len(damages) > 90
    for damaged in damages[:: len(damages) // 12]:
        path.write_bytes(damaged)
        shutil.copy(good / "latest.npz.bkp", tmp_path)
        with pytest.warns(UserWarning, match="going on from"):
            model = fit(tmp_path, 3, double_checkpoint=True)
        assert model.history.epoch == [0, 1, 2]


def test_a_training_that_diverged_comes_back_with_a_warning(good: Path, tmp_path: Path) -> None:
    shutil.copy(good / "latest.npz", tmp_path)
    edited(tmp_path / "latest.npz", array("model", 0, lambda a: a * np.nan))
    with pytest.warns(UserWarning, match="had diverged when it was saved"):
        model = fit(tmp_path, 4, extra=[])
    assert np.isfinite(model.history.history["loss"][:3]).all()
    assert np.isnan(model.history.history["loss"][3])


def test_what_a_callback_refuses_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    fit(tmp_path, 2)
    edited(tmp_path / "latest.npz", put("callbacks", "Ends/0", "word", value="middle"))
    extra = others()
    with pytest.raises(FileFormatError, match="no such word: middle"):
        fit(tmp_path, 3, extra=extra)
    assert extra[-1].word == "begin" and extra[0].best is None


def rewritten(path: Path, change: Any) -> None:
    """The entries of an archive as `change(name, content)` gives them."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, change(name, content))


HEADERS = [
    b"{'descr': '|u1', 'fortran_order': False, 'shape': ((20, 28, 28), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 0), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '<f8', 'fortran_order': 3}",
    b"[" * 9000,
    b"\xff" * 50,
]


@pytest.mark.parametrize("number", range(len(HEADERS)))
def test_headers_of_arrays(number: int, good: Path, tmp_path: Path) -> None:
    shutil.copy(good / "latest.npz", tmp_path)
    header = HEADERS[number] + b"\n"
    start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    rewritten(tmp_path / "latest.npz", lambda name, c: start if name == "3.npy" else c)
    with pytest.raises(FileFormatError, match="expected a whole state of a training"):
        read_state(str(tmp_path / "latest.npz"))


def test_archives_that_claim_more_than_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    np.savez_compressed(path, tree=np.frombuffer(b"{}", "uint8"), bomb=np.zeros(10**6))
    with pytest.raises(FileFormatError, match="a packed archive"):
        read_state(str(path))
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(2):
            content = io.BytesIO()
            np.save(content, np.frombuffer(b"{}", "uint8"))
            archive.writestr("tree.npy", content.getvalue())
    with pytest.raises(FileFormatError, match="two arrays 'tree'"):
        read_state(str(path))


def test_deep_states(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nests less deep"):
        write_state(str(tmp_path / "a.npz"), {"deep": deep})
    text = b'{"dict": {"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}"
    np.savez(tmp_path / "b.npz", tree=np.frombuffer(text, "uint8"))
    with pytest.raises(FileFormatError, match="nests less deep"):
        read_state(str(tmp_path / "b.npz"))
    assert [path.name for path in tmp_path.iterdir()] == ["b.npz"]
