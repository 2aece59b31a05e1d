"""Input: the symbolic tensor from which a functional model starts."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule.base.dtypes import standardize_dtype
from chainrule.layers.layer import Layer
from chainrule.tracing.node import Node
from chainrule.tracing.tensor import KerasTensor, standardize_shape


class InputLayer(Layer):
    """The layer whose output is an input of the model.

    Parameters
    ----------
    shape : tuple, optional
        The shape without the batch; `None` for unknown sizes.
    batch_size : int, optional
    dtype : str, optional
        Default: ``config.floatx()``.
    sparse, ragged : bool, optional
        In Keras's signature; True is refused.
    batch_shape : tuple, optional
        The shape with the batch, instead of `shape` and `batch_size`.
    input_tensor : KerasTensor, optional
        Wrap this tensor instead of making one.
    optional : bool
        Whether the input may be `None`. Default False.
    name : str, optional

    Raises
    ------
    ValueError
        For arguments that are missing, exclude or contradict each other.

    Examples
    --------
    >>> from chainrule import layers
    >>> layers.InputLayer(shape=(3,), name="x").output.shape
    (None, 3)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        if "input_shape" in kwargs:
            warnings.warn(
                "Argument `input_shape` is deprecated. Use `shape` instead.", stacklevel=2
            )
            shape = kwargs.pop("input_shape")
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to InputLayer: {kwargs}")
        if input_tensor is not None:
            _check_input_tensor(
                input_tensor, shape, batch_size, batch_shape, dtype, bool(sparse)
            )
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
        for label, value in (("sparse", sparse), ("ragged", ragged)):
            if value:
                raise ValueError(f"`{label}=True` is not supported with the chainrule backend")
        self._batch_shape = standardize_shape(batch_shape)
        self._dtype = standardize_dtype(dtype)
        self.sparse = False
        self.ragged = False
        self.optional = optional
        if input_tensor is None:
            input_tensor = KerasTensor(self._batch_shape, dtype=self._dtype, name=name)
        self._input_tensor = input_tensor
        Node(operation=self, outputs=input_tensor)
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return None

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape, batch first."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """The dtype of the input."""
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> Any:
    if batch_shape is not None:
        for label, value in (("shape", shape), ("batch_size", batch_size)):
            if value is not None:
                raise ValueError(
                    f"You cannot pass both `{label}` and `batch_shape` at the same time."
                )
        return batch_shape
    if shape is None:
        raise ValueError("You must pass a `shape` argument.")
    return (batch_size, *standardize_shape(shape))


def _check_input_tensor(
    tensor: Any, shape: Any, batch_size: int | None, batch_shape: Any, dtype: Any, sparse: bool
) -> None:
    if not isinstance(tensor, KerasTensor):
        raise ValueError(
            "Argument `input_tensor` must be a KerasTensor. Received invalid type: "
            f"input_tensor={tensor} (of type {type(tensor)})"
        )
    contradictions = {
        "batch_size": batch_size is not None and tuple(tensor.shape[:1]) != (batch_size,),
        "shape": shape is not None and tuple(shape) != tuple(tensor.shape[1:]),
        "batch_shape": batch_shape is not None and tuple(batch_shape) != tuple(tensor.shape),
        "dtype": dtype is not None and standardize_dtype(dtype) != tensor.dtype,
        "sparse": sparse,
    }
    for label, contradicts in contradictions.items():
        if contradicts:
            raise ValueError(
                "When providing the `input_tensor` argument, you cannot provide an incompatible "
                f"`{label}` argument."
            )


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Any:
    """A symbolic tensor that stands for an input of a model.

    Takes the arguments of `InputLayer`, `tensor` instead of `input_tensor`.

    Examples
    --------
    >>> import chainrule
    >>> x = chainrule.Input(shape=(32,))
    >>> x.shape, x.dtype
    ((None, 32), 'float32')
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    return layer.output
