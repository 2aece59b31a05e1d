"""Seeds, labels, padding, splits, progress bars, names."""

from __future__ import annotations

import io
import logging
import os
import random
from contextlib import redirect_stdout

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as keras
from chainrule import config, utils
from chainrule.base.global_state import get_global_attribute
from chainrule.base.naming import auto_name, get_uid
from chainrule.base.seeds import get_random_seed
from chainrule.datasets import digits
from chainrule.utils.summary import readable_memory_size


def test_one_seed_for_all_generators():
    utils.set_random_seed(3)
    first = random.random(), np.random.rand()
    utils.set_random_seed(3)
    assert first == (random.random(), np.random.rand())
    assert get_random_seed() == 3
    assert get_global_attribute("global_seed_generator") is None


@pytest.mark.parametrize("seed", ["1", 1.5, -1, 2**32, True, None])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        utils.set_random_seed(seed)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9))
def test_to_categorical_has_one_one_a_row(labels):
    rows = utils.to_categorical(labels, 7)
    assert rows.shape == (len(labels), 7)
    assert np.array_equal(rows.argmax(-1), labels) and np.all(rows.sum(-1) == 1)
    assert np.array_equal(utils.to_categorical(np.array(labels)[:, None], 7), rows)


@pytest.mark.parametrize(("labels", "classes"), [([0, -1], 3), ([3], 3), ([], None)])
def test_labels_outside_the_classes_are_refused(labels, classes):
    with pytest.raises(ValueError, match="to_categorical"):
        utils.to_categorical(labels, classes)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalized_rows_have_norm_one(order, axis):
    x = np.random.default_rng(0).normal(size=(4, 5))
    norms = np.linalg.norm(utils.normalize(x, axis, order), order, axis)
    np.testing.assert_allclose(norms, 1)


def test_padding():
    sequences = [[1], [1, 2], [1, 2, 3]]
    assert utils.pad_sequences(sequences).tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3]]
    cut = utils.pad_sequences(sequences, maxlen=2, padding="post", truncating="post", value=9)
    assert cut.tolist() == [[1, 9], [1, 2], [1, 2]]
    vectors = utils.pad_sequences([[[1, 1]], [[2, 1], [2, 2]]])
    assert vectors.tolist() == [[[0, 0], [1, 1]], [[2, 1], [2, 2]]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1], 2],), "non-iterable"),
        (([[1]], None, "int32", "left"), "padding"),
        (([[[1, 1]], [[1, 2, 3]]],), "Shape of sample"),
    ],
)
def test_bad_sequences_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        utils.pad_sequences(*arguments)


@given(st.integers(2, 30), st.floats(0, 1), st.booleans())
def test_split_keeps_every_sample_once(total, fraction, shuffle):
    x = {"a": np.arange(total), "b": -np.arange(total)}
    left, right = utils.split_dataset(x, left_size=fraction, shuffle=shuffle, seed=1)
    assert sorted([*left["a"], *right["a"]]) == list(range(total))
    assert np.array_equal(left["a"], -left["b"])


@pytest.mark.parametrize("sizes", [{}, {"left_size": 11}, {"left_size": 6, "right_size": 5}])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ValueError):
        utils.split_dataset(np.arange(10), **sizes)


@pytest.mark.parametrize(
    ("stateful", "stateless", "shown"),
    [([], None, "1.0"), (["value"], None, "2.0"), (None, [], "2.0"), (None, ["value"], "1.0")],
)
def test_metrics_are_averaged_or_shown(stateful, stateless, shown):
    bar = utils.Progbar(3, stateful_metrics=stateful, stateless_metrics=stateless, interval=0)
    out = io.StringIO()
    with redirect_stdout(out):
        bar.update(1, [("value", 0.0)])
        bar.update(2, [("value", 2.0)])
    assert f"value: {shown}" in out.getvalue().splitlines()[-1]


def test_the_last_line_is_whole(capsys):
    bar = utils.Progbar(None)
    for step in range(3):
        bar.update(step + 1, [("{odd}", 1e-5)])
    bar.target = 3
    bar.update(3, finalize=True)
    out = capsys.readouterr().out
    assert out.startswith("3/3 ━") and out.endswith("{odd}: 1.0000e-05\n")
    assert out.count("\n") == 1


