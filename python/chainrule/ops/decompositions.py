"""Decompositions of matrices: Cholesky's, LU, QR, singular values, eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ops._common import eager_only
from chainrule.ops._matrices import as_matrices, swapped, symmetric_part
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["cholesky", "eig", "eigh", "lu_factor", "qr", "svd"]


@operation
def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular L with x = L L^T, as NumPy's `np.linalg.cholesky`.

    Parameters
    ----------
    x : tensor (..., n, n)
        Symmetric and positive definite; of another one the symmetric part, (x + x^T)/2, is taken.
        Integers are cast to `floatx()`.
    upper : bool
        Whether to give the transpose of L. Default False.

    Returns
    -------
    tensor
        (..., n, n), in the float dtype of x. Its gradient by x is symmetric.

    Raises
    ------
    DataError
        A matrix that is not positive definite, in a compiled step too.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> cholesky([[4.0]]).tolist()
    [[2.0]]
    """
    lower = apply("cholesky", {}, [symmetric_part(as_matrices(x, square=True))])
    return swapped(lower) if upper else lower


@operation
def lu_factor(x: Any) -> Any:
    """L and U in one matrix, and the pivots, by partial pivoting; as SciPy's
    `scipy.linalg.lu_factor`.

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`.

    Returns
    -------
    tuple of tensors
        (..., m, n) with U in the upper triangle and L, whose diagonal is 1, below it, in the float
        dtype of x; and int32 (..., min(m, n)): row i was exchanged with row pivots[i]. The gradient
        of a singular matrix is a DataError.

    Raises
    ------
    ShapeError
        `x` has fewer than 2 axes.
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
    lu, pivots, _ = apply("lu", {}, [as_matrices(x)], outputs=3)
    return lu, pivots


@operation
def qr(x: Any, mode: str = "reduced") -> Any:
    """Orthogonal Q and upper triangular R with x = Q R, as NumPy's `np.linalg.qr`, signs included.

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`.
    mode : str
        "reduced", or "complete" for a square Q. Default "reduced".

    Returns
    -------
    tuple of tensors
        (..., m, k) and (..., k, n) with k = min(m, n), or m for "complete"; in the float dtype of
        x. Gradients need independent columns (of the first m, where m < n), and the columns that
        "complete" adds have none (GradientError).

    Raises
    ------
    ValueError
        `mode` neither "reduced" nor "complete".
    ShapeError
        `x` has fewer than 2 axes.
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
    return apply("qr", {"complete": mode == "complete"}, [as_matrices(x)], outputs=2)


@operation
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, s, V^T with x = U diag(s) V^T, as NumPy's `np.linalg.svd`.

    Parameters
    ----------
    x : tensor (..., m, n)
        Integers are cast to `floatx()`.
    full_matrices : bool
        Whether U and V are square. Default True.
    compute_uv : bool
        Whether to give U and V^T too. Default True.

    Returns
    -------
    tuple of tensors, or tensor
        (..., m, m), (..., k), (..., n, n) with k = min(m, n), or (..., m, k), (..., k), (..., k,
        n); or s alone, descending; in the float dtype of x. The largest element of each
        column of U is positive. Between equal singular values no gradient flows; the columns that
        `full_matrices` adds have none (GradientError).

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
    >>> svd([[2.0]], compute_uv=False).tolist()
    [2.0]
    """
    attrs = {"full": bool(full_matrices and compute_uv)}
    u, s, vt = apply("svd", attrs, [as_matrices(x)], outputs=3)
    return (u, s, vt) if compute_uv else s


@operation
def eigh(x: Any) -> Any:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, as NumPy's `np.linalg.eigh`.

    Parameters
    ----------
    x : tensor (..., n, n)
        Symmetric; of another one the symmetric part, (x + x^T)/2, is taken. Integers are cast to
        `floatx()`.

    Returns
    -------
    tuple of tensors
        (..., n) values, and (..., n, n) with the vectors as columns, the largest element of each
        positive; in the float dtype of x. Between equal eigenvalues no gradient flows.

    Raises
    ------
    DataError
        NaN or an infinity, in a compiled step too.
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> eigh([[2.0]])[0].tolist()
    [2.0]
    """
    return apply("eigh", {}, [symmetric_part(as_matrices(x, square=True))], outputs=2)


def eig(x: Any) -> Any:
    """Eigenvalues and eigenvectors of a square matrix, as NumPy's `np.linalg.eig` (arrays only: the
    results may be complex, which no traced value is).

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
    return tuple(eager_only(np.linalg.eig, as_matrices(x, square=True), name="eig"))
