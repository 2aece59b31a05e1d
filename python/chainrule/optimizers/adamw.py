"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.optimizers.adam import Adam

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptionsBesidesDecay


class AdamW(Adam):
    """``w <- w - w * weight_decay * lr``, then a step of `Adam`.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    weight_decay : float or None
        The rate of decay.
    beta_1, beta_2 : float
        The discounts of Adam's two averages.
    epsilon : float
        A small number beside the root.
    amsgrad : bool
        Whether to divide by the largest average so far.
    **options : settings of `Optimizer`
        Clipping, averaging, ...: see `Optimizer`.

    Raises
    ------
    ValueError
        When `weight_decay` is None.

    References
    ----------
    Loshchilov & Hutter (2019), "Decoupled weight decay regularization".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptionsBesidesDecay],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )
        if self.weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
