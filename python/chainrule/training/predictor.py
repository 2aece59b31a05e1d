"""Predictor: a model as it is served."""

from __future__ import annotations

from typing import Any

from chainrule.training.answers import Answers

__all__ = ["Predictor"]


class Predictor:
    """What a model predicts for a batch, by its compiled program; `model.predictor()` makes one.

    Parameters
    ----------
    model : Model
    batch_size : int, optional
        The only number of rows that is taken. Default: any.

    Notes
    -----
    The first call with arrays of a shape compiles the program for it; the last 64 are kept. Any
    number of threads may call at once: each call works in memory of its own, and programs of a few
    microseconds run on the calling thread alone.

    Weights are read where the model has them: what is assigned, trained or loaded later counts from
    the next call on. Each variable is seen as a whole, before or after an assignment; a call
    between the assignments of two variables sees one of them new. To exchange all weights at once,
    make a predictor of a copy (`copy.deepcopy(model)`), and let calls go to that one from then on.

    A predictor can be pickled and copied, with its model; the copy compiles anew.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])
    >>> ask = model.predictor()
    >>> ask(np.ones((1, 3), "float32"))
    array([[3., 3.]], dtype=float32)
    """

    LIMIT = 64

    def __init__(self, model: Any, batch_size: int | None = None) -> None:
        self._model = model
        self._rows = None if batch_size is None else int(batch_size)
        self._answers = Answers(self.LIMIT)

    @property
    def model(self) -> Any:
        """The model that is asked."""
        return self._model

    @property
    def batch_size(self) -> int | None:
        """The only number of rows that is taken, or None."""
        return self._rows

    def __call__(self, x: Any) -> Any:
        """The outputs for one batch, as `predict_on_batch` gives them.

        Parameters
        ----------
        x : array, or list, tuple or dict of arrays
            As for `fit`; at its fastest NumPy arrays in C order, of the dtype of the model's input.

        Raises
        ------
        ShapeError, DTypeError, DataError, NonFiniteError
            What the model does not take, or another number of rows than `batch_size`. The
            predictor stays usable.
        """
        return self._answers(self._model, x, self._rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._model, self._rows)

    def __repr__(self) -> str:
        rows = "any number of" if self._rows is None else self._rows
        return f"<Predictor of model '{self._model.name}' for {rows} rows>"
