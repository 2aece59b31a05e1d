"""Decompositions of matrices, by NumPy (LAPACK).

They work on arrays; a traced argument is a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base.errors import ShapeError
from chainrule.ops._common import as_float, eager_only
from chainrule.tracing.dispatch import constant

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
        if square and a.shape[-1] != a.shape[-2]:
            raise ShapeError(
                "Expected a square matrix. "
                f"Received non-square input with shape {tuple(a.shape)}"
            )
    return eager_only(function, *arrays, name=name)


def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular L with x = L L^T (arrays only); with `upper` its transpose.

    Raises
    ------
    ValueError
        A matrix that is not positive definite.

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
    """The inverse of the matrix whose Cholesky factor is x (arrays only).

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
    """The determinant (arrays only).

    Examples
    --------
    >>> det([[2.0]]).item()
    2.0
    """
    return np.asarray(_lapack("det", np.linalg.det, x, square=True))


def slogdet(x: Any) -> Any:
    """The sign and the logarithm of the size of the determinant (arrays only).

    Examples
    --------
    >>> [part.item() for part in slogdet([[1.0]])]
    [1.0, 0.0]
    """
    return tuple(np.asarray(part) for part in _lapack("slogdet", np.linalg.slogdet, x, square=True))


def eig(x: Any) -> Any:
    """Eigenvalues and eigenvectors of a square matrix (arrays only).

    Examples
    --------
    >>> eig([[2.0]])[0].tolist()
    [2.0]
    """
    return tuple(_lapack("eig", np.linalg.eig, x, square=True))


def eigh(x: Any) -> Any:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix (arrays only).

    Examples
    --------
    >>> eigh([[2.0]])[0].tolist()
    [2.0]
    """
    return tuple(_lapack("eigh", np.linalg.eigh, x, square=True))


def inv(x: Any) -> Any:
    """The inverse matrix (arrays only).

    Examples
    --------
    >>> inv([[2.0]]).tolist()
    [[0.5]]
    """
    return _lapack("inv", np.linalg.inv, x, square=True)


def pinv(x: Any, rcond: float | None = None) -> Any:
    """The Moore-Penrose inverse (arrays only).

    Examples
    --------
    >>> pinv([[2.0]]).tolist()
    [[0.5]]
    """
    return _lapack("pinv", lambda a: np.linalg.pinv(a, 1e-15 if rcond is None else rcond), x)


def lu_factor(x: Any) -> Any:
    """L and U in one matrix, and the pivots, by partial pivoting (arrays only).

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
    """Orthogonal Q and upper triangular R with x = Q R (arrays only).

    Raises
    ------
    ValueError
        `mode` neither "reduced" nor "complete".

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
    """The x with a x = b (arrays only).

    Raises
    ------
    ShapeError
        A matrix that is not square, or a right side of another length.

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
    if a.ndim < 2 or a.ndim - b.ndim not in (0, 1) or a.shape[-2] != rows:
        raise ShapeError(
            "Incompatible shapes between `a` and `b`. "
            f"Received: a.shape={tuple(a.shape)}, b.shape={tuple(b.shape)}"
        )


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The x with a x = b, reading one triangle of a only (arrays only).

    Examples
    --------
    >>> solve_triangular([[2.0]], [4.0]).tolist()
    [2.0]
    """
    a = as_float(a)
    return solve(np.tril(constant(a)) if lower else np.triu(constant(a)), b)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, s, V^T with x = U diag(s) V^T, or s alone (arrays only).

    Examples
    --------
    >>> svd([[2.0]], compute_uv=False).tolist()
    [2.0]
    """
    options: dict[str, Any] = {"full_matrices": full_matrices, "compute_uv": compute_uv}
    found = _lapack("svd", lambda a: np.linalg.svd(a, **options), x)
    return tuple(found) if compute_uv else found


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x of least norm that minimises |a x - b| (arrays only).

    Examples
    --------
    >>> lstsq([[2.0]], [4.0]).round(4).tolist()
    [2.0]
    """
    return _lapack("lstsq", lambda m, v: np.linalg.lstsq(m, v, rcond)[0], a, b)


def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values above `tol`, as int32 (arrays only).

    Examples
    --------
    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).item()
    1
    """
    return np.asarray(_lapack("matrix_rank", lambda a: np.linalg.matrix_rank(a, tol), x), "int32")
