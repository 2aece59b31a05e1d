"""Linear systems, inverses and determinants, and the rank that says whether they are there."""

from __future__ import annotations

from typing import Any

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import may_be
from chainrule.ops import reductions
from chainrule.ops._common import binary
from chainrule.ops._matrices import as_matrices, identity, matmul, of_one_batch, rounding
from chainrule.tracing.casting import as_dtype, as_tensor, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "cholesky_inverse", "det", "inv", "lstsq", "matrix_rank", "pinv", "slogdet", "solve",
    "solve_triangular",
]  # fmt: skip


def _triangular(a: Any, b: Any, lower: bool, transpose: bool = False) -> Any:
    attrs = {"lower": lower, "transpose": transpose, "unit": False}
    return apply("solve_triangular", attrs, [a, b])


@operation
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix whose Cholesky factor is x, as PyTorch's `torch.cholesky_inverse`.

    Parameters
    ----------
    x : tensor (..., n, n)
        Triangular: the other triangle is not read. Integers are cast to `floatx()`.
    upper : bool
        Whether x is the transpose of L. Default False.

    Returns
    -------
    tensor
        (L L^T)^-1, (..., n, n), in the float dtype of x.

    Raises
    ------
    DataError
        A 0 on the diagonal, in a compiled step too.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> cholesky_inverse([[2.0]]).tolist()
    [[0.25]]
    """
    x = as_matrices(x, square=True)
    half = _triangular(x, identity(x), not upper, transpose=upper)
    return matmul(half, half, transpose_a=True)


@operation
def det(x: Any) -> Any:
    """The determinant, as NumPy's `np.linalg.det`.

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`.

    Returns
    -------
    tensor
        (...), in the float dtype of x. Its gradient, the cofactors, is there for singular matrices
        too; its second derivative is not.

    Raises
    ------
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> det([[2.0]]).item()
    2.0
    """
    return apply("determinant", {"log": False}, [as_matrices(x, square=True)])


@operation
def slogdet(x: Any) -> Any:
    """The sign of the determinant and ln of its size, as NumPy's `np.linalg.slogdet`.

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`.

    Returns
    -------
    tuple of tensors
        The sign and the logarithm, (...) each, in the float dtype of x; 0 and -inf for singular
        matrices, for which the gradient is a DataError.

    Raises
    ------
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.item() for part in slogdet([[1.0]])]
    [1.0, 0.0]
    """
    return apply("determinant", {"log": True}, [as_matrices(x, square=True)], outputs=2)


@operation
def inv(x: Any) -> Any:
    """The inverse matrix, as NumPy's `np.linalg.inv`.

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`.

    Returns
    -------
    tensor
        (..., n, n), in the float dtype of x.

    Raises
    ------
    DataError
        A singular matrix, in a compiled step too.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> inv([[2.0]]).tolist()
    [[0.5]]
    """
    x = as_matrices(x, square=True)
    return apply("solve", {"transpose": False}, [x, identity(x)])


@operation
def pinv(x: Any, rcond: float | None = None) -> Any:
    """The Moore-Penrose inverse, by the singular values, as NumPy's `np.linalg.pinv`.

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`.
    rcond : float, optional
        Singular values up to `rcond` times the largest count as 0. Default: the dtype's epsilon
        times max(m, n).

    Returns
    -------
    tensor
        (..., n, m), in the float dtype of x. Its gradient is that of matrices of the same rank.

    Raises
    ------
    ValueError
        `rcond` below 0.
    DataError
        NaN or an infinity, in a compiled step too.
    ShapeError
        `x` has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> pinv([[2.0]]).tolist()
    [[0.5]]
    """
    x = as_matrices(x)
    return apply("pinv", {"rcond": rounding(x) if rcond is None else float(rcond)}, [x])


def _as_systems(a: Any, b: Any) -> tuple[Any, Any, bool]:
    """a and b in their common float dtype, b with columns, and whether it was a vector."""
    a, b = promote_float(as_tensor(a), as_tensor(b))
    a = as_matrices(a, square=True)
    rows = b.shape[-2] if a.ndim == b.ndim else b.shape[-1] if b.ndim else 0
    if a.ndim - b.ndim not in (0, 1) or not may_be(a.shape[-2], rows):
        raise ShapeError(
            "Incompatible shapes between `a` and `b`. "
            f"Received: a.shape={tuple(a.shape)}, b.shape={tuple(b.shape)}"
        )
    is_vector = bool(b.ndim < a.ndim)
    if is_vector:
        b = apply("reshape", {"shape": [*b.shape, 1]}, [b])
    return *of_one_batch(a, b), is_vector


def _as_vector(x: Any, is_vector: bool) -> Any:
    return apply("reshape", {"shape": list(x.shape[:-1])}, [x]) if is_vector else x


@operation
def solve(a: Any, b: Any) -> Any:
    """The x with a x = b, as NumPy's `np.linalg.solve`.

    Parameters
    ----------
    a : tensor (..., n, n)
        Integers are cast to floats.
    b : tensor
        (..., n, k), or (..., n) with one axis less than a; the axes before broadcast.

    Returns
    -------
    tensor
        The shape of b, in the common float dtype.

    Raises
    ------
    DataError
        A singular matrix, in a compiled step too.
    ShapeError
        A matrix that is not square, or a right side of another length.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> solve([[2.0]], [4.0]).tolist()
    [2.0]
    """
    a, b, is_vector = _as_systems(a, b)
    return _as_vector(apply("solve", {"transpose": False}, [a, b]), is_vector)


@operation
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The x with a x = b, reading one triangle of a only; as SciPy's
    `scipy.linalg.solve_triangular`.

    Parameters
    ----------
    a : tensor (..., n, n)
        Integers are cast to floats.
    b : tensor
        (..., n, k), or (..., n) with one axis less than a; the axes before broadcast.
    lower : bool
        Whether the lower triangle is read. Default False.

    Returns
    -------
    tensor
        The shape of b, in the common float dtype.

    Raises
    ------
    DataError
        A 0 on the diagonal, in a compiled step too.
    ShapeError
        A matrix that is not square, or a right side of another length.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> solve_triangular([[2.0]], [4.0]).tolist()
    [2.0]
    """
    a, b, is_vector = _as_systems(a, b)
    return _as_vector(_triangular(a, b, bool(lower)), is_vector)


