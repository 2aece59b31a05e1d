"""A training that was stopped and resumed ends with the bits of one that was not."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import chainrule as keras
from chainrule import callbacks
from chainrule.errors import FileFormatError
from chainrule.utils.state_files import read_state, write_state
from tests.resumable import EPOCHS, StopError, data, make, result, train

KINDS = (
    "arrays",
    "arrays, some steps an epoch",
    "dataset",
    "dataset, some steps an epoch",
    "dataset of processes",
    "iterable",
    "iterable, some steps an epoch",
)


@cache
def undisturbed(kind):
    return result(*train(kind))


def assert_same_bits(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape, name
        assert found[name].tobytes() == value.tobytes(), name


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("save_freq", "stop"),
    [
        ("epoch", (2, 0)),
        ("epoch", (1, 1)),
        ("epoch", (1, -1)),
        (2, (0, 3)),
        (3, (2, 4)),
        (5, (1, -1)),
        (1, (3, 1)),
        (1, (1, -1)),
    ],
)
def test_the_bits_of_a_run_that_was_never_stopped(kind, save_freq, stop, tmp_path):
    folder = tmp_path / "backup"
    with pytest.raises(StopError):
        train(kind, folder, save_freq, stop)
    assert [path.name for path in folder.iterdir()] == ["latest.npz"]
    # Another seed: nothing may come from the new process.
    again = train(kind, folder, save_freq, seed=2)
    assert_same_bits(result(*again), undisturbed(kind))
    assert not folder.exists()


def test_a_run_that_is_stopped_again_and_again(tmp_path):
    for seed, stop in enumerate(((0, 2), (0, 5), (1, -1), (2, 0), (3, 6)), start=1):
        with pytest.raises(StopError):
            train("arrays", tmp_path / "backup", 2, stop, seed)
    again = train("arrays", tmp_path / "backup", 2, seed=9)
    assert_same_bits(result(*again), undisturbed("arrays"))


def several_steps_an_event():
    model = make()
    model.compile(
        keras.optimizers.Adam(0.02, use_ema=True),
        "binary_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=3,
    )
    return model


def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = make()
    finally:
        keras.config.set_dtype_policy("float32")
    inner = keras.optimizers.Adam(0.02, use_ema=True, weight_decay=1e-3, global_clipnorm=1.0)
    optimizer = keras.optimizers.LossScaleOptimizer(inner)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy", "auc"])
    return model


def global_random_numbers():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Flatten(),
            keras.layers.Lambda(lambda x: x + 0.1 * keras.random.normal(x.shape)),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
@pytest.mark.parametrize("made", [several_steps_an_event, half_precision, global_random_numbers])
def test_other_models(made, kind, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.resumable.make", made)
    expected = result(*train(kind))
    with pytest.raises(StopError):
        train(kind, tmp_path / "backup", 2, (1, 3))
    assert_same_bits(result(*train(kind, tmp_path / "backup", 2, seed=2)), expected)


@pytest.mark.parametrize("stop", [(1, 5), (2, -1)])
@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_new_processes(kind, stop, tmp_path):
    def run(name, *at):
        command = [sys.executable, "-m", "tests.resumable", kind, tmp_path / "backup"]
        return subprocess.run(
            [str(part) for part in (*command, tmp_path / name, *at)], capture_output=True, text=True
        )

    stopped = run("none.npz", *stop)
    assert stopped.returncode == 1 and "StopError" in stopped.stderr
    again = run("again.npz")
    assert again.returncode == 0, again.stderr
    with np.load(tmp_path / "again.npz") as found:
        assert_same_bits(dict(found), undisturbed(kind))


def test_a_stop_leaves_nothing_in_the_model(tmp_path):
    with pytest.raises(StopError):
        train("arrays", tmp_path / "backup", stop=(2, 0))
    model, history = train("arrays", tmp_path / "backup")
    assert history.epoch == list(range(EPOCHS))
    assert model._training.initial_epoch is None and not model._training.feeds


def test_other_data_begin_the_epoch_anew(tmp_path):
    with pytest.raises(StopError):
        train("arrays", tmp_path / "backup", 3, (1, 5))
    x, y = data()
    keras.utils.set_random_seed(1)
    model = make()
    with pytest.warns(UserWarning, match="other data: expected {'rows': 52, 'size': 4"):
        history = model.fit(
            x,
            y,
            batch_size=4,
            epochs=EPOCHS,
            verbose=0,
            callbacks=[callbacks.BackupAndRestore(tmp_path / "backup")],
        )
    assert history.epoch == list(range(EPOCHS))


def test_a_flipped_bit_is_found_where_it_matters(tmp_path):
    path = tmp_path / "state.npz"
    values = np.random.default_rng(0).standard_normal(500)
    write_state(str(path), {"values": values, "epoch": 3})
    content = path.read_bytes()
    found = 0
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            state = read_state(str(path))
        except FileFormatError as error:
            assert "state.npz': expected a whole state of a training" in str(error)
            found += 1
        else:  # a date, say
            assert state["values"].tobytes() == values.tobytes() and state["epoch"] == 3
    assert found > 4000 // 7


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip", b"\x93NUMPY\x01\x00"])
def test_a_damaged_backup_gives_an_error_that_names_it(content, tmp_path):
    (tmp_path / "latest.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match="latest.npz"):
        train("arrays", tmp_path)


def test_truncated_backups(tmp_path):
    with pytest.raises(StopError):
        train("arrays", tmp_path, stop=(2, 0))
    path = tmp_path / "latest.npz"
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with pytest.raises(FileFormatError, match="latest.npz"):
            read_state(str(path))


def test_the_old_file_gets_the_other_name(tmp_path):
    path = str(tmp_path / "state.npz")
    write_state(path, {"n": 1}, f"{path}.bkp")
    write_state(path, {"n": 2}, f"{path}.bkp")
    assert (read_state(path), read_state(f"{path}.bkp")) == ({"n": 2}, {"n": 1})


def test_a_state_keeps_its_types(tmp_path):
    path = str(tmp_path / "state.npz")
    state = {
        "none": None,
        "words": ["a", "\u00e9"],
        "numbers": [1, 0.1, float("inf"), True],
        "dict": {"array": np.arange(3, dtype="uint8"), "scalar": np.float64(0.1)},
    }
    write_state(path, state)
    found = read_state(path)
    assert found["none"] is None and found["words"] == state["words"]
    assert found["numbers"] == state["numbers"] and found["numbers"][3] is True
    assert found["dict"]["array"].dtype == np.uint8 and found["dict"]["scalar"] == 0.1
    with pytest.raises(TypeError, match=r"state\['x'\]\[1\]: expected .*, got set"):
        write_state(path, {"x": [1, {2}]})
    assert read_state(path)["words"] == state["words"]
