"""Exported graphs in ONNX Runtime, for the tests of `chainrule.exporting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from chainrule.base import tree
from chainrule.exporting import DEFAULT_OPSET
from chainrule.exporting.onnx._file import model_of
from chainrule.exporting.signature import InputOf
from chainrule.exporting.traced import Traced
from chainrule.tracing.trace import Trace

Array = np.ndarray


def session_of(model: bytes) -> onnxruntime.InferenceSession:
    """A checked model, ready to run on one thread."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_op(op: str, attrs: dict[str, Any], arrays: Sequence[Array]) -> list[Array]:
    """What an op of the core gives for these arrays, by a file of it."""
    inputs = [InputOf(f"x{i}", x.shape, x.dtype.name) for i, x in enumerate(arrays)]
    trace = Trace()
    tensors = [trace.input(x.name, x.shape, x.dtype) for x in inputs]
    numbers = trace.graph.push(op, attrs, [int(x.value) for x in tensors])
    outputs = [trace.tensor(number) for number in numbers]
    traced = Traced(trace.graph, list(zip(inputs, tensors)), outputs, [], [])
    names = [f"y{i}" for i in range(len(outputs))]
    session = session_of(model_of(traced, "op", names, DEFAULT_OPSET).SerializeToString())
    return session.run(names, {x.name: a for x, a in zip(inputs, arrays)})


def feeds(session: onnxruntime.InferenceSession, arrays: Sequence[Array]) -> dict[str, Array]:
    """The arrays under the names of the inputs, in their order."""
    return {x.name: a for x, a in zip(session.get_inputs(), arrays)}


def exported(model: Any, folder: Path, **options: Any) -> onnxruntime.InferenceSession:
    """A model's file, ready to run."""
    path = folder / "model.onnx"
    model.export(path, verbose=False, **options)
    return session_of(path.read_bytes())


def assert_close(found: Any, expected: Any, tolerance: float = 1e-5, what: str = "") -> None:
    """Of the largest finite element expected, at least of 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{what}: {found.shape}, not {expected.shape}"
    assert found.dtype == expected.dtype, f"{what}: {found.dtype}, not {expected.dtype}"
    finite = np.abs(expected[np.isfinite(expected)].astype(float))
    most = tolerance * max(1.0, float(finite.max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=most, err_msg=what)


def assert_same_answers(
    session: onnxruntime.InferenceSession, model: Any, x: Any, tolerance: float = 1e-5
) -> Mapping[str, Array]:
    """The session answers as the model predicts; gives its answers by name."""
    names = [y.name for y in session.get_outputs()]
    found = session.run(names, feeds(session, tree.flatten(x)))
    expected = tree.flatten(model.predict_on_batch(x))
    for name, got, wanted in zip(names, found, expected):
        assert_close(got, wanted, tolerance, name)
    return dict(zip(names, found))