@operation
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x of least norm that minimises |a x - b|, as NumPy's `np.linalg.lstsq`.

    Parameters
    ----------
    a : tensor (m, n)
        Integers are cast to floats.
    b : tensor
        (m,) or (m, k).
    rcond : float, optional
        Singular values up to `rcond` times the largest count as 0. Default: the dtype's epsilon
        times max(m, n).

    Returns
    -------
    tensor
        (n,) or (n, k), in the common float dtype: the Moore-Penrose inverse of a times b.

    Raises
    ------
    ShapeError
        `a` without 2 axes, or another number of rows in `b`.
    DataError
        NaN or an infinity in `a`, in a compiled step too.
    ValueError
        `rcond` below 0.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> lstsq([[2.0]], [4.0]).round(4).tolist()
    [2.0]
    """
    a, b = promote_float(as_tensor(a), as_tensor(b))
    if a.ndim != 2 or b.ndim not in (1, 2) or not may_be(a.shape[0], b.shape[0]):
        raise ShapeError(
            "lstsq: expected a of (m, n) and b of (m,) or (m, k), "
            f"got {tuple(a.shape)} and {tuple(b.shape)}"
        )
    is_vector = b.ndim == 1
    column = apply("reshape", {"shape": [*b.shape, 1]}, [b]) if is_vector else b
    return _as_vector(matmul(pinv(a, rcond), column), is_vector)


@operation
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values above `tol`, as NumPy's `np.linalg.matrix_rank`.

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`.
    tol : float, optional
        Default: the largest singular value times max(m, n) times the dtype's epsilon.

    Returns
    -------
    int32 tensor
        (...).

    Raises
    ------
    DataError
        NaN or an infinity, in a compiled step too.
    ShapeError
        `x` has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).item()
    1
    """
    x = as_matrices(x)
    dtype = standardize_dtype(x.dtype)
    _, values, _ = apply("svd", {"full": False}, [x], outputs=3)
    if tol is not None:
        least = as_dtype(float(tol), dtype)
    else:
        # With a 0 beside them there is a largest one where there are none.
        zero = as_dtype(0.0, dtype)
        shape = [*x.shape[:-2], 1]
        zeros = apply("broadcast_to", {"shape": shape}, [zero])
        both = apply("concat", {"axis": x.ndim - 2}, [values, zeros])
        largest = reductions.max(both, axis=-1, keepdims=True)
        least = binary("mul", largest, as_dtype(rounding(x), dtype))
    above = as_dtype(binary("gt", values, least), "int32")
    return reductions.sum(above, axis=-1)
