"""Every op and public function with extreme sizes and attributes: what each call ends with.

    python -m tests.extremes PART PARTS SEED CALLS

runs one part of the calls under a limit of memory and prints a line before each call, so that the last
line names a call that ended the process or hung. A call may give a result or one of `ALLOWED`; others
are printed as `FAULT`.
"""

from __future__ import annotations

import faulthandler
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as keras
from chainrule import _core
from tests import cases
from tests.harness import of_row
from tests.rows import Row

ALLOWED = (ValueError, TypeError, MemoryError, IndexError)
BYTES = 3 << 30
SECONDS = 20

INTS = (0, 1, -1, 3, 2**31, 2**32 + 1, 2**45, 2**58 + 1, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30)
FLOATS = (0.0, -1.0, 1e300, -1e300, float("inf"), float("-inf"), float("nan"), 2.0**63)
SIZES = (0, 1, 2, 2**20, 2**31, 2**45, 2**61, 2**62, 2**63 - 1)

Call = tuple[str, Callable[[], Any]]


def _pick(rng: np.random.Generator, values: tuple[Any, ...]) -> Any:
    return values[int(rng.integers(len(values)))]


def _changed(rng: np.random.Generator, value: Any) -> Any:
    """An attribute's value with an extreme in its place, or in the place of one of its elements."""
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        return _pick(rng, INTS)
    if isinstance(value, float):
        return _pick(rng, FLOATS)
    out = list(value)
    for _ in range(int(rng.integers(1, 3))):
        if out:
            out[int(rng.integers(len(out)))] = _pick(rng, INTS)
    return out


def op_calls(rng: np.random.Generator) -> Iterator[Call]:
    """Rows of the ops, eager and compiled with their gradients, one or more attributes extreme."""
    rows: list[Row] = [row for op in cases.names() for row in cases.load(op).ROWS]
    while True:
        row = rows[int(rng.integers(len(rows)))]
        run = of_row(row, "float32")
        attrs = {k: _changed(rng, v) if rng.random() < 0.6 else v for k, v in run.attrs.items()}
        shapes = [list(x.shape) for x in run.inputs]
        if rng.random() < 0.4:
            for shape in shapes:
                for axis in range(len(shape)):
                    if rng.random() < 0.4:
                        shape[axis] = _pick(rng, SIZES)
            name = f"graph {row} {attrs} {shapes}"
            dtypes = [str(x.dtype) for x in run.inputs]
            yield name, lambda: _compiled(run.op, attrs, shapes, dtypes, run.grad)
        else:
            inputs = run.inputs
            yield f"eager {row} {attrs}", lambda: _core.eager(run.op, attrs, inputs)


def _compiled(
    op: str, attrs: dict[str, Any], shapes: list[list[int]], dtypes: list[str], wrt: tuple[int, ...]
) -> None:
    """Shapes alone, then the compiled op with its gradient, which takes its memory."""
    graph = _core.Graph()
    values = [graph.input(f"x{i}", s, d) for i, (s, d) in enumerate(zip(shapes, dtypes))]
    outputs = graph.push(op, attrs, values)
    axes = list(range(len(graph.spec(outputs[0])[0])))
    if wrt and graph.spec(outputs[0])[1].startswith("float"):
        reduced = {"function": "sum", "axes": axes, "keepdims": False}
        (loss,) = graph.push("reduce", reduced, outputs[:1])
        outputs += graph.gradients(loss, [values[i] for i in wrt])
    program = graph.compile(outputs)
    feeds = [np.zeros(s, d) for s, d in zip(shapes, dtypes)]
    program.run(feeds)


def _arguments(rng: np.random.Generator, name: str, default: Any) -> Any:
    """Something extreme for a parameter of this name."""
    whole = ("shape", "size", "newshape", "reps", "pad", "strides", "kernel", "window", "filters")
    if any(part in name for part in whole) or name.endswith("_size"):
        rank = int(rng.integers(1, 4))
        return tuple(_pick(rng, INTS) for _ in range(rank)) if rng.random() < 0.7 else _pick(rng, INTS)
    if isinstance(default, float):
        return _pick(rng, FLOATS)
    return _pick(rng, INTS)


def _is_array(name: str) -> bool:
    return name in ("x", "x1", "x2", "a", "b", "y", "inputs", "arrays", "values", "images", "data")


def function_calls(rng: np.random.Generator) -> Iterator[Call]:
    """Public functions of `ops` and `random`, and layers, with extreme arguments."""
    functions: list[tuple[str, Any]] = []
    for module in (keras.ops, keras.random):
        for name in dir(module):
            function = getattr(module, name)
            if inspect.isfunction(function) and not name.startswith("_"):
                functions.append((f"{module.__name__}.{name}", function))
    for module in (keras.layers, keras.nlp):
        for name in dir(module):
            layer = getattr(module, name)
            if inspect.isclass(layer) and issubclass(layer, keras.layers.Layer):
                functions.append((f"{module.__name__}.{name}", layer))
    # Loops end when the user says, lists are as long as asked for, base classes compute nothing.
    left_out = (".while_loop", ".fori_loop", ".array_split", ".Layer", ".CausalLM", ".Seq2SeqLM")
    kept = [(name, function) for name, function in functions if not name.endswith(left_out)]
    images = rng.random((2, 6, 6, 3)).astype("float32")
    inputs = [images, images[0, 0], images[0, 0, 0], np.arange(4), np.float32(2.0)]
    while True:
        name, function = kept[int(rng.integers(len(kept)))]
        args, kwargs = [], {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                continue
            if _is_array(parameter.name):
                args.append(inputs[int(rng.integers(len(inputs)))])
            elif "str" in str(parameter.annotation):
                continue
            elif parameter.default is parameter.empty:
                kwargs[parameter.name] = _arguments(rng, parameter.name, None)
            elif rng.random() < 0.4 and not isinstance(parameter.default, (bool, str)):
                kwargs[parameter.name] = _arguments(rng, parameter.name, parameter.default)
        array = inputs[int(rng.integers(len(inputs)))]

        def call() -> None:
            made = function(*args, **kwargs)
            if isinstance(made, keras.layers.Layer):
                made(array)

        shown = ", ".join([*(str(a.shape) for a in args), *(f"{k}={v!r}" for k, v in kwargs.items())])
        yield f"{name}({shown}) on {array.shape}", call


def main(part: int, parts: int, seed: int, calls: int) -> int:
    """Runs `calls` calls of each kind; gives the number of faults."""
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    faults = 0
    rng = np.random.default_rng([seed, part, parts])
    for kind in (op_calls(rng), function_calls(rng)):
        for _ in range(calls):
            name, call = next(kind)
            print(name, flush=True)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            try:
                call()
            except ALLOWED:
                pass
            except BaseException as error:
                faults += 1
                print(f"FAULT {type(error).__name__}: {error}\n  in {name}", flush=True)
            faulthandler.cancel_dump_traceback_later()
    print(f"done, {faults} faults", flush=True)
    return faults


if __name__ == "__main__":
    sys.exit(min(main(*map(int, sys.argv[1:5])), 100))
