"""Data that ships with chainrule."""

from chainrule.datasets import digits

__all__ = ["digits"]
