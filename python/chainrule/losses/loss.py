"""The base of all losses: values per sample -> weights and mask -> one number."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.base import serialization, tree
from chainrule.base.dtypes import is_float_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.name_scopes import layer_path, layer_scope, name_scope
from chainrule.base.naming import auto_name
from chainrule.base.sizes import at_least, may_be
from chainrule.base.super_init import SuperInit
from chainrule.tracing import policies
from chainrule.tracing.masking import get_keras_mask
from chainrule.tracing.policies import DTypePolicy

Tensor = Any

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(SuperInit):
    """``reduce(weight * call(y_true, y_pred))``: a callable that turns predictions into one number.

    Subclasses implement ``call(y_true, y_pred)`` with ``chainrule.ops`` and return one value per
    sample (or per element); weights, mask and reduction are applied here. Called by itself, a loss
    broadcasts targets against predictions; a compiled model refuses targets of another shape.

    The rules are as Keras's `losses.Loss`.

    Parameters
    ----------
    name : str, optional
        Of the loss, in messages and logs. Default: the class name in snake case, made unique.
    reduction : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None}
        ``sum`` adds the weighted values; ``sum_over_batch_size`` and ``mean`` divide that sum by
        the number of values; ``mean_with_sample_weight`` divides it by the sum of the weights;
        ``none`` and ``None`` return the weighted values. Default "sum_over_batch_size".
    dtype : str or DTypePolicy, optional
        Targets and predictions are cast to it. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses, ops
    >>> class Quartic(losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean((y_pred - y_true) ** 4, axis=-1)
    >>> float(Quartic()(np.zeros((2, 1)), np.array([[1.0], [2.0]])))
    8.5
    """

    _super_init = ("_dtype_policy", "loss")
    # Whether `call` takes the mask of `y_pred` as `mask`; it then does not weigh the values.
    _takes_mask = False

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = policies.get(dtype or backend_config.floatx())
        self._dtype = self._dtype_policy.compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """Return the reduced loss, weighted by ``sample_weight`` and by the mask of ``y_pred``."""
        mask = get_keras_mask(y_pred)
        with name_scope(self.name), layer_scope(self.name):
            y_pred = to_tensors(y_pred, self.dtype)
            y_true = to_tensors(y_true, self.dtype)
            if self._takes_mask:
                values = self.call(y_true, y_pred, mask=mask)  # type: ignore[call-arg]
                mask = None
            else:
                values = self.call(y_true, y_pred)
            out_mask = get_keras_mask(values)
            if mask is None:
                mask = out_mask
            elif out_mask is not None:
                mask = ops.logical_and(mask, out_mask)
            return reduce_weighted_values(
                values,
                sample_weight=sample_weight,
                mask=mask,
                reduction=self.reduction,
                dtype=self.dtype,
            )

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """Return one loss value per sample or element."""
        raise NotImplementedError(f"{type(self).__name__} must implement `call(y_true, y_pred)`.")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Build a loss from the result of ``get_config``."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    def _obj_type(self) -> str:
        return "Loss"


class LossFunctionWrapper(Loss):
    """A loss from a function ``fn(y_true, y_pred, **kwargs)``.

    Ranks that differ by a last axis of size one are made equal before the call, and structures
    (lists, tuples, dicts) of targets and predictions are matched leaf by leaf. A function with an
    argument ``mask`` gets the mask of the predictions, or None; the mask then does not weigh what it
    gives.

    As Keras's `losses.LossFunctionWrapper`, which passes no mask on.

    Parameters
    ----------
    fn : callable
        Of targets and predictions, gives a loss for each sample.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default: the class name in snake case, made unique.
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.
    **kwargs : object
        Passed on to ``fn`` at each call.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses, ops
    >>> loss = losses.LossFunctionWrapper(lambda t, p: ops.mean(ops.abs(t - p), axis=-1))
    >>> float(loss(np.array([[0.0, 2.0]]), np.array([[1.0, 1.0]])))
    1.0
    """

    def __init__(
        self,
        fn: Callable[..., Tensor],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        own_call = type(self).call is not LossFunctionWrapper.call
        self._takes_mask = not own_call and "mask" not in kwargs and _has_mask(fn)

    def call(self, y_true: Any, y_pred: Any, **more: Any) -> Tensor:
        """Return ``fn(y_true, y_pred, **kwargs)`` on targets and predictions of one rank."""
        if hasattr(y_true, "shape") and hasattr(y_pred, "shape"):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        else:
            tree.assert_same_structure(y_true, y_pred)
            pairs = [
                squeeze_or_expand_to_same_rank(t, p)
                for t, p in zip(tree.flatten(y_true), tree.flatten(y_pred), strict=True)
            ]
            y_true = tree.pack_sequence_as(y_true, [t for t, _ in pairs])
            y_pred = tree.pack_sequence_as(y_pred, [p for _, p in pairs])
        return self.fn(y_true, y_pred, **self._fn_kwargs, **more)

    def get_config(self) -> dict[str, Any]:
        """Return the base configuration with the function and its arguments serialized."""
        config = super().get_config()
        config["fn"] = serialization.serialize_keras_object(self.fn)
        config.update(serialization.serialize_keras_object(self._fn_kwargs))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Build a loss from the result of ``get_config``."""
        if "fn" in config:
            config = serialization.deserialize_keras_object(config)
        return cls(**config)

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


def _has_mask(function: Any) -> bool:
    try:
        return "mask" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


class FunctionLoss(LossFunctionWrapper):
    """A named loss: its configuration is the base one and the arguments of its function."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        return {**Loss.get_config(self), **self._fn_kwargs}


def standardize_reduction(reduction: str | None) -> str | None:
    """Return ``reduction``, or raise ``ValueError`` when it is not one of ``REDUCTIONS``."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"Invalid value for argument `reduction`: expected one of {REDUCTIONS}, "
            f"received reduction={reduction!r}"
        )
    return reduction


