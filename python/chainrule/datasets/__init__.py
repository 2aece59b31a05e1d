"""Data to learn from: what ships with chainrule, and what is found or downloaded."""

from chainrule.base.namespace import publish
from chainrule.datasets import boston_housing as boston_housing
from chainrule.datasets import california_housing as california_housing
from chainrule.datasets import cifar10 as cifar10
from chainrule.datasets import cifar10_small as cifar10_small
from chainrule.datasets import cifar100 as cifar100
from chainrule.datasets import digits as digits
from chainrule.datasets import fashion_mnist as fashion_mnist
from chainrule.datasets import imdb as imdb
from chainrule.datasets import mnist as mnist
from chainrule.datasets import reuters as reuters

publish(globals())
