"""Which variables an optimizer decays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


class Exclusions:
    """The variables that weight decay leaves alone: by identity, or by a pattern in their name.

    Parameters
    ----------
    variables
        Variables that do not decay.
    names
        Regular expressions; a variable whose name holds a match of one does not decay.
    """

    def __init__(self, variables: Iterable[Any] = (), names: Iterable[str] = ()) -> None:
        self.variables = tuple(variables)
        self.names = tuple(names)
        self._identities = frozenset(id(variable) for variable in self.variables)
        self._pattern = re.compile("|".join(self.names)) if self.names else None

    def __contains__(self, variable: Any) -> bool:
        if id(variable) in self._identities:
            return True
        return self._pattern is not None and self._pattern.search(variable.name) is not None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.variables, self.names)
