"""Decompositions of matrices, by NumPy (LAPACK).

They work on arrays; a traced argument is a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base.errors import ShapeError
from chainrule.base.sizes import may_be
from chainrule.ops._common import eager_only
from chainrule.tracing.arrays import constant
from chainrule.tracing.casting import as_float

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "lstsq", "lu_factor",
    "matrix_rank", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip


def _lapack(name: str, function: Callable[..., Any], *xs: Any, square: bool = False) -> Any:
    arrays = [as_float(x) for x in xs]
    for a in arrays[:1]:
        if a.ndim < 2:
            raise ShapeError(
                "Expected input to have rank >= 2. "
                f"Received input with shape {tuple(a.shape)}."
            )
        if square and not may_be(a.shape[-1], a.shape[-2]):
            raise ShapeError(
                "Expected a square matrix. "
                f"Received non-square input with shape {tuple(a.shape)}"
            )
    return eager_only(function, *arrays, name=name)


def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular L with x = L L^T, as NumPy's `np.linalg.cholesky` (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Symmetric and positive definite, of which the lower triangle is read; integers are cast to
        `floatx()`.
    upper : bool
        Whether to give the transpose of L. Default False.

    Returns
    -------
    tensor
        (..., n, n), in the float dtype of x.

    Raises
    ------
    ValueError
        A matrix that is not positive definite.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> cholesky([[4.0]]).tolist()
    [[2.0]]
    """
    try:
        lower = _lapack("cholesky", np.linalg.cholesky, x, square=True)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"Cholesky decomposition failed: {error}") from error
    return np.swapaxes(lower, -1, -2) if upper else lower


def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix whose Cholesky factor is x, as PyTorch's `torch.cholesky_inverse`
    (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Triangular; integers are cast to `floatx()`.
    upper : bool
        Whether x is the transpose of L. Default False.

    Returns
    -------
    tensor
        (L L^T)^-1, (..., n, n), in the float dtype of x.

    Raises
    ------
    ValueError
        A singular factor.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> cholesky_inverse([[2.0]]).tolist()
    [[0.25]]
    """

    def compute(a: Any) -> Any:
        half = np.linalg.inv(np.swapaxes(a, -1, -2) if upper else a)
        return np.swapaxes(half, -1, -2) @ half

    return _lapack("cholesky_inverse", compute, x, square=True)


def det(x: Any) -> Any:
    """The determinant, as NumPy's `np.linalg.det` (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`; no float16.

    Returns
    -------
    tensor
        (...), in the float dtype of x.

    Raises
    ------
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> det([[2.0]]).item()
    2.0
    """
    return np.asarray(_lapack("det", np.linalg.det, x, square=True))


def slogdet(x: Any) -> Any:
    """The sign of the determinant and ln of its size, as NumPy's `np.linalg.slogdet` (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`; no float16.

    Returns
    -------
    tuple of tensors
        The sign and the logarithm, (...) each, in the float dtype of x; 0 and -inf for singular
        matrices.

    Raises
    ------
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.item() for part in slogdet([[1.0]])]
    [1.0, 0.0]
    """
    return tuple(np.asarray(part) for part in _lapack("slogdet", np.linalg.slogdet, x, square=True))


def eig(x: Any) -> Any:
    """Eigenvalues and eigenvectors of a square matrix, as NumPy's `np.linalg.eig` (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`; no float16.

    Returns
    -------
    tuple of tensors
        (..., n) values in no order, and (..., n, n) with the vectors as columns; in the float dtype
        of x, or complex where a value is.

    Raises
    ------
    ValueError
        NaN or an infinity.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> eig([[2.0]])[0].tolist()
    [2.0]
    """
    return tuple(_lapack("eig", np.linalg.eig, x, square=True))


def eigh(x: Any) -> Any:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, as NumPy's `np.linalg.eigh`
    (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Symmetric, of which the lower triangle is read; integers are cast to `floatx()`; no float16.

    Returns
    -------
    tuple of tensors
        (..., n) values, and (..., n, n) with the vectors as columns; in the float dtype of x.

    Raises
    ------
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> eigh([[2.0]])[0].tolist()
    [2.0]
    """
    return tuple(_lapack("eigh", np.linalg.eigh, x, square=True))


