"""y = x; no gradient is taken of a file"""

from __future__ import annotations

from chainrule.exporting.onnx.identity import translate

__all__ = ["translate"]
