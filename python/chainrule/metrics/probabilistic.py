"""Means of the losses on probabilities and of the margin losses."""

from __future__ import annotations

from chainrule.losses.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from chainrule.losses.divergence import kl_divergence, poisson
from chainrule.losses.margin import categorical_hinge, hinge, squared_hinge
from chainrule.metrics.reduction import FunctionMetric
from chainrule.tracing.policies import DTypePolicy


class KLDivergence(FunctionMetric):
    """``mean(sum(y_true log(y_true / y_pred)))``; see :func:`losses.kl_divergence`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "kl_divergence", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(kl_divergence, name=name, dtype=dtype)


class Poisson(FunctionMetric):
    """``mean(y_pred - y_true log(y_pred))``; see :func:`losses.poisson`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "poisson", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(poisson, name=name, dtype=dtype)


class BinaryCrossentropy(FunctionMetric):
    """``mean(-y_true log p - (1 - y_true) log(1 - p))``; see :func:`losses.binary_crossentropy`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    from_logits : bool
        Predictions are logits, not probabilities.
    label_smoothing : float
        How far targets move towards 1/2.

    Examples
    --------
    >>> from chainrule import metrics
    >>> round(float(metrics.BinaryCrossentropy()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    0.8149
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: str | DTypePolicy | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalCrossentropy(FunctionMetric):
    """``mean(-sum(y_true log p))``; see :func:`losses.categorical_crossentropy`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    from_logits : bool
        Predictions are logits, not probabilities.
    label_smoothing : float
        How far targets move towards ``1 / classes``.
    axis : int
        The axis of the classes.
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: str | DTypePolicy | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(FunctionMetric):
    """``mean(-log p[y_true])``; see :func:`losses.sparse_categorical_crossentropy`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    from_logits : bool
        Predictions are logits, not probabilities.
    ignore_class : int, optional
        The label that carries no loss.
    axis : int
        The axis of the classes.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | DTypePolicy | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis


class Hinge(FunctionMetric):
    """``mean(max(1 - y_true y_pred, 0))``; see :func:`losses.hinge`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(self, name: str | None = "hinge", dtype: str | DTypePolicy | None = None) -> None:
        super().__init__(hinge, name=name, dtype=dtype)


class SquaredHinge(FunctionMetric):
    """``mean(max(1 - y_true y_pred, 0)**2)``; see :func:`losses.squared_hinge`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "squared_hinge", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(squared_hinge, name=name, dtype=dtype)


class CategoricalHinge(FunctionMetric):
    """``mean(max(neg - pos + 1, 0))``; see :func:`losses.categorical_hinge`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "categorical_hinge", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(categorical_hinge, name=name, dtype=dtype)