def inv(x: Any) -> Any:
    """The inverse matrix, as NumPy's `np.linalg.inv` (arrays only).

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`; no float16.

    Returns
    -------
    tensor
        (..., n, n), in the float dtype of x.

    Raises
    ------
    ValueError
        A singular matrix.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> inv([[2.0]]).tolist()
    [[0.5]]
    """
    return _lapack("inv", np.linalg.inv, x, square=True)


def pinv(x: Any, rcond: float | None = None) -> Any:
    """The Moore-Penrose inverse, by the singular values, as NumPy's `np.linalg.pinv` (arrays only).

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`; no float16.
    rcond : float, optional
        Singular values up to `rcond` times the largest count as 0. Default 1e-15.

    Returns
    -------
    tensor
        (..., n, m), in the float dtype of x.

    Raises
    ------
    ValueError
        NaN or an infinity.
    ShapeError
        `x` has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> pinv([[2.0]]).tolist()
    [[0.5]]
    """
    return _lapack("pinv", lambda a: np.linalg.pinv(a, 1e-15 if rcond is None else rcond), x)


def lu_factor(x: Any) -> Any:
    """L and U in one matrix, and the pivots, by partial pivoting; as SciPy's
    `scipy.linalg.lu_factor` (arrays only).

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`.

    Returns
    -------
    tuple of tensors
        (..., m, n) with U in the upper triangle and L, whose diagonal is 1, below it, in the float
        dtype of x; and int32 (..., min(m, n)): row i was exchanged with row pivots[i].

    Raises
    ------
    ShapeError
        `x` has fewer than 2 axes.
    TypeError
        A traced argument.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Golub and Van Loan, Matrix Computations, section 3.4.

    Examples
    --------
    >>> [part.tolist() for part in lu_factor([[2.0]])]
    [[[2.0]], [0]]
    """
    return _lapack("lu_factor", _lu, x)


def _lu(a: Any) -> tuple[Any, Any]:
    if a.ndim > 2:
        parts = [_lu(matrix) for matrix in a]
        return np.stack([p[0] for p in parts]), np.stack([p[1] for p in parts])
    lu, size = np.array(a), min(a.shape)
    pivots = np.arange(size, dtype="int32")
    for k in range(size):
        p = k + int(np.argmax(np.abs(lu[k:, k])))
        pivots[k] = p
        lu[[k, p]] = lu[[p, k]]
        if lu[k, k] != 0:
            lu[k + 1 :, k] /= lu[k, k]
            lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu, pivots


