"""LoRA: training a layer's matrix by a change of low rank, while the matrix itself stands still."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import initializers, ops
from chainrule.base.tracking import changes
from chainrule.layers.layer import Layer
from chainrule.tracing.variable import Variable

__all__ = ["LoRA"]


class LoRA(Layer):
    """A layer whose weight W may become ``W + alpha / rank * A @ B``, where only A and B train.

    A subclass names the weight, adds it as `_kernel` (or whatever the name, after an underscore),
    begins its `__init__` with `_set_lora` and ends its `build` with `_build_lora`.
    """

    _adapted = "kernel"

    lora_enabled: bool
    lora_rank: int | None
    lora_alpha: float | None

    def _set_lora(self, rank: int | None, alpha: float | None) -> None:
        if rank is not None:
            _checked_rank(rank)
        self.lora_rank = rank
        self.lora_alpha = rank if alpha is None else alpha
        self.lora_enabled = False
        self._lora: tuple[Variable, Variable] | tuple[()] = ()

    def _build_lora(self) -> None:
        self.built = True
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the weight W of the built layer and train ``alpha / rank * A @ B`` beside it.

        Shapes: W (..., M), A (..., rank), B (rank, M). A and B are float32 variables of the layer,
        `lora_kernel_a` and `lora_kernel_b` (`lora_embeddings_a` and `..._b` of an `Embedding`), with
        the regularizer of W. A compiled model has to be compiled again.

        Parameters
        ----------
        rank : int
            Columns of A, rows of B.
        lora_alpha : float, optional
            Default: `rank`, so that the product counts once.
        a_initializer, b_initializer : Initializer or str
            Default ``"he_uniform"`` and ``"zeros"``: at first the layer computes what it did.

        Raises
        ------
        ValueError
            When W has a constraint; before the layer is built; the second time; for a rank that is
            no positive int.

        Notes
        -----
        `save_weights` writes the sum as W, which a layer without LoRA can load; loading such a file
        sets B to zero. `save` writes W, A and B as they are.

        References
        ----------
        Hu et al. (2021), "LoRA: Low-rank adaptation of large language models", arXiv 2106.09685.

        Examples
        --------
        >>> from chainrule import layers
        >>> layer = layers.Dense(6)
        >>> layer.build((None, 8))
        >>> layer.enable_lora(2)
        >>> [v.name for v in layer.trainable_weights], [v.name for v in layer.non_trainable_weights]
        (['bias', 'lora_kernel_a', 'lora_kernel_b'], ['kernel'])
        """
        name, place = self._adapted, f"layer '{self.path or self.name}'"
        if getattr(self, f"{name}_constraint") is not None:
            words = name.removesuffix("s")
            raise ValueError(
                f"{place}: Lora is incompatible with {words} constraints; make the layer without "
                f"`{name}_constraint`"
            )
        if not self.built:
            raise ValueError(
                f"{place}: Cannot enable lora on a layer that isn't yet built; call it on data or "
                "`build(input_shape)` it"
            )
        if self.lora_enabled:
            raise ValueError(f"{place}: lora is already enabled, with rank {self.lora_rank}")
        _checked_rank(rank)
        weight = self._weight
        regularizer = getattr(self, f"{name}_regularizer")
        locked = self._tracker.locked
        self._tracker.unlock()
        with self._open_name_scope():
            made = [
                self.add_weight(
                    name=f"lora_{name}_{letter}",
                    shape=shape,
                    initializer=initializers.get(initializer),
                    dtype="float32",
                    regularizer=regularizer,
                )
                for letter, shape, initializer in (
                    ("a", (*weight.shape[:-1], rank), a_initializer),
                    ("b", (rank, weight.shape[-1]), b_initializer),
                )
            ]
        self._lora = (made[0], made[1])
        for letter, variable in zip("ab", made):
            setattr(self, f"lora_{name}_{letter}", variable)
        weight.trainable = False
        if locked:
            self._lock_state()
        self.lora_rank = rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha
        self.lora_enabled = True
        changes.adaptations += 1  # what was compiled computes without it

    @property
    def _weight(self) -> Variable:
        weight: Variable = getattr(self, f"_{self._adapted}")
        return weight

    def _effective(self) -> Any:
        """The weight that the layer computes with: a variable, or with LoRA a tensor."""
        if not self.built:
            raise AttributeError(f"You must build the layer before accessing `{self._adapted}`.")
        if not self._lora:
            return self._weight
        return ops.cast(self._merged(), self.compute_dtype)

    @property
    def _lora_scale(self) -> float:
        assert self.lora_rank is not None and self.lora_alpha is not None
        return self.lora_alpha / self.lora_rank

    def _merged(self) -> Any:
        assert self._lora
        a, b = self._lora
        return ops.add(self._weight, self._lora_scale * ops.matmul(a, b))

    @property
    def trainable(self) -> bool:
        """Whether an optimizer updates this layer; with LoRA its weight stands still all the same."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        Layer.trainable.__set__(self, value)  # type: ignore[attr-defined]
        if self.__dict__.get("_lora"):
            self._weight.trainable = False

    @property
    def _mergeable(self) -> tuple[Variable, ...]:
        return self._lora

    def _merged_values(self) -> dict[int, NDArray[Any] | None]:
        values: dict[int, NDArray[Any] | None] = {id(variable): None for variable in self._lora}
        if self._lora:
            weight = self._weight
            values[id(weight)] = np.array(ops.cast(self._merged(), weight.stored_dtype))
        return values

    def _after_merge(self) -> None:
        # A stays, so that B can be trained.
        for b in self._lora[1:]:
            b.assign(np.zeros(b.shape, "float32"))

    def save_own_variables(self, store: Any) -> None:
        if not self._lora:
            super().save_own_variables(store)
            return
        merged = self._merged_values()
        own = self._trainable_variables + self._non_trainable_variables
        kept = [value for v in own if (value := merged.get(id(v), v)) is not None]
        for i, value in enumerate(kept):
            store[f"{i}"] = np.array(value)

    def load_own_variables(self, store: Any) -> None:
        own = self._trainable_variables + self._non_trainable_variables
        if not self._lora or len(store.keys()) == len(own):
            super().load_own_variables(store)
            return
        rest = [v for v in own if not any(v is made for made in self._lora)]
        if len(store.keys()) != len(rest):
            raise ValueError(
                f"Layer '{self.name}' expected {len(rest)} variables, or {len(own)} with those of "
                f"LoRA, but received {len(store.keys())} variables during loading."
            )
        for i, variable in enumerate(rest):
            variable.assign(store[f"{i}"])
        self._after_merge()

    def _lora_config(self) -> dict[str, Any]:
        if not self.lora_rank:
            return {}
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}


def _checked_rank(rank: Any) -> None:
    if not isinstance(rank, int) or isinstance(rank, bool) or rank <= 0:
        raise ValueError(f"lora_rank: expected a positive integer, got {rank!r}")
