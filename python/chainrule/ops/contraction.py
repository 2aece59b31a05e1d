"""einsum: sums of products written with index letters."""

from __future__ import annotations

import math
import string
from typing import Any

from chainrule.base.dtypes import result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import agreed, may_be
from chainrule.ops.diagonals import diagonal
from chainrule.ops.linear import _product
from chainrule.ops.shaping import _reshape, transpose
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["einsum"]


@operation
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """The sum over all letters that the output lacks, of the product of the operands; as NumPy's
    `np.einsum`.

    `"ij,jk->ik"` is a matrix product, `"ii->i"` a diagonal, `"ij->"` a sum; "..." stands for axes
    that broadcast. Several operands are contracted from left to right.

    Parameters
    ----------
    subscripts : str
        A letter for each axis of each operand, then "->" and those of the result. Without "->" the
        result has the letters that occur once, in alphabetical order.
    *operands : tensor
        One for each term, at least one; brought to their common dtype.
    **kwargs : bool or str
        Only `optimize`, which has no effect.

    Returns
    -------
    tensor
        A size for each letter of the output, in the common dtype; int32 for int8.

    Raises
    ------
    ValueError
        Another number of terms than of operands, or an output with unknown or repeated letters.
    ShapeError
        A letter with two sizes, or a term that does not fit the axes of its operand.
    TypeError
        Another keyword than `optimize`.
    DTypeError
        An operand that holds no numbers.

    Examples
    --------
    >>> einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    if set(kwargs) - {"optimize"}:
        raise TypeError(f"einsum: unexpected arguments {sorted(set(kwargs) - {'optimize'})}")
    tensors = [as_tensor(x) for x in operands]
    kinds = {standardize_dtype(t.dtype) for t in tensors}
    dtype = "int32" if kinds == {"int8"} else result_type(*kinds)
    compute = "int32" if dtype == "bool" else dtype
    inputs, output = _parse(subscripts, [t.ndim for t in tensors])
    _check_sizes(subscripts, inputs, tensors)
    terms = [_take_diagonals(as_dtype(t, compute), ix) for t, ix in zip(tensors, inputs)]
    left, labels = terms[0]
    for i, (right, right_labels) in enumerate(terms[1:], start=2):
        later = set(output).union(*(ix for _, ix in terms[i:]))
        left, labels = _contract(left, labels, right, right_labels, later)
    left, labels = _sum_out(left, labels, set(output))
    return as_dtype(transpose(left, [labels.index(c) for c in output]), dtype)


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"einsum: {subscripts!r} has {len(terms)} operands, got {len(ranks)} tensors"
        )
    free = [c for c in string.ascii_letters if c not in text]
    widths = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks)]
    for term, width in zip(terms, widths):
        if width < 0 or (width and "..." not in term):
            raise ShapeError(
                f"einsum: the term {term!r} of {subscripts!r} does not fit a tensor with "
                f"{width + len(term.replace('...', ''))} axes"
            )
    extra = "".join(free[: max(widths, default=0)])
    inputs = [
        term.replace("...", extra[len(extra) - width :]) for term, width in zip(terms, widths)
    ]
    if arrow:
        output = right.replace("...", extra)
    else:
        letters = left.replace(",", "").replace("...", "")
        output = extra + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if set(output) - set("".join(inputs)) or len(set(output)) != len(output):
        raise ValueError(f"einsum: the output of {subscripts!r} has unknown or repeated letters")
    return inputs, output


def _check_sizes(subscripts: str, inputs: list[str], tensors: list[Any]) -> None:
    sizes: dict[str, Any] = {}
    for labels, tensor in zip(inputs, tensors):
        for label, size in zip(labels, tensor.shape):
            if sizes.setdefault(label, size) == 1:
                sizes[label] = size
            elif size != 1 and may_be(size, sizes[label]):
                sizes[label] = agreed(sizes[label], size)
            elif size != 1:
                raise ShapeError(
                    f"einsum: {subscripts!r} names an axis of size {sizes[label]} and one of size "
                    f"{size} by one letter, in shapes {[tuple(t.shape) for t in tensors]}"
                )


def _take_diagonals(x: Any, labels: str) -> tuple[Any, str]:
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            a = labels.index(label)
            b = labels.index(label, a + 1)
            x = diagonal(x, 0, a, b)
            labels = labels[:a] + labels[a + 1 : b] + labels[b + 1 :] + label
    return x, labels


def _sum_out(x: Any, labels: str, keep: set[str]) -> tuple[Any, str]:
    axes = [i for i, c in enumerate(labels) if c not in keep]
    if axes:
        x = apply("reduce", {"function": "sum", "axes": axes, "keepdims": False}, [x])
    return x, "".join(c for c in labels if c in keep)


def _contract(x: Any, a: str, y: Any, b: str, keep: set[str]) -> tuple[Any, str]:
    x, a = _sum_out(x, a, keep | set(b))
    y, b = _sum_out(y, b, keep | set(a))
    x, a = _drop_unit_axes(x, a, y, b)
    y, b = _drop_unit_axes(y, b, x, a)
    batch = [c for c in a if c in b and c in keep]
    summed = [c for c in a if c in b and c not in keep]
    rows = [c for c in a if c not in b]
    columns = [c for c in b if c not in a]
    size = dict(zip(b, y.shape))
    size |= {c: agreed(n, size.get(c, n)) for c, n in zip(a, x.shape)}

    def grouped(t: Any, labels: str, order: list[list[str]]) -> Any:
        t = transpose(t, [labels.index(c) for group in order for c in group])
        lead = [size[c] for c in order[0]]
        return _reshape(t, [*lead, *(math.prod(size[c] for c in g) for g in order[1:])])

    left = grouped(x, a, [batch, rows, summed])
    right = grouped(y, b, [batch, summed, columns])
    out = _product(left, right)
    labels = batch + rows + columns
    return _reshape(out, [size[c] for c in labels]), "".join(labels)


def _drop_unit_axes(x: Any, a: str, y: Any, b: str) -> tuple[Any, str]:
    """x without axes of size 1 that broadcast against larger ones of y."""
    drop = [i for i, c in enumerate(a) if c in b and x.shape[i] == 1 != y.shape[b.index(c)]]
    if not drop:
        return x, a
    kept = [i for i in range(len(a)) if i not in drop]
    return _reshape(x, [x.shape[i] for i in kept]), "".join(a[i] for i in kept)
