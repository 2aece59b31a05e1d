"""`check_layer`: a user's layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.layers import Layer
from chainrule.models.host import runs_before_steps
from chainrule.testing import common, masks, refusals
from chainrule.testing.function import same_specs
from chainrule.testing.inputs import Inputs
from chainrule.testing.making import Maker, rebuilt
from chainrule.testing.report import CheckReport, LeftOut, Wrong, said
from chainrule.testing.runs import Array, State, Subject, bits, eagerly

__all__ = ["check_layer"]


def check_layer(
    layer: Layer | Callable[[], Layer],
    input_shape: Any,
    *,
    values: Any = None,
    batch_size: int = 3,
    dtypes: Iterable[str] = common.DTYPES,
    mask: bool | None = None,
    threads: Iterable[int] = common.THREADS,
    tolerance: float | None = None,
    seed: int = 0,
) -> CheckReport:
    """Check a layer: what it computes, its gradients, shapes, masks, configuration, and refusals.

    The lines of the report:

    - `call`: on arrays, with outputs of the dtype in which the layer computes;
    - `called twice`: the same bits, and nothing but Variables has changed;
    - `compiled`, `compiled = eager`: the call can be compiled, and gives the same bits then, at other
      inputs and weights too; with `training=True` as well where the layer heeds it;
    - `shape inference`, `unknown batch`, `batch of 1`: the inferred shapes are the real ones;
    - `gradient`: by every weight and input against the NumPy reference and, in float64, against
      finite differences; every trainable weight has an effect;
    - `mask`: masked steps change no output that counts;
    - `config`: the layer that `from_config` makes, with the weights saved and loaded, gives the same
      bits and the same configuration;
    - `threads`: the same bits for every number of threads;
    - `refusal`: strings are refused, as are inputs for which weights of other shapes would be made;
      a call that fails leaves every variable and attribute as it was.

    Parameters
    ----------
    layer : Layer or callable
        A layer, of which copies are checked; or a function without arguments that gives a new one
        (a class, or ``lambda: Mine(3)``).
    input_shape : tuple, or a list or dict of tuples
        Without the batch, as for `keras.Input`; None for an axis of any size. A dict whose keys are
        arguments of `call` gives each of them; any other structure is the first argument.
    values : callable, or a structure of them like `input_shape`
        ``values(generator, shape)`` gives the numbers of an input, batch included. Default: standard
        normal. Give one for what must be integers, positive, or within a range.
    batch_size : int
        Default 3.
    dtypes : iterable of str
        Default float32 and float64.
    mask : bool, optional
        Whether `mask` is checked. Default: where the layer takes or passes on masks, for one input of
        two axes or more.
    threads : iterable of int
        Default 1, 2, 3, 8.
    tolerance : float, optional
        Of gradients, as in `Model.check_gradients`.
    seed : int
        Of the numbers. Default 0.

    Returns
    -------
    CheckReport
        ``assert report.ok, str(report)`` in a test. What the layer raises becomes a line.

    Raises
    ------
    TypeError
        `layer` is neither.
    ValueError
        `input_shape` or `values` is none.

    Examples
    --------
    >>> from chainrule import layers, ops
    >>> class Scale(layers.Layer):
    ...     def __init__(self, factor=2.0, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.factor = factor
    ...     def call(self, x):
    ...         return self.factor * ops.tanh(x)
    ...     def get_config(self):
    ...         return {"name": self.name}
    >>> report = check_layer(Scale(3.0), (4,))
    >>> report.wrong
    ['config']
    >>> print(next(check for check in report.checks if check.name == "config"))
    config (float32): outputs: the layer ..., the one of its configuration ... at [0, 0] (12 of 12 differ)
    """
    maker = Maker(layer)
    probe = layer if isinstance(layer, Layer) else layer()
    if not isinstance(probe, Layer):
        raise TypeError(f"check_layer: expected a function that gives a layer, got {probe!r}")
    inputs = Inputs(input_shape, values, probe.call_signature_parameters)
    report = CheckReport(type(probe).__name__)
    options = (batch_size, mask, list(threads), tolerance, seed)
    is_first = True
    for dtype in dtypes:
        checks = _LayerChecks(report, maker, inputs, dtype, *options)
        if checks.begin():
            checks.each_dtype()
            if is_first:
                checks.once()
            is_first = False
    return report


class _LayerChecks:
    """The checks of a layer in one dtype."""

    def __init__(
        self,
        report: CheckReport,
        maker: Maker,
        inputs: Inputs,
        dtype: str,
        batch_size: int,
        mask: bool | None,
        threads: list[int],
        tolerance: float | None,
        seed: int,
    ) -> None:
        self.report, self.maker, self.inputs, self.dtype = report, maker, inputs, dtype
        self.rows, self.mask, self.threads = batch_size, mask, threads
        self.tolerance = tolerance
        self.generator = np.random.default_rng(seed)
        self.layer: Layer | None = None

    def begin(self) -> bool:
        """Make, build and call the layer; False where there is nothing to check in this dtype."""
        self.report.run("call", self.dtype, self._begin)
        return self.layer is not None

    def _begin(self) -> str:
        layer = self.maker(self.dtype)
        self.batches = [
            self.inputs.draw(self.rows, self.dtype, self.generator) for _ in range(2)
        ]
        args, kwargs = self.inputs.pack(self.batches[0])
        outputs = [x for x in tree.flatten(layer(*args, **kwargs)) if x is not None]
        common.nudge(layer.variables, self.generator)
        self.state = State(layer.variables)
        self.layer = layer
        for x in outputs:
            dtype = standardize_dtype(x.dtype)
            if is_float_dtype(dtype) and dtype != layer.compute_dtype:
                raise Wrong(
                    f"expected outputs in {layer.compute_dtype}, got {dtype}: constants, casts and "
                    "random numbers take `dtype=self.compute_dtype`"
                )
        return ", ".join(f"{tuple(x.shape)} {standardize_dtype(x.dtype)}" for x in outputs)

    @property
    def made(self) -> Layer:
        """The layer, built."""
        assert self.layer is not None
        return self.layer

    def subject(self, training: bool) -> Subject:
        """The layer's call as a function of its inputs."""
        layer = self.made

        def call(*tensors: Any) -> Any:
            args, kwargs = self.inputs.pack(tensors)
            return layer(*args, **kwargs, training=training)

        return Subject(
            type(layer).__name__,
            call,
            self.inputs.names,
            layer.variables,
            layer.trainable_variables,
            lambda: layer.losses,
            layer._flatten_layers(),
        )

    def standard(self, training: bool) -> common.Standard:
        """The checks of any call."""
        variables = self.made.variables
        return common.Standard(
            self.report,
            self.subject(training),
            self.state,
            self.batches,
            self.dtype,
            ", training" if training else "",
            lambda: common.nudge(variables, self.generator),
        )

    def each_dtype(self) -> None:
        """What is checked in every dtype."""
        self.is_traced = not runs_before_steps(self.made)
        if not self.is_traced:
            self.report.run("compiled", self.dtype, _before_steps)
            return
        self.is_one = True
        for training in (False, True) if _heeds_training(self.made) else (False,):
            standard = self.standard(training)
            self.is_traced = standard.calls()
            self.is_one = self.is_one and standard.is_one
            if not self.is_traced:
                return
            standard.gradient(self.tolerance)
            standard.threads(self.threads)

    def once(self) -> None:
        """What is checked in one dtype."""
        run = self.report.run
        if self.is_traced:
            run("shape inference", self.dtype, self._inference)
            run("unknown batch", self.dtype, self._unknown_batch)
            run("batch of 1", self.dtype, self._batch_of_one)
            if self.mask is not False:
                run("mask", self.dtype, self._mask)
        run("config", self.dtype, self._config)
        run("refusal", self.dtype, self._refusal)

    def _inference(self) -> str:
        return self._inferred(self.made, self.batches[0])

    def _inferred(self, layer: Layer, arrays: list[Array]) -> str:
        outputs = eagerly(self.subject(False), arrays, self.state).outputs
        args, kwargs = self.inputs.pack(self.inputs.symbols(arrays, len(arrays[0]), False))
        with self.state.kept():
            specs = layer.compute_output_spec(*args, **kwargs)
        return same_specs([x for x in tree.flatten(specs) if x is not None], outputs)

    def _unknown_batch(self) -> str:
        """A new layer, built by symbolic tensors as in a functional model."""
        arrays = self.batches[0]
        outputs = eagerly(self.subject(False), arrays, self.state).outputs
        other = self.maker(self.dtype)
        args, kwargs = self.inputs.pack(self.inputs.symbols(arrays, None, True))
        with said("on symbolic tensors of an unknown batch"):
            specs = [x for x in tree.flatten(other(*args, **kwargs)) if x is not None]
        found = same_specs(specs, outputs)
        args, kwargs = self.inputs.pack(arrays)
        with said("built by symbolic tensors and called on arrays"):
            other(*args, **kwargs)
        ours, theirs = ([tuple(w.shape) for w in x.weights] for x in (self.made, other))
        if ours != theirs:
            raise Wrong(f"weights of shapes {theirs}, built by arrays {ours}")
        return found

    def _batch_of_one(self) -> str:
        one = [x[:1] for x in self.batches[0]]
        found = self._inferred(self.made, one)
        if self.is_one:
            common.same_compiled(self.subject(False), one, self.state)
        return found

    def _mask(self) -> str:
        layer = self.made
        takes = layer.supports_masking or "mask" in layer.call_signature_parameters
        if self.mask is None and not takes:
            raise LeftOut("the layer neither takes masks nor passes them on")
        if len(self.batches[0]) != 1 or self.batches[0][0].ndim < 3 - (self.mask is True):
            raise LeftOut("masks are checked for one input of steps and features")
        x, y = self.batches[0][0], self.batches[1][0]
        return masks.check(self.subject(False), x, y, self.state, self.is_one)

    def _config(self) -> str:
        layer = self.made
        other = rebuilt(layer)
        args, kwargs = self.inputs.pack(self.batches[0])
        with said("the call of the layer that from_config makes"):
            other(*args, **kwargs)
        ours, theirs = ([tuple(v.shape) for v in x.variables] for x in (layer, other))
        if ours != theirs:
            raise Wrong(f"expected variables of shapes {ours}, the configuration makes {theirs}")
        with said("save_own_variables and load_own_variables"):
            for one, two in zip(layer._flatten_layers(), other._flatten_layers()):
                store: dict[str, Any] = {}
                one.save_own_variables(store)
                two.load_own_variables(store)
        for one, two in zip(layer.weights, other.weights):
            if bits(one.numpy()) != bits(two.numpy()):
                raise Wrong(f"weight '{one.path}' is another one when saved and loaded")
        for one, two in zip(layer.variables, other.variables):
            two.assign(one.numpy())
        for training in (False, True):
            self._same_outputs(other, training)
        return f"the same configuration and bits, {len(layer.weights)} weights"

    def _same_outputs(self, other: Layer, training: bool) -> None:
        args, kwargs = self.inputs.pack(self.batches[0])
        ours = eagerly(self.subject(training), self.batches[0], self.state)
        theirs = [
            np.array(x)
            for x in tree.flatten(other(*args, **kwargs, training=training))
            if x is not None
        ]
        for x, y in zip(ours.outputs, theirs, strict=True):
            if bits(x) != bits(y):
                apart = common.where(x, y, ("the layer", "the one of its configuration"))
                raise Wrong(f"outputs{', training' if training else ''}: {apart}")
        for (v, value), w in zip(
            zip(self.state.variables, ours.state), other.variables, strict=False
        ):
            if bits(value) != bits(w.numpy()):
                raise Wrong(f"variable '{v.path}' is another one behind the call")
            w.assign(v.numpy())

    def _refusal(self) -> str:
        return refusals.check(self.made, self.maker, self.inputs, self.batches[0], self.state)


def _before_steps() -> str:
    raise LeftOut("the layer runs before the compiled step")


def _heeds_training(layer: Layer) -> bool:
    return any(x._call_has_training_arg for x in layer._flatten_layers())