def qr(x: Any, mode: str = "reduced") -> Any:
    """Orthogonal Q and upper triangular R with x = Q R, as NumPy's `np.linalg.qr` (arrays only).

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`; no float16.
    mode : str
        "reduced", or "complete" for a square Q. Default "reduced".

    Returns
    -------
    tuple of tensors
        (..., m, k) and (..., k, n) with k = min(m, n), or m for "complete"; in the float dtype of
        x.

    Raises
    ------
    ValueError
        `mode` neither "reduced" nor "complete".
    ShapeError
        `x` has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> q, r = qr([[3.0], [4.0]])
    >>> abs(r.item())
    5.0
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(
            "`mode` argument value not supported. Expected one of {'reduced', 'complete'}. "
            f"Received: mode={mode}"
        )
    options: dict[str, Any] = {"mode": mode}
    return tuple(_lapack("qr", lambda a: np.linalg.qr(a, **options), x))


def solve(a: Any, b: Any) -> Any:
    """The x with a x = b, as NumPy's `np.linalg.solve` (arrays only).

    Parameters
    ----------
    a : tensor (..., n, n)
        Integers are cast to `floatx()`; no float16.
    b : tensor
        (..., n, k), or (..., n) with one axis less than a.

    Returns
    -------
    tensor
        The shape of b, in the common float dtype.

    Raises
    ------
    ShapeError
        A matrix that is not square, or a right side of another length.
    ValueError
        A singular matrix.
    TypeError
        A traced argument, or float16.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> solve([[2.0]], [4.0]).tolist()
    [2.0]
    """
    a, b = as_float(a), as_float(b)
    _check_right_side(a, b)

    def compute(left: Any, right: Any) -> Any:
        if right.ndim == left.ndim - 1:
            return np.linalg.solve(left, right[..., None])[..., 0]
        return np.linalg.solve(left, right)

    return _lapack("solve", compute, a, b, square=True)


def _check_right_side(a: Any, b: Any) -> None:
    rows = b.shape[-2] if a.ndim == b.ndim > 1 else b.shape[-1] if b.ndim else 0
    if a.ndim < 2 or a.ndim - b.ndim not in (0, 1) or not may_be(a.shape[-2], rows):
        raise ShapeError(
            "Incompatible shapes between `a` and `b`. "
            f"Received: a.shape={tuple(a.shape)}, b.shape={tuple(b.shape)}"
        )


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The x with a x = b, reading one triangle of a only; as SciPy's
    `scipy.linalg.solve_triangular` (arrays only).

    Parameters
    ----------
    a : tensor (..., n, n)
        Integers are cast to `floatx()`; no float16.
    b : tensor
        (..., n, k), or (..., n) with one axis less than a.
    lower : bool
        Whether the lower triangle is read. Default False.

    Returns
    -------
    tensor
        The shape of b, in the common float dtype.

    Raises
    ------
    ShapeError
        A matrix that is not square, or a right side of another length.
    ValueError
        A singular matrix, or a scalar.
    TypeError
        A traced argument, or float16.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> solve_triangular([[2.0]], [4.0]).tolist()
    [2.0]
    """
    a = as_float(a)
    return solve(np.tril(constant(a)) if lower else np.triu(constant(a)), b)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, s, V^T with x = U diag(s) V^T, as NumPy's `np.linalg.svd` (arrays only).

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`; no float16.
    full_matrices : bool
        Whether U and V are square. Default True.
    compute_uv : bool
        Whether to give U and V^T too. Default True.

    Returns
    -------
    tuple of tensors, or tensor
        (..., m, m), (..., k), (..., n, n) with k = min(m, n), or (..., m, k), (..., k), (..., k,
        n); or s alone, descending; in the float dtype of x.

    Raises
    ------
    ValueError
        NaN or an infinity.
    ShapeError
        `x` has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> svd([[2.0]], compute_uv=False).tolist()
    [2.0]
    """
    options: dict[str, Any] = {"full_matrices": full_matrices, "compute_uv": compute_uv}
    found = _lapack("svd", lambda a: np.linalg.svd(a, **options), x)
    return tuple(found) if compute_uv else found


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x of least norm that minimises |a x - b|, as NumPy's `np.linalg.lstsq` (arrays only).

    Parameters
    ----------
    a : tensor (m, n)
        Integers are cast to `floatx()`; no float16.
    b : tensor
        (m,) or (m, k).
    rcond : float, optional
        Singular values up to `rcond` times the largest count as 0. Default: the dtype's epsilon
        times max(m, n).

    Returns
    -------
    tensor
        (n,) or (n, k), in the common float dtype.

    Raises
    ------
    ShapeError
        `a` has fewer than 2 axes.
    ValueError
        `a` with more than 2 axes, another number of rows in `b`, NaN or an infinity.
    TypeError
        A traced argument, or float16.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> lstsq([[2.0]], [4.0]).round(4).tolist()
    [2.0]
    """
    return _lapack("lstsq", lambda m, v: np.linalg.lstsq(m, v, rcond)[0], a, b)


def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values above `tol`, as NumPy's `np.linalg.matrix_rank` (arrays only).

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`; no float16.
    tol : float, optional
        Default: the largest singular value times max(m, n) times the dtype's epsilon.

    Returns
    -------
    int32 tensor
        (...).

    Raises
    ------
    ValueError
        NaN or an infinity.
    ShapeError
        `x` has fewer than 2 axes.
    TypeError
        A traced argument, or float16.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).item()
    1
    """
    return np.asarray(_lapack("matrix_rank", lambda a: np.linalg.matrix_rank(a, tol), x), "int32")