def test_a_silent_bar(capsys):
    bar = utils.Progbar(2, verbose=0)
    bar.add(1)
    bar.add(1)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="Only one"):
        utils.Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_what_goes_to_a_file_are_a_few_lines(capsys, monkeypatch):
    now = iter(range(10000))
    monkeypatch.setattr("chainrule.utils.progbar.time.monotonic", lambda: next(now))
    bar = utils.Progbar(1000, width=10)
    for step in range(1000):
        bar.update(step + 1, [("loss", 0.5)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7 and lines[-1].startswith("1000/1000 ━━━━━━━━━━ ")
    assert all(line.isprintable() and line.endswith("loss: 0.5000") for line in lines)


@pytest.mark.parametrize(("columns", "in_place"), [(80, True), (0, False)])
def test_a_terminal_is_drawn_on_in_place_where_its_width_is_known(
    columns, in_place, monkeypatch
):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

        def fileno(self):
            return 1

    monkeypatch.setattr("os.get_terminal_size", lambda fd=1: os.terminal_size((columns, 24)))
    out = Terminal()
    with redirect_stdout(out):
        bar = utils.Progbar(2, interval=0)
        bar.update(1)
        bar.update(2)
    assert ("\r" in out.getvalue()) == in_place and out.getvalue().count("\n") == 2 - in_place


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_what_a_terminal_cannot_show_is_written_in_plain_characters(encoding, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="größe_層")])
    model.compile("sgd", "mse")
    model.summary()
    lines = []
    model.summary(print_fn=lambda line: lines.append(line.encode(encoding)))
    model.fit(np.ones((4, 2)), np.ones(4), verbose=1)
    model.predict(np.ones((4, 2)), verbose=2)
    text = raw.getvalue().decode(encoding)
    assert b"\n".join(lines).decode(encoding) in text.replace("\r", "")
    assert "größe_層 (Dense)" in text if encoding == "utf-8" else "e_? (Dense)" in text
    assert ("┃ Layer" if encoding == "utf-8" else "| Layer") in text
    assert "1/1 ━━" in text or "1/1 ==" in text


def test_a_program_without_standard_output_trains(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.summary()
    assert len(model.fit(np.ones((4, 2)), np.ones(4)).history["loss"]) == 1


def test_progress_can_be_logged(capsys, caplog):
    config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, logger="chainrule"):
            bar = utils.Progbar(1)
            bar.update(1, [("loss", 1.0)])
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert "loss: 1.0000" in caplog.text


def test_names_count_up_until_the_session_is_cleared():
    utils.clear_session()
    assert [auto_name("MyLayer") for _ in range(3)] == ["my_layer", "my_layer_1", "my_layer_2"]
    assert get_uid("other") == 1
    utils.clear_session()
    assert auto_name("MyLayer") == "my_layer"


def test_memory_sizes():
    sizes = [readable_memory_size(2.0 * 1024**n) for n in range(6)]
    assert sizes == ["2.00 B", "2.00 KB", "2.00 MB", "2.00 GB", "2.00 TB", "2.00 PB"]


@pytest.mark.parametrize("value", ["float8", 32, None])
def test_unknown_default_types_are_refused(value):
    with pytest.raises(ValueError, match="floatx"):
        config.set_floatx(value)
    with pytest.raises(ValueError, match="data_format"):
        config.set_image_data_format("channels_middle")


def test_digits():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1442, 8, 8) and x_test.shape == (355, 8, 8)
    assert x_train.dtype == y_train.dtype == np.uint8
    assert x_train.max() == x_test.max() == 16
    assert np.bincount(y_train).min() > 130 and np.bincount(y_test).min() > 30
    rows = np.concatenate([x_train, x_test]).reshape(1797, 64)
    assert int(rows.sum(dtype="int64")) == 561718
    assert not {r.tobytes() for r in rows[:1442]} & {r.tobytes() for r in rows[1442:]}


@pytest.mark.parametrize(
    "parts, packed",
    [
        (("x",), "x"),
        ((["a", "b"],), (["a", "b"],)),
        (({"a": 1},), {"a": 1}),
        (("x", "y"), ("x", "y")),
        (("x", "y", "w"), ("x", "y", "w")),
    ],
)
def test_the_parts_of_a_batch_are_packed_and_unpacked(
    parts: tuple[object, ...], packed: object
) -> None:
    assert utils.pack_x_y_sample_weight(*parts) == packed
    assert utils.unpack_x_y_sample_weight(packed) == (*parts, None, None)[:3]


@pytest.mark.parametrize("data", [(), [], (1, 2, 3, 4)])
def test_a_batch_of_other_lengths_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="tuple of length"):
        utils.unpack_x_y_sample_weight(data)


def test_keras_tensors_and_their_inputs() -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    y = keras.layers.Add()([keras.layers.Dense(2)(a), b, a])
    assert utils.is_keras_tensor(y) and not utils.is_keras_tensor(np.ones(2))
    assert utils.get_source_inputs(y) == [a, b]
    assert utils.get_source_inputs(a) == [a]
    assert utils.standardize_dtype(float) == "float32"


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", [(4, 4), (3, 9), (12, 5)])
def test_smart_resize_keeps_the_proportions_as_keras(
    data_format: str, size: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).random((7, 10, 3) if data_format[9] == "l" else (3, 7, 10))
    made = keras.preprocessing.image.smart_resize(
        image.astype("float32"), size, data_format=data_format
    )
    peer = pytest.importorskip("keras", minversion="3.15").preprocessing.image
    expected = peer.smart_resize(image.astype("float32"), size, data_format=data_format)
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_mixed_precision_names_the_policies() -> None:
    names = keras.mixed_precision
    known = names.global_policy()
    try:
        names.set_global_policy("float64")
        assert names.dtype_policy() == names.Policy("float64") == keras.config.dtype_policy()
        assert keras.layers.Dense(1).compute_dtype == "float64"
    finally:
        names.set_dtype_policy(known)
