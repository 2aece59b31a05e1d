"""CTC: the loss against all paths, Keras and PyTorch; decoding; networks that learn by it."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import layers, losses, ops
from chainrule.errors import DataError, GradientError, ShapeError
from tests.cases.ctc_loss import least_frames
from tests.compiled import assert_same_traced

RNG = np.random.default_rng(8)
X = RNG.normal(size=(4, 9, 5)).astype("float32")
TARGET = np.array([[1, 2, 3, 1], [2, 2, 4, -1], [3, -1, -1, -1], [-1, -1, -1, -1]])
LABELS, FRAMES = np.array([4, 3, 1, 0]), np.array([9, 7, 1, 5])


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def _log_softmax(x: np.ndarray) -> np.ndarray:
    return np.asarray(x - np.log(np.exp(x).sum(-1, keepdims=True)))


def _probabilities(x: np.ndarray, blank: int) -> dict[tuple[int, ...], float]:
    """Of every labelling that has a path, by all paths."""
    p, found = np.exp(_log_softmax(x)), {}
    for path in itertools.product(range(x.shape[1]), repeat=len(x)):
        labels = tuple(c for c, _ in itertools.groupby(path) if c != blank)
        share = math.prod(float(p[t, c]) for t, c in enumerate(path))
        found[labels] = found.get(labels, 0.0) + share
    return found


def _loss(x: np.ndarray, labels: Any, blank: int = 0) -> float:
    target = np.array([labels], "int32").reshape(1, -1)
    return float(ops.ctc_loss(target, x[None], [target.size], [len(x)], blank)[0])


def _padded(path: tuple[int, ...], frames: int) -> list[int]:
    return [*path, *[-1] * (frames - len(path))]


# The loss


@given(data=st.data())
def test_the_loss_is_that_of_all_paths(data: st.DataObject) -> None:
    frames, classes = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 4))
    blank = data.draw(st.integers(0, classes - 1))
    x = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).normal(size=(frames, classes))
    all_labellings = _probabilities(2 * x, blank)
    assert sum(all_labellings.values()) == pytest.approx(1)
    for labels, p in all_labellings.items():
        assert least_frames(list(labels)) <= frames
        assert _loss(2 * x, labels, blank) == pytest.approx(-math.log(p), abs=1e-9)


def test_each_row_is_computed_alone() -> None:
    together = ops.ctc_loss(TARGET, X, LABELS, FRAMES)
    assert together.dtype == np.float32 and together.shape == (4,)
    for row in range(4):
        labels = TARGET[row, : LABELS[row]]
        assert _loss(X[row, : FRAMES[row]], labels) == together[row]
    lasts = np.roll(X, -1, axis=2)
    moved = ops.ctc_loss(np.where(TARGET > 0, TARGET - 1, -1), lasts, LABELS, FRAMES, -1)
    np.testing.assert_allclose(moved, together, rtol=1e-6)


def _gradient(x: np.ndarray) -> np.ndarray:
    return np.asarray(
        cr.grad(lambda x: ops.sum(ops.ctc_loss(TARGET, x, LABELS, FRAMES) * [1.0, 2.0, -1.0, 0.5]))(x)
    )


def test_the_loss_and_its_gradient_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X.astype("float64"), requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        torch.log_softmax(x, -1).transpose(0, 1), torch.tensor(np.maximum(TARGET, 0)),
        torch.tensor(FRAMES), torch.tensor(LABELS), reduction="none",
    )  # fmt: skip
    (expected * torch.tensor([1.0, 2.0, -1.0, 0.5])).sum().backward()
    wide = X.astype("float64")
    got = ops.ctc_loss(TARGET, wide, LABELS, FRAMES)
    np.testing.assert_allclose(got, expected.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(_gradient(wide), x.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(_gradient(X), x.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_the_loss_is_that_of_keras(keras: Any) -> None:
    expected = keras.ops.ctc_loss(TARGET, X, LABELS, FRAMES)
    np.testing.assert_allclose(ops.ctc_loss(TARGET, X, LABELS, FRAMES), expected, rtol=1e-5)
    target = np.array([[1, 2, 1, 0], [1, 2, 0, 2]])
    x = (np.arange(24).reshape((2, 4, 3)).astype("float32") - 12) / 100
    assert float(losses.CTC()(target, x)) == pytest.approx(float(keras.losses.CTC()(target, x)))


def test_there_is_no_second_derivative() -> None:
    slope = cr.grad(lambda x: ops.sum(ops.ctc_loss(TARGET, x, LABELS, FRAMES)))
    with pytest.raises(GradientError, match="ctc_loss_grad: expected an op that has a derivative"):
        cr.grad(lambda x: ops.sum(ops.square(slope(x))))(X)


def test_symbolic_shapes_and_dtypes() -> None:
    target, lengths = cr.KerasTensor((None, 3), "int32"), cr.KerasTensor((None,), "int32")
    x = cr.KerasTensor((None, None, 4))
    assert ops.ctc_loss(target, x, lengths, lengths).shape == (None,)
    for strategy, paths in (("greedy", 1), ("beam_search", 2)):
        labels, scores = ops.ctc_decode(x, lengths, strategy, top_paths=2)
        assert labels.shape == (paths, None, None) and labels.dtype == "int32"
        assert scores.shape == (None, paths) and scores.dtype == "float32"
    for dtype, expected in (("float16", "float32"), ("float64", "float64"), ("int32", "float32")):
        loss = ops.ctc_loss([[1]], np.zeros((1, 2, 3), dtype), [1], [2])
        assert loss.dtype == expected


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"target": TARGET[0]}, ShapeError, r"target \(4, L\).*\(4,\)"),
        ({"output": X[0]}, ShapeError, r"\(batch, frames, classes\) expected, got \(9, 5\)"),
        ({"mask_index": 5}, ShapeError, "`mask_index` among 5 classes expected, got 5"),
        ({"mask_index": -6}, ShapeError, "`mask_index` among 5 classes expected, got -6"),
        ({"output_length": [9, 7, 0, 5]}, DataError, "1 frames or more for the 1 labels of row 2"),
        ({"output_length": [9, 10, 1, 5]}, DataError, "0 to 9 frames a row, got 10 in row 1"),
        ({"target_length": [4, 3, 1, -1]}, DataError, "0 to 4 labels a row, got -1 in row 3"),
        ({"target_length": [4, 4, 1, 0]}, DataError, r"labels in \[0, 5\), got -1 in row 1"),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], match: str) -> None:
    good = {"target": TARGET, "output": X, "target_length": LABELS, "output_length": FRAMES}
    with pytest.raises(error, match=match):
        ops.ctc_loss(**{**good, **change})


# Decoding

SCORES = np.array(
    [
        [[0.1, 0.4, 0.2, 0.4], [0.3, -0.3, 0.4, 0.2], [0.3, 0.2, 0.4, 0.3]],
        [[0.7, 0.4, 0.3, 0.2], [0.3, 0.3, 0.4, 0.1], [0.6, -0.1, 0.1, 0.5]],
        [[0.1, 0.4, 0.2, 0.7], [0.3, 0.3, -0.2, 0.7], [0.3, 0.2, 0.4, 0.1]],
    ]
)


def test_greedy() -> None:
    (labels,), scores = ops.ctc_decode(SCORES, [3, 3, 1])
    assert labels.tolist() == [[1, 2, -1], [2, -1, -1], [3, -1, -1]]
    np.testing.assert_allclose(scores, [[-1.2], [-1.7], [-0.7]])
    (labels,), _ = ops.ctc_decode(SCORES, [3, 3, 1], merge_repeated=False)
    assert labels.tolist() == [[1, 2, 2], [2, -1, -1], [3, -1, -1]]
    assert ops.ctc_decode(SCORES[:, :0], [0, 0, 0])[0].shape == (1, 3, 0)


@given(data=st.data())
def test_greedy_is_the_likeliest_class_of_each_frame(data: st.DataObject) -> None:
    frames, classes = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 4))
    merge, blank = data.draw(st.booleans()), data.draw(st.integers(0, classes - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x, lengths = rng.normal(size=(3, frames, classes)), rng.integers(0, frames + 1, 3)
    mask = blank if data.draw(st.booleans()) else blank - classes
    (labels,), scores = ops.ctc_decode(x, lengths, merge_repeated=merge, mask_index=mask)
    for row in range(3):
        best = x[row, : lengths[row]].argmax(-1).tolist()
        best = [c for c, _ in itertools.groupby(best)] if merge else best
        assert labels[row].tolist() == _padded(tuple(c for c in best if c != blank), frames)
    used = np.arange(frames) < lengths[:, None]
    np.testing.assert_allclose(scores[:, 0], -(x.max(-1) * used).sum(1))


@given(data=st.data())
def test_a_beam_that_holds_all_finds_the_likeliest(data: st.DataObject) -> None:
    frames, classes = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 4))
    blank, top = data.draw(st.integers(0, classes - 1)), data.draw(st.integers(1, 9))
    x = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).normal(size=(frames, classes))
    labels, scores = ops.ctc_decode(
        x[None], [frames], "beam_search", beam_width=10**15, top_paths=top, mask_index=blank
    )
    ranked = sorted(_probabilities(x, blank).items(), key=lambda item: -item[1])[:top]
    for place, (path, p) in enumerate(ranked):
        assert labels[place, 0].tolist() == _padded(path, frames)
        assert scores[0, place] == pytest.approx(math.log(p), abs=1e-9)
    assert (labels[len(ranked) :] == -1).all() and np.isneginf(scores[0, len(ranked) :]).all()


def test_beams_are_those_of_keras(keras: Any) -> None:
    x = (2 * np.random.default_rng(3).normal(size=(4, 8, 5))).astype("float32")
    kind = {"strategy": "beam_search", "beam_width": 3, "top_paths": 2, "mask_index": 2}
    expected = keras.ops.ctc_decode(x, [8, 7, 4, 1], **kind)
    labels, scores = ops.ctc_decode(x, [8, 7, 4, 1], **kind)
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_allclose(scores, expected[1], rtol=1e-4, atol=1e-4)
    kind = {"strategy": "beam_search", "beam_width": 4, "top_paths": 2}
    expected = keras.ops.ctc_decode(SCORES.astype("float32"), [3, 3, 1], **kind)
    labels, scores = ops.ctc_decode(SCORES.astype("float32"), [3, 3, 1], **kind)
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_allclose(scores, expected[1], rtol=1e-5)


@pytest.mark.parametrize("strategy", ["greedy", "beam_search"])
def test_decoding_compiles(strategy: str) -> None:
    assert_same_traced(lambda x: ops.ctc_decode(x, FRAMES, strategy, beam_width=5, top_paths=3), X)


def test_bad_decoding() -> None:
    with pytest.raises(ValueError, match="Invalid strategy best"):
        ops.ctc_decode(X, FRAMES, "best")
    for name in ("beam_width", "top_paths"):
        with pytest.raises(ValueError, match=f"{name} of 1 or more, got 0"):
            ops.ctc_decode(X, FRAMES, "beam_search", **{name: 0})
    with pytest.raises(MemoryError, match="ctc_beam_search: expected"):
        ops.ctc_decode(np.zeros((1, 60, 30)), [60], "beam_search", beam_width=10**12)
    with pytest.raises(DataError, match="0 to 9 frames a row, got 10 in row 0"):
        ops.ctc_decode(X, FRAMES + 1, "beam_search")


# Networks


def _words(rows: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of signals, each of which lasts some frames, and the labels in their order."""
    rng = np.random.default_rng(4)
    x, y = 0.3 * rng.normal(size=(rows, 24, 4)).astype("float32"), np.zeros((rows, 4), "int32")
    for row in range(rows):
        at = 0
        for place in range(rng.integers(1, 5)):
            label, length = int(rng.integers(1, 4)), int(rng.integers(2, 5))
            x[row, at + 1 : at + 1 + length, label] += 2
            y[row, place], at = label, at + 1 + length
    return x, y