def to_tensors(x: Any, dtype: str) -> Any:
    """Cast every tensor of a structure to ``dtype``; nested lists of numbers become one tensor."""
    if isinstance(x, list | tuple):
        if all(isinstance(leaf, int | float | np.generic) for leaf in tree.flatten(x)):
            return ops.convert_to_tensor(x, dtype=dtype)
        return tree.map_structure(lambda leaf: ops.convert_to_tensor(leaf, dtype=dtype), x)
    if isinstance(x, dict):
        return {key: to_tensors(value, dtype) for key, value in x.items()}
    return ops.convert_to_tensor(x, dtype=dtype)


def predictions(y_pred: Any) -> Tensor:
    """Predictions as a tensor of floats: integers and booleans become `config.floatx()`."""
    y_pred = ops.convert_to_tensor(y_pred)
    return y_pred if is_float_dtype(y_pred.dtype) else ops.cast(y_pred, backend_config.floatx())


def tensor_pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Convert both to tensors of ``y_pred``'s dtype.

    Raises
    ------
    ShapeError
        When their shapes do not broadcast, up to a last axis of size one.
    """
    y_pred = predictions(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    true, pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    for m, n in zip(reversed(true.shape), reversed(pred.shape), strict=False):
        if not (may_be(m, n) or 1 in (m, n) or None in (m, n)):
            place = f"loss '{layer_path()}': " if layer_path() else ""
            raise ShapeError(
                f"{place}expected y_true and y_pred of one shape, got y_true "
                f"{tuple(y_true.shape)} and y_pred {tuple(y_pred.shape)}"
            )
    return y_true, y_pred


def squeeze_or_expand_to_same_rank(
    x1: Tensor, x2: Tensor, expand_rank_1: bool = True
) -> tuple[Tensor, Tensor]:
    """Make ``(..., 1)`` and ``(...)`` the same rank; other pairs of ranks pass unchanged.

    The longer tensor loses its last axis of size one, except beside a vector: then the vector
    gains an axis, when ``expand_rank_1``.
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def reduce_values(
    values: Tensor, sample_weight: Tensor = None, reduction: str | None = "sum_over_batch_size"
) -> Tensor:
    """Reduce weighted values: nothing, sum, sum / count, or sum / sum of the weights."""
    shape = tuple(values.shape)
    if reduction in (None, "none") or shape in ((), (0,)):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(total, ops.cast(ops.sum(sample_weight), total.dtype))
    return ops.divide(total, float(at_least(math.prod(shape), 1)))


def reduce_weighted_values(
    values: Tensor,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: str | None = None,
) -> Tensor:
    """Merge mask and weights, multiply, reduce."""
    reduction = standardize_reduction(reduction)
    values = ops.convert_to_tensor(values, dtype=dtype)
    weight = apply_mask(sample_weight, mask, dtype=values.dtype, reduction=reduction)
    if weight is not None:
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        values = values * weight
    return reduce_values(values, weight, reduction)


def apply_mask(sample_weight: Any, mask: Any, dtype: Any, reduction: str | None) -> Tensor | None:
    """Return the product of weight and mask, or ``None`` when there is neither.

    For the reductions that divide by the number of values the mask is scaled by
    ``total / valid``, so that the division counts the valid entries only:
    ``mean(loss * total / valid) = sum(loss) / valid``. No valid entry gives weights of zero.
    """
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    if mask is None:
        return sample_weight
    weight = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        total = ops.cast(float(math.prod(weight.shape)), dtype)
        weight = weight * ops.divide_no_nan(total, ops.sum(weight))
    if sample_weight is None:
        return weight
    weight, sample_weight = squeeze_or_expand_to_same_rank(weight, sample_weight)
    return sample_weight * weight
