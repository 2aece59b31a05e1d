"""Data to learn from: what ships with chainrule, and what is found or downloaded."""

from chainrule.base.namespace import publish
from chainrule.datasets import cifar10, cifar10_small, cifar100, digits, fashion_mnist, mnist

__all__ = ["cifar10", "cifar100", "cifar10_small", "digits", "fashion_mnist", "mnist"]

publish(globals())