def _network(rnn: bool = True) -> Any:
    cr.utils.set_random_seed(2)
    way = layers.LSTM(8, return_sequences=True)
    return cr.Sequential(
        [
            cr.Input((24, 4)), layers.Conv1D(8, 3, padding="same", activation="relu"),
            *([layers.Bidirectional(way)] if rnn else []), layers.Dense(4, name="classes"),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("loss", ["ctc", losses.CTC(), losses.ctc])
def test_gradients_of_a_network_are_right(loss: Any) -> None:
    x, y = _words(6)
    model = _network()
    model.compile("sgd", loss)
    report = model.check_gradients(x, y)
    assert report.ok, report


def test_a_network_learns_to_read(tmp_path: Path) -> None:
    x, y = _words()
    model = _network()
    model.compile(cr.optimizers.Adam(0.01), "ctc")
    history = model.fit(x, y, batch_size=16, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]
    for strategy in ("greedy", "beam_search"):
        logits = model.predict(x, verbose=0)
        (labels,), _ = ops.ctc_decode(logits, [24] * len(x), strategy, beam_width=8)
        read = np.where(labels[:, :4] > 0, labels[:, :4], 0)
        assert (read == y).all(1).mean() > 0.9
    model.save_weights(tmp_path / "read.weights.safetensors")
    assert model.evaluate(x, y, verbose=0) < 0.1 * history[0]


def test_targets_too_long_change_no_weight() -> None:
    x, y = _words(32)
    model = _network(rnn=False)
    model.compile("adam", "ctc")
    model.fit(x, y, verbose=0)
    before = model.get_weights()
    long = np.tile(y[:, :1], (1, 20))
    with pytest.raises(DataError, match="39 frames or more for the 20 labels of row 0"):
        model.fit(x, long, verbose=0)
    with pytest.raises(DataError, match=r"labels in \[0, 4\)"):
        model.fit(x, y + 3, verbose=0)
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    model.fit(x, y, verbose=0)


def test_the_loss_is_saved_and_found_by_name() -> None:
    assert losses.get("ctc") is losses.ctc and isinstance(losses.get("CTC"), losses.CTC)
    again = losses.deserialize(losses.serialize(losses.CTC(reduction="sum", name="mine")))
    assert isinstance(again, losses.CTC)
    assert again.get_config() == {"name": "mine", "reduction": "sum"}
    with pytest.raises(ShapeError, match="y_true.shape=\\(3,\\)"):
        losses.ctc([1, 2, 3], X)
    with pytest.raises(ShapeError, match="y_pred.shape=\\(9, 5\\)"):
        losses.ctc([[1, 2, 3]], X[0])


# Under a mask of frames


def _masked_network() -> Any:
    x = cr.Input((None, 5))
    y = layers.GRU(6, return_sequences=True)(layers.Masking(0.0)(x))
    return cr.Model(x, layers.Dense(5)(y))


@pytest.mark.parametrize("loss", ["ctc", losses.CTC(), losses.ctc])
def test_frames_that_the_mask_leaves_out_do_not_count(loss: Any) -> None:
    cr.utils.set_random_seed(0)
    model = _masked_network()
    model.compile("sgd", loss)
    target = np.where(TARGET > 0, TARGET, 0)
    x = np.where(np.arange(9)[:, None] < FRAMES[:, None, None], X, 0)
    x[3] = 0
    got = model.evaluate(x, target, batch_size=2, verbose=0)
    frames = np.array([9, 7, 1, 0])
    logits = model.predict(x, verbose=0)
    expected = ops.ctc_loss(target, logits, LABELS, frames)
    assert got == pytest.approx(float(expected.mean()), rel=1e-5)
    # What stands in the padding of the logits does not matter, nor how much of it there is.
    weights = np.array([1.0, 2.0, 0.5, 3.0])
    longer = np.pad(x, [(0, 0), (0, 4), (0, 0)])
    for data in (x, longer):
        got = model.evaluate(data, target, sample_weight=weights, verbose=0)
        assert got == pytest.approx(float((weights * expected).mean()), rel=1e-5)
    assert model.check_gradients(x, target).ok
    model.fit(x, target, verbose=0)


def test_a_mask_may_leave_out_any_frames() -> None:
    mask = RNG.random((4, 9)) < 0.7
    mask[0] = True
    target = np.array([[1, 2, 2], [3, 0, 0], [4, 1, 0], [0, 0, 0]])
    got = losses.ctc(target, X, mask)
    for row, labels, x, kept in zip(got, target, X, mask, strict=True):
        assert row == pytest.approx(_loss(x[kept], labels[labels > 0]), rel=1e-5)
    gradient = cr.grad(lambda x: ops.sum(losses.ctc(target, x, mask)))(X)
    assert not gradient[~mask].any() and gradient[mask].any(axis=-1).all()
    with pytest.raises(ShapeError, match=r"mask \(batch, frames\), got \(9,\)"):
        losses.ctc(target, X, mask[0])
    with pytest.raises(DataError, match="4 frames or more for the 3 labels of row 0"):
        losses.ctc(target, X, np.arange(9) < np.array([[3], [9], [9], [9]]))


def test_functions_with_a_mask_get_it_and_others_are_weighed() -> None:
    seen = []

    def counted(y_true: Any, y_pred: Any, mask: Any = None) -> Any:
        seen.append(mask)
        return ops.sum(ops.cast(mask, "float32"), axis=-1) if mask is not None else y_true[:, 0]

    y_pred = np.zeros((2, 3, 1), "float32")
    target = np.ones((2, 3), "float32")
    assert losses.LossFunctionWrapper(counted)(target, y_pred) == 1 and seen.pop() is None
    cr.backend.set_keras_mask(y_pred, np.array([[True, True, False], [True, False, False]]))
    assert losses.LossFunctionWrapper(counted)(target, y_pred) == 1.5
    assert seen.pop().tolist() == [[True, True, False], [True, False, False]]
    chosen = losses.LossFunctionWrapper(counted, mask=np.ones((2, 3), "bool"))
    assert seen == [] and chosen.call(target, y_pred).tolist() == [3, 3]
