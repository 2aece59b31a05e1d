"""GradientTape: derivatives of what ran inside a `with`, as TensorFlow's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.tracing.arrays import constant, storage_dtype
from chainrule.tracing.casting import to_tensor
from chainrule.tracing.jacobians import Kind, nothing, pulled
from chainrule.tracing.operators import call_op
from chainrule.tracing.record import Derivative, Record, sum_of
from chainrule.tracing.recorder import Call, Recorded, Recorder, as_recorded, observed, recorders
from chainrule.tracing.scopes import scopes_around
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace, current_trace

__all__ = ["GradientTape"]

_UNCONNECTED = ("none", "zero")


class GradientTape(Recorder):
    """Records the ops that run inside `with GradientTape() as tape:`, and differentiates them.

    dL/ds = sum over the targets of d(target * weight)/ds, by reverse accumulation (Linnainmaa 1970), as
    TensorFlow's `tf.GradientTape`. Variables that are trainable are watched when they are read, and
    differentiated as they were read, whatever is assigned to them afterwards; nothing flows through an
    assignment. Other tensors are watched by `watch`.

    Inside a compiled step (`train_step`, `keras.function`) the tape adds to the step's graph and costs
    nothing. Elsewhere ops run at once, and `gradient` compiles the recorded ops, forward and backward, to
    one program, which is kept for records of the same ops and shapes: it computes the forward pass again,
    and no intermediate value is kept for it. While a tape records, ops give arrays that know where they
    come from: their operators, methods and NumPy functions are ops, which are recorded, or are refused
    where there is no such op. Arrays that were there before are not such: `x = tape.watch(x)` gives one
    that is. Nobody may change arrays in place until `gradient` has been called.

    Parameters
    ----------
    persistent : bool
        Whether `gradient` can be called more than once. Default False.
    watch_accessed_variables : bool
        Whether trainable variables are watched when they are read. Default True.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import Variable
    >>> w = Variable([1.0, 2.0])
    >>> with GradientTape() as tape:
    ...     loss = (w * w).sum()
    >>> tape.gradient(loss, w).tolist()
    [2.0, 4.0]
    >>> with GradientTape() as outer:
    ...     x = outer.watch(np.array(3.0))
    ...     with GradientTape() as inner:
    ...         x = inner.watch(x)
    ...         y = x**3
    ...     slope = inner.gradient(y, x)
    >>> slope.item(), outer.gradient(slope, x).item()
    (27.0, 18.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = bool(persistent)
        self._watch_accessed_variables = bool(watch_accessed_variables)
        self._is_used = False
        self._is_entered = False
        self._forget()

    def _forget(self) -> None:
        self._trace: Trace | None = None
        self._record = Record()
        # The values that a variable has had when it was read.
        self._reads: dict[int, tuple[Stored, list[Any]]] = {}
        self._watched: dict[int, Stored] = {}
        # Of a trace: what depends on something watched, and what ran while nothing was recorded.
        self._known: set[int] = set()
        self._unrecorded: set[int] = set()

    def __enter__(self) -> GradientTape:
        if self._is_entered:
            raise ValueError("Tape is still recording. It is entered already.")
        if not self._reads and not self._record.count and not self._known:
            self._trace = current_trace()
        self._is_entered = self.is_recording = True
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._is_entered = self.is_recording = False

    def watch(self, tensor: Any) -> Any:
        """Let derivatives be taken by a tensor, or a structure of them.

        Parameters
        ----------
        tensor : tensor, Variable or structure
            Of floats, of any shape.

        Returns
        -------
        tensor or structure
            The same, to compute with. An array that was made before the tape is known to ops as it is;
            NumPy's arithmetic (`x * x`) is recorded for what is returned.

        Raises
        ------
        DTypeError
            A tensor that is not float.

        Examples
        --------
        >>> import numpy as np
        >>> with GradientTape() as tape:
        ...     x = tape.watch(np.array([2.0, 3.0]))
        ...     y = x * x
        >>> tape.gradient(y, x).tolist()
        [4.0, 6.0]
        """
        return tree.map_structure(self._watch, tensor)

    def _watch(self, x: Any) -> Any:
        given, x = x, x if isinstance(x, Stored) else constant(x)
        if not is_float_dtype(x.dtype):
            raise DTypeError(
                f"GradientTape.watch: expected a float tensor, got dtype {standardize_dtype(x.dtype)}"
            )
        if isinstance(x, Stored):
            self._watched[id(x)] = x
            return x
        if isinstance(x, KerasTensor):
            if self._trace is None or x.trace is not self._trace:
                raise TypeError(f"GradientTape.watch: {x!r} is not of the trace of the tape")
            self._known.add(x.value)
            return x
        if self._trace is not None:
            x = self._trace.separate(x)
            self._known.add(x.value)
            return x
        known = (t._record.recorded_of(given) for t in recorders() if isinstance(t, GradientTape))
        recorded = next((r for r in known if r is not None), None)
        if recorded is None:
            recorded = as_recorded(x)
        self._record.leaf(recorded, given)
        return recorded

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Inside, nothing is recorded.

        Raises
        ------
        ValueError
            When the tape is not recording.

        Examples
        --------
        >>> import numpy as np
        >>> with GradientTape(persistent=True) as tape:
        ...     x = tape.watch(np.array(3.0))
        ...     y = x * x
        ...     with tape.stop_recording():
        ...         print(tape.gradient(y, x))
        6.0
        """
        if not self.is_recording:
            raise ValueError("Tape is not recording: it cannot stop.")
        self.is_recording = False
        before = 0 if self._trace is None else len(self._trace.graph)
        try:
            yield
        finally:
            self.is_recording = self._is_entered and not self._is_spent()
            if self._trace is not None:
                self._unrecorded.update(range(before, len(self._trace.graph)))

    def reset(self) -> None:
        """Forget all that was recorded, as if the tape were opened here.

        Examples
        --------
        >>> import numpy as np
        >>> with GradientTape() as tape:
        ...     x = tape.watch(np.array(3.0))
        ...     tape.reset()
        ...     x = tape.watch(np.array(5.0))
        ...     y = x * x
        >>> tape.gradient(y, x).item()
        10.0
        """
        trace = self._trace
        self._forget()
        self._is_used = False
        self._trace = trace
        if trace is not None:
            self._unrecorded.update(range(len(trace.graph)))

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables that were read or given to `watch`, in that order.

        Returns
        -------
        tuple of Variable
            Those by which `gradient` can differentiate.

        Examples
        --------
        >>> from chainrule import Variable
        >>> w = Variable(2.0, name="w")
        >>> with GradientTape() as tape:
        ...     y = w * 3.0
        >>> [v.name for v in tape.watched_variables()]
        ['w']
        """
        found = {**self._watched, **{k: variable for k, (variable, _) in self._reads.items()}}
        return tuple(found.values())

    def read(self, variable: Stored) -> Any:
        """The variable's value, a leaf of the record where it is watched."""
        value = None
        for scope in scopes_around(self):
            value = scope.read(variable)
            if value is not None or scope.is_last:
                break
        if not self.is_recording or not self._is_watched(variable):
            return value
        if self._trace is not None:
            return value if value is None else self._read_traced(variable, value)
        if value is None and variable.cell is not None:
            stored = storage_dtype(variable.stored_dtype)
            value = np.asarray(variable.cell.read(), stored)
        return value if value is None else self._read_array(variable, value)

    def _is_watched(self, variable: Stored) -> bool:
        if not is_float_dtype(variable.stored_dtype):
            return False
        accessed = self._watch_accessed_variables and getattr(variable, "trainable", False)
        return accessed or id(variable) in self._watched

    def _read_array(self, variable: Stored, value: Any) -> Any:
        _, leaves = self._reads.setdefault(id(variable), (variable, []))
        if not isinstance(value, Recorded):
            if leaves and np.array_equal(np.asarray(leaves[-1]), value):
                return leaves[-1]
            value = as_recorded(value)
        if all(value is not leaf for leaf in leaves):
            self._record.leaf(value)
            leaves.append(value)
        return value

    def _read_traced(self, variable: Stored, value: KerasTensor) -> KerasTensor:
        _, leaves = self._reads.setdefault(id(variable), (variable, []))
        for raw, known in leaves:
            if value.value in (raw, known.value):
                found: KerasTensor = known
                return found
        trace = self._trace
        assert trace is not None
        leaf = value
        known_there = trace.variables.get(id(variable))
        if known_there is None:  # a StatelessScope gave it
            leaf = trace.separate(value)
        elif (
            # What the trace has cut, or a tape around, depends on nothing already.
            not trace.cuts_assignments
            and known_there[1].value == value.value
            and any(assigned is variable for assigned in trace.updated)
        ):
            number = trace.graph.push("stop_gradient", {}, [value.value])[0]
            leaf = trace.separate(trace.tensor(number, value.dtype))
        leaves.append((value.value, leaf))
        self._known.add(leaf.value)
        return leaf

    def follows(self, x: Any) -> bool:
        if isinstance(x, KerasTensor):
            return x.trace is self._trace and x.value in self._known
        return self._trace is None and self._record.number_of(x) is not None

    def record(self, call: Call | None, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        if self._trace is None:
            assert call is not None, "what runs on arrays can run again"
            self._record.add(call, inputs, outputs)
            return
        numbers = {x.value for x in outputs if isinstance(x, KerasTensor)}
        self._unrecorded -= numbers
        if any(self.follows(x) for x in inputs):
            self._known |= numbers

    def _is_spent(self) -> bool:
        return self._is_used and not self._persistent

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The derivatives of the sum of the targets by each source.

        Inside the `with` of a tape that is not persistent, it also ends the recording.

        Parameters
        ----------
        target : tensor, Variable or structure
            Of floats, of any shapes.
        sources : tensor, Variable or structure
            Variables that were read, tensors that were watched, or what was computed from such.
        output_gradients : tensor or structure, optional
            A weight for each element of the targets. Default: ones.
        unconnected_gradients : str
            What stands for the derivative by a source that no target depends on: "none" for None, or
            "zero" for zeros. Default "none".

        Returns
        -------
        structure like `sources`
            Tensors of the shapes and dtypes of the sources, or None.

        Raises
        ------
        RuntimeError
            A second call, unless the tape is persistent.
        ValueError
            A target that comes from NumPy arithmetic or a Python number: no op made it. An unknown
            `unconnected_gradients`; another number of output gradients than of targets.
        ShapeError
            An output gradient of another shape than its target.
        DTypeError
            A target that is not float.

        Examples
        --------
        >>> from chainrule import Variable
        >>> a, b = Variable(2.0), Variable(5.0)
        >>> with GradientTape() as tape:
        ...     y = a * b
        >>> {k: float(g) for k, g in tape.gradient(y, {"a": a, "b": b}).items()}
        {'a': 5.0, 'b': 2.0}
        """
        return self._derive(target, sources, output_gradients, unconnected_gradients)

    def jacobian(
        self, target: Any, sources: Any, unconnected_gradients: str = "none"
    ) -> Any:
        """The derivative of each element of a target by each element of each source.

        One backward pass for each element of the target, in a loop of one compiled program.

        Parameters
        ----------
        target : tensor
            Of floats.
        sources : tensor, Variable or structure
            As for `gradient`.
        unconnected_gradients : str
            As for `gradient`. Default "none".

        Returns
        -------
        structure like `sources`
            Tensors of the shape of the target followed by that of the source, or None.

        Raises
        ------
        RuntimeError, ValueError, DTypeError
            As for `gradient`.

        Examples
        --------
        >>> import numpy as np
        >>> with GradientTape() as tape:
        ...     x = tape.watch(np.array([1.0, 2.0]))
        ...     y = x * x
        >>> tape.jacobian(y, x).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
        """
        return self._derive(target, sources, None, unconnected_gradients, "rows")

    def batch_jacobian(
        self, target: Any, source: Any, unconnected_gradients: str = "none"
    ) -> Any:
        """The derivatives of each sample of a target by the same sample of a source.

        One backward pass for each element of a sample; right where samples do not depend on each other.

        Parameters
        ----------
        target : tensor (n, ...)
            Of floats.
        source : tensor (n, ...)
            As for `gradient`.
        unconnected_gradients : str
            As for `gradient`. Default "none".

        Returns
        -------
        tensor or None
            (n, the other axes of the target, the other axes of the source).

        Raises
        ------
        ShapeError
            Another number of samples in the source than in the target.
        RuntimeError, ValueError, DTypeError
            As for `gradient`.

        Examples
        --------
        >>> import numpy as np
        >>> with GradientTape() as tape:
        ...     x = tape.watch(np.array([[1.0, 2.0], [3.0, 4.0]]))
        ...     y = x * x
        >>> tape.batch_jacobian(y, x).tolist()
        [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
        """
        shapes = tuple(target.shape), tuple(source.shape)
        if not all(shapes) or shapes[0][0] != shapes[1][0]:
            raise ShapeError(
                "batch_jacobian: expected a target and a source of one batch, got shapes "
                f"{shapes[0]} and {shapes[1]}"
            )
        return self._derive(target, source, None, unconnected_gradients, "samples")

    def _derive(
        self, target: Any, sources: Any, weights: Any, unconnected: str, kind: Kind = "sum"
    ) -> Any:
        if unconnected not in _UNCONNECTED:
            raise ValueError(
                f"unconnected_gradients: expected one of {_UNCONNECTED}, got {unconnected!r}"
            )
        self._use()
        targets = tree.flatten(target)
        given = [None] * len(targets) if weights is None else tree.flatten(weights)
        if len(given) != len(targets):
            raise ValueError(
                f"output_gradients: expected {len(targets)}, one for each target, got {len(given)}"
            )
        if kind != "sum" and len(targets) != 1:
            raise ValueError(f"jacobian: expected one target, got {len(targets)}")
        known = [(self._target(x), weight) for x, weight in zip(targets, given)]
        known = [(x, weight) for x, weight in known if x is not None]
        seeds = [_seed(x, weight) for x, weight in known] if kind == "sum" else []
        flat = tree.flatten(sources)
        groups = [self._source(x) for x in flat]
        found = self._pull([x for x, _ in known], seeds, groups, kind)
        if unconnected == "zero":
            lead = () if kind == "sum" else tuple(targets[0].shape)
            found = [_zeros(lead, x) if g is None else g for x, g in zip(flat, found)]
        return tree.pack_sequence_as(sources, found)

    def _use(self) -> None:
        if self._is_spent():
            raise RuntimeError(
                "GradientTape: a tape that is not persistent gives derivatives once; make it "
                "`GradientTape(persistent=True)` to ask again"
            )
        if current_trace() is not self._trace:
            where = "outside of" if self._trace is None else "inside"
            raise TypeError(f"GradientTape: the tape was opened {where} the trace that is asked in")
        self._is_used = True
        if not self._persistent:
            self.is_recording = False

    def _target(self, x: Any) -> Any:
        """A target as a value that the tape knows; None where it depends on nothing watched."""
        if isinstance(x, Stored):
            _, leaves = self._reads.get(id(x), (x, []))
            last = leaves[-1] if leaves else None
            return last[1] if isinstance(last, tuple) else last
        is_made = isinstance(x, (Recorded, KerasTensor)) or self.follows(x)
        if not is_made and self._trace is None:
            raise ValueError(
                f"GradientTape: no op that the tape has seen made the target {x!r}. It comes from "
                "NumPy arithmetic on arrays that were made before the tape, or from Python numbers: "
                "compute it by functions of `chainrule.ops`, or from what `tape.watch(x)` returns"
            )
        x = constant(x)
        if not is_float_dtype(x.dtype):
            dtype = standardize_dtype(x.dtype)
            raise DTypeError(f"GradientTape: expected targets of floats, got dtype {dtype}")
        return x if self.follows(x) else None

    def _source(self, x: Any) -> list[Any]:
        """The values of the tape that stand for a source."""
        if isinstance(x, Stored):
            _, leaves = self._reads.get(id(x), (x, []))
            return [leaf[1] if isinstance(leaf, tuple) else leaf for leaf in leaves]
        return [x] if self.follows(x) else []

    def _pull(
        self, values: list[Any], seeds: list[Any], groups: list[list[Any]], kind: Kind
    ) -> list[Any]:
        if not values:
            return [None] * len(groups)
        if self._trace is None:
            number = self._record.number_of
            targets: list[Any] = [number(x) for x in values]
            sources: list[Any] = [[number(x) for x in group] for group in groups]
            return Derivative(self._record, targets, sources, kind).run(seeds)
        by = list({x.value: x for group in groups for x in group}.values())
        found = pulled(kind, self._trace, values, seeds, by, self._unrecorded)
        known = {x.value: gradient for x, gradient in zip(by, found)}
        gradients = [sum_of(known[x.value] for x in group) for group in groups]
        made = [g for g in gradients if g is not None]
        observed(None, [*values, *seeds, *by], made)
        return gradients


def _seed(value: Any, weight: Any) -> Any:
    """The weights of a target, of its shape and dtype."""
    dtype = standardize_dtype(value.dtype)
    if weight is None:
        return call_op("ones_like", value if isinstance(value, KerasTensor) else np.asarray(value))
    weight = to_tensor(weight, dtype)
    if tuple(weight.shape) != tuple(value.shape):
        raise ShapeError(
            f"output_gradients: expected shape {tuple(value.shape)} of the target, got "
            f"{tuple(weight.shape)}"
        )
    return weight


def _zeros(lead: tuple[int, ...], source: Any) -> Any:
    source = source if isinstance(source, Stored) else constant(source)
    return nothing((*lead, *source.shape), standardize_dtype(source.dtype))
