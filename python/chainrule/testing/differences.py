"""What tells a gradient from another: an order of axes, a factor, a missing term, another weight."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.checks.traced import Array

__all__ = ["Differences", "Term"]

# Axes whose orders are tried, and gates that recurrent layers stack.
_MOST_AXES = 5
_GATES = (3, 4)
# How near a factor must be to one that has a name.
_NEAR = 1e-3
_MOST_TERMS = 12


@dataclass(frozen=True)
class Term:
    """A summand of the loss.

    Attributes
    ----------
    name : str
    gradients : list of ndarray
        By each weight.
    """

    name: str
    gradients: list[Array]


class Differences:
    """Explains gradients from elsewhere.

    Parameters
    ----------
    gradients : sequence of ndarray
        Ours, by each weight.
    terms : sequence of Term
        Whose gradients add up to ours.
    paths : sequence of str
        Of the weights.
    sizes : dict
        "rows" of the batch, and "outputs" of a row.
    tolerance : float
        The relative error up to which two gradients are one.
    """

    def __init__(
        self,
        gradients: Sequence[Array],
        terms: Sequence[Term],
        paths: Sequence[str],
        sizes: Mapping[str, int],
        tolerance: float,
    ) -> None:
        self.gradients, self.terms, self.paths = gradients, terms, paths
        self.rows, self.outputs = sizes["rows"], sizes["outputs"]
        self.tolerance = tolerance
        self.least = 1e-2 * max((_peak(g) for g in gradients), default=0.0)

    def explain(self, number: int, other: Array) -> str:
        """How another gradient of the weight with this number differs from ours."""
        ours = self.gradients[number]
        if not np.isfinite(other).all():
            return f"{int((~np.isfinite(other)).sum())} of {other.size} are NaN or infinite"
        if not other.any():
            return "all zeros: no gradient has come to it"
        if not ours.any():
            return "ours is all zeros: the loss does not depend on this weight"
        arranged = list(_arrangements(other, ours.shape))
        for text, array in arranged:
            found = self._factor(array, ours)
            if found is not None and (text or found != 1):
                return _joined(text, self._named(found))
        found_terms = self._terms_of(number, arranged)
        if found_terms:
            return found_terms
        swapped = self._of_another(number, other)
        if swapped:
            return swapped
        if other.shape != ours.shape:
            return f"expected shape {ours.shape}, got {other.shape}"
        return _apart(other, ours)

    def _factor(self, array: Array, ours: Array) -> float | None:
        """c where the array is c times ours."""
        factor = float((array * ours).sum() / (ours * ours).sum())
        scale = abs(factor) * max(_peak(ours), self.least * 1e-2)
        if factor == 0 or _peak(array - factor * ours) > self.tolerance * scale:
            return None
        return 1.0 if abs(factor - 1) <= self.tolerance else factor

    def _named(self, factor: float) -> str:
        """A factor in words."""
        if factor == 1:
            return ""
        sign = "with the other sign" if factor < 0 else ""
        size = abs(factor)
        n, m = self.rows, self.outputs
        names = [
            (1.0, ""),
            (float(n), "the batch size, a sum over rows for a mean"),
            (1.0 / n, "the batch size, a mean over rows taken once more"),
            (2.0, "as where a square has no 1/2 before it"),
            (0.5, "as where a square has 1/2 before it"),
            (float(m), "the number of outputs of a row, a sum over outputs for a mean"),
            (1.0 / m, "the number of outputs of a row, a mean over them taken once more"),
            (float(n * m), "the number of all outputs, a sum for a mean"),
            (1.0 / (n * m), "the number of all outputs, a mean for a sum"),
            (n / 2, "half the batch size"),
            (2.0 / n, "two over the batch size"),
            (m / 2, "half the number of outputs of a row"),
            (2.0 / m, "two over the number of outputs of a row"),
        ]
        for value, name in names:
            if abs(size - value) <= max(_NEAR, self.tolerance) * value:
                times = "" if value == 1 else f"{value:g} times ours: {name}"
                return _joined(times, sign)
        return _joined(f"{size:.6g} times ours", sign)

    def _terms_of(self, number: int, arranged: Sequence[tuple[str, Array]]) -> str:
        """Which terms are missing, or with which factors they count; empty where they do not tell."""
        terms = [t for t in self.terms if _peak(t.gradients[number]) > 0][:_MOST_TERMS]
        if len(terms) < 2:
            return ""
        parts = [t.gradients[number] for t in terms]
        scale = max(_peak(self.gradients[number]), *map(_peak, parts))
        for text, array in arranged:
            for count in range(1, len(terms)):
                for left in itertools.combinations(range(len(terms)), count):
                    rest = sum(p for i, p in enumerate(parts) if i not in left)
                    if _peak(array - rest) <= self.tolerance * scale:
                        names = " and ".join(terms[i].name for i in left)
                        return _joined(text, f"{names} {'is' if count == 1 else 'are'} missing")
        matrix = np.stack([p.ravel() for p in parts], axis=1)
        if np.linalg.matrix_rank(matrix) < len(terms) or matrix.shape[0] <= len(terms):
            return ""
        for text, array in arranged:
            factors = np.linalg.lstsq(matrix, array.ravel(), rcond=None)[0]
            if _peak(array.ravel() - matrix @ factors) <= self.tolerance * scale:
                changed = [
                    f"{term.name} counts {factor:.4g} times"
                    for term, factor in zip(terms, factors)
                    if abs(factor - 1) > max(_NEAR, self.tolerance)
                ]
                return _joined(text, ", ".join(changed))
        return ""

    def _of_another(self, number: int, other: Array) -> str:
        for j, gradient in enumerate(self.gradients):
            if j == number or not gradient.any():
                continue
            for text, array in _arrangements(other, gradient.shape):
                factor = self._factor(array, gradient)
                if factor is not None:
                    where = f"the gradient of '{self.paths[j]}'"
                    return _joined(where, _joined(text, self._named(factor)))
        return ""


def _arrangements(other: Array, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """The array as it is where its shape fits, then with other orders of its axes, flipped over its
    leading axes, with its gates in another order, and with another shape of the same size."""
    if other.shape == shape:
        yield "", other
    if other.ndim == len(shape) <= _MOST_AXES:
        for axes in itertools.permutations(range(other.ndim)):
            if axes == tuple(range(other.ndim)):
                continue
            if tuple(other.shape[a] for a in axes) == shape:
                turned = "transposed" if other.ndim == 2 else f"transposed by axes {list(axes)}"
                yield turned, other.transpose(axes)
    if other.shape == shape and other.ndim > 2:
        axes = tuple(range(other.ndim - 2))
        yield f"flipped along axes {list(axes)}: a convolution for a correlation", np.flip(other, axes)
    yield from _gates(other, shape)
    if other.shape != shape and other.size == int(np.prod(shape)):
        yield f"reshaped from {other.shape}", other.reshape(shape)


def _gates(other: Array, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """With equal parts of the last axis in another order, as they are and transposed."""
    forms = [("", other)] if other.shape == shape else []
    if other.ndim == 2 and other.shape[::-1] == shape:
        forms.append(("transposed", other.T))
    for (text, array), parts in itertools.product(forms, _GATES):
        if not shape or shape[-1] % parts or shape[-1] == parts == 1:
            continue
        blocks = np.split(array, parts, axis=-1)
        for order in itertools.permutations(range(parts)):
            if order != tuple(range(parts)):
                name = f"the {parts} parts of its last axis in the order {list(order)}"
                yield _joined(text, name), np.concatenate([blocks[i] for i in order], axis=-1)


def _peak(x: Array) -> float:
    return float(np.abs(x).max(initial=0.0))


def _joined(*texts: str) -> str:
    return ", ".join(text for text in texts if text)


def _apart(other: Array, ours: Array) -> str:
    place = np.unravel_index(int(np.abs(other - ours).argmax()), ours.shape)
    length = float(np.linalg.norm(other) * np.linalg.norm(ours))
    cosine = float((other * ours).sum()) / length
    at = [int(i) for i in place]
    return (
        f"no factor, order or term explains it: at {at} {other[place]:.6g}, ours {ours[place]:.6g}; "
        f"cosine {cosine:.6f}"
    )
