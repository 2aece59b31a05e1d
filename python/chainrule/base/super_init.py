"""A forgotten `super().__init__()`, said at the first attribute that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.base.suggestions import Helpful

__all__ = ["SuperInit", "check_super_init"]


def check_super_init(instance: Any, made: str, kind: str) -> None:
    """Raise where a base class's `__init__` has not run on `instance`.

    Parameters
    ----------
    instance : object
    made : str
        An attribute that this `__init__` makes.
    kind : str
        What the object is, for the message.

    Raises
    ------
    RuntimeError
        Without that attribute.
    """
    if made not in vars(instance):
        raise RuntimeError(
            f"In {kind} '{type(instance).__name__}', you forgot to call `super().__init__()` "
            "as the first statement in the `__init__()` method. Go add it!"
        )


class SuperInit(Helpful):
    """A base of classes that users derive from: what is missing says why.

    Attributes
    ----------
    _super_init : tuple of str
        An attribute that `__init__` makes, and what the object is.

    Examples
    --------
    >>> import chainrule as keras
    >>> class Forgetful(keras.losses.Loss):
    ...     def __init__(self):
    ...         self.factor = 2.0
    >>> Forgetful()(0.0, 1.0)
    Traceback (most recent call last):
    RuntimeError: In loss 'Forgetful', you forgot to call `super().__init__()` as the first \
statement in the `__init__()` method. Go add it!
    """

    _super_init: tuple[str, str]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Only called for what is missing."""
            if not name.startswith("__"):
                check_super_init(self, *self._super_init)
            return object.__getattribute__(self, name)
