"""One thread at a time builds and traces models."""

from __future__ import annotations

import os
import threading

__all__ = ["tracing"]


class _Tracing:
    """One thread at a time builds and traces models; a layer may be part of several.

    Held for a moment, again in the same thread where it is held already.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def enter_at_once(self) -> bool:
        """Enter, unless another thread is inside; whether that went well."""
        return self._lock.acquire(blocking=False)

    def renew(self) -> None:
        """Free it: the thread that holds it is not in this process."""
        self._lock = threading.RLock()


tracing = _Tracing()
if hasattr(os, "register_at_fork"):  # systems that fork
    os.register_at_fork(after_in_child=tracing.renew)
