"""What max and average pooling share."""

from __future__ import annotations

from typing import Any

from chainrule.base.errors import ShapeError
from chainrule.layers.reshaping.spatial import Spatial, int_tuple
from chainrule.ops._spatial import check_padding, output_size


class Pooling(Spatial):
    """One element for each window; what of it, the subclass's `call` says."""

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        self.pool_size = int_tuple(pool_size, self.rank, "pool_size", smallest=1)
        steps = pool_size if strides is None else strides
        self.strides = int_tuple(steps, self.rank, "strides", smallest=1)
        self.padding = check_padding(type(self).__name__, padding, ("valid", "same"))
        self._build_at_init()

    def _options(self) -> dict[str, Any]:
        """The arguments of the op."""
        names = ("pool_size", "strides", "padding", "data_format")
        return {name: getattr(self, name) for name in names}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs.

        Raises
        ------
        ShapeError
            When a window is larger than the image.
        """
        shape = list(input_shape)
        for axis, window, stride in zip(self._axes(), self.pool_size, self.strides):
            shape[axis] = output_size(shape[axis], window, stride, 1, self.padding)
            if shape[axis] is not None and shape[axis] < 1:
                raise ShapeError(
                    f"Layer '{self.path or self.name}' expected an image not smaller than "
                    f"pool_size={self.pool_size}, got input_shape={tuple(input_shape)} with "
                    f"padding={self.padding!r}."
                )
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._options()}
