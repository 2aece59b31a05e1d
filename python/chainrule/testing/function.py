"""`check_function`: a user's function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.testing import common
from chainrule.testing.report import CheckReport, LeftOut, Wrong
from chainrule.testing.runs import Array, State, Subject, eagerly
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.variable import Variable

__all__ = ["check_function"]


def check_function(
    f: Callable[..., Any],
    *arrays: Any,
    variables: Iterable[Variable] = (),
    dtypes: Iterable[str] = common.DTYPES,
    threads: Iterable[int] = common.THREADS,
    tolerance: float | None = None,
    seed: int = 0,
) -> CheckReport:
    """Check a function of arrays that is written in `chainrule.ops`.

    The lines of the report: the call; the compiled call gives the bits of the eager one, on these
    arrays and on others; the same call twice gives the same bits; the inferred shapes and dtypes are
    the real ones; with one row fewer, where all arrays have as many; the gradient by each float array
    against the NumPy reference and, in float64, against finite differences; the same bits for every
    number of threads.

    Parameters
    ----------
    f : callable
        Of as many tensors as there are arrays; returns a tensor, or a structure of tensors.
    *arrays : array-like
        Where it is checked. Floats are cast to each of `dtypes`; other dtypes stay.
    variables : iterable of Variable
        Those that the function reads or assigns: gradients by the trainable ones are checked too,
        and all are left as they were.
    dtypes : iterable of str
        Default float32 and float64.
    threads : iterable of int
        Default 1, 2, 3, 8.
    tolerance : float, optional
        Of gradients, as in `Model.check_gradients`.
    seed : int
        Of the other arrays at which the function is run. Default 0.

    Returns
    -------
    CheckReport
        ``assert report.ok, str(report)`` in a test.

    Raises
    ------
    TypeError
        `f` is no function.
    ValueError
        There is no array.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> check_function(lambda x: ops.tanh(x) * x, np.linspace(-1, 1, 6)).ok
    True
    >>> report = check_function(lambda x: np.tanh(np.asarray(x)), np.linspace(-1, 1, 6))
    >>> report.wrong
    ['compiled']
    """
    if not callable(f):
        raise TypeError(f"check_function: expected a function, got {f!r}")
    if not arrays:
        raise ValueError("check_function: expected at least one array, got none")
    name = getattr(f, "__name__", type(f).__name__)
    report = CheckReport(name)
    known = list(variables)
    for dtype in dtypes:
        given = [_cast(x, dtype) for x in arrays]
        names = [f"argument {i}" for i in range(len(given))]
        subject = Subject(name, f, names, known, [v for v in known if v.trainable], owners=[])
        _check(report, subject, given, dtype, list(threads), tolerance, seed)
    return report


def _cast(x: Any, dtype: str) -> Array:
    array = np.asarray(x)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _check(
    report: CheckReport,
    subject: Subject,
    given: list[Array],
    dtype: str,
    threads: list[int],
    tolerance: float | None,
    seed: int,
) -> None:
    state = State(subject.variables)
    others = shuffled(given, np.random.default_rng(seed))
    standard = common.Standard(report, subject, state, [given, others], dtype)

    def call() -> str:
        outputs = eagerly(subject, given, state).outputs
        return ", ".join(f"{x.shape} {x.dtype}" for x in outputs)

    if report.run("call", dtype, call) and standard.calls():
        report.run("shape inference", dtype, lambda: inference(subject, given, state))
        if standard.is_one:
            report.run("one row fewer", dtype, lambda: _fewer(subject, given, state))
        standard.gradient(tolerance)
        standard.threads(threads)


def shuffled(arrays: list[Array], generator: np.random.Generator) -> list[Array]:
    """Arrays of the same numbers in another order: whatever range they must have, they keep."""
    return [generator.permutation(x.ravel()).reshape(x.shape) for x in arrays]


def inference(subject: Subject, arrays: list[Array], state: State) -> str:
    """The shapes and dtypes of symbolic tensors are those of arrays."""
    real = eagerly(subject, arrays, state)
    symbols = [KerasTensor(x.shape, standardize_dtype(x.dtype)) for x in arrays]
    with state.kept():
        specs = [x for x in tree.flatten(compute_output_spec(subject.call, *symbols)) if x is not None]
    return same_specs(specs, real.outputs)


def same_specs(specs: list[Any], outputs: list[Array]) -> str:
    """Symbolic outputs beside real ones, in words.

    Raises
    ------
    Wrong
        They do not agree; an unknown size fits any.
    """
    if len(specs) != len(outputs):
        raise Wrong(f"expected {len(outputs)} outputs as in the call, inferred {len(specs)}")
    for spec, real in zip(specs, outputs):
        inferred, dtype = tuple(spec.shape), standardize_dtype(spec.dtype)
        fits = len(inferred) == real.ndim and all(
            n is None or n == m for n, m in zip(inferred, real.shape)
        )
        if not fits:
            raise Wrong(f"inferred {inferred}, the call gives {real.shape}")
        if dtype != standardize_dtype(real.dtype):
            raise Wrong(f"inferred {dtype}, the call gives {standardize_dtype(real.dtype)}")
    return ", ".join(str(tuple(spec.shape)) for spec in specs)


def _fewer(subject: Subject, arrays: list[Array], state: State) -> str:
    sizes = {x.shape[:1] for x in arrays}
    if len(sizes) != 1 or next(iter(sizes)) in ((), (0,), (1,)):
        raise LeftOut("the arrays have no common number of rows above 1")
    less = [x[:-1] for x in arrays]
    common.same_compiled(subject, less, state)
    return inference(subject, less, state)
