"""What every network of this package shares: its input, its top, its published weights."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from chainrule import activations, layers
from chainrule.base import config
from chainrule.base.errors import ShapeError
from chainrule.models import Model
from chainrule.tracing.node import get_source_inputs
from chainrule.tracing.tensor import KerasTensor
from chainrule.utils import files

__all__ = [
    "Options",
    "PublishedFile",
    "channel_axis",
    "correct_pad",
    "described",
    "finish",
    "image_input",
    "make_divisible",
    "normalized",
    "options_of",
    "pooled",
]


Function = TypeVar("Function", bound=Callable[..., Model])

# The fewest rows or columns of an image.
_SMALLEST = 32

_PARAMETERS = {
    "input_shape": """
input_shape : tuple of int or None, optional
    Of an image, without the batch, at least 32 x 32; with "channels_first" the channels stand
    first. Default: that of the published weights, and of any size without a top.""",
    "include_top": """
include_top : bool, default True
    Whether the layers that classify stand on the features.""",
    "weights": """
weights : "imagenet", str or None, default "imagenet"
    The published weights of ImageNet, the path of a file of weights, or None: random ones.""",
    "input_tensor": """
input_tensor : KerasTensor, optional
    The image, an output of `layers.Input` or of a layer. Default: a new input.""",
    "pooling": """
pooling : str or None
    Without a top: "avg" or "max" pools the features over the image, None leaves them as maps.""",
    "classes": """
classes : int, default 1000
    How many classes the top tells apart.""",
    "classifier_activation": """
classifier_activation : str, callable or None, default "softmax"
    Of the top; None gives logits.""",
    "name": """
name : str, optional
    Of the model.""",
}
_AFTER = """
Returns
-------
Model

Raises
------
ShapeError
    For images of a shape that the network does not take.
ValueError
    For unknown weights or pooling, or weights that do not fit."""


def described(function: Function) -> Function:
    """Add to a network's docstring what all networks share, in the order of its arguments."""
    if function.__doc__:  # none with `python -OO`
        text = inspect.cleandoc(function.__doc__)
        head, examples, tail = text.partition("Examples\n")
        before, _, own = head.partition("Parameters\n----------\n")
        shared = "".join(
            _PARAMETERS.get(name, "") for name in inspect.signature(function).parameters
        )
        more = f"\n{own.strip()}" if own else ""
        parameters = f"Parameters\n----------{shared}{more}"
        function.__doc__ = f"{before}{parameters}\n{_AFTER}\n\n{examples}{tail}"
    return function


class PublishedFile(NamedTuple):
    """Weights trained on ImageNet: the folder and name of the file, and its MD5 where published."""

    folder: str
    name: str
    md5: str | None

    def fetch(self) -> str:
        """The path of the file in the cache of downloads, downloaded where it is missing."""
        return files.get_file(
            self.name,
            self.folder + self.name,
            cache_subdir="models",
            file_hash=self.md5,
        )


class Options(NamedTuple):
    """The arguments that all the networks take, named as there, checked by `image_input`."""

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str


def options_of(arguments: Mapping[str, Any]) -> Options:
    """The shared ones of a network's arguments, given as its `locals()` when it begins."""
    return Options(**{name: arguments[name] for name in Options._fields})


def channel_axis() -> int:
    """The axis of channels: 3 with "channels_last", 1 with "channels_first"."""
    return 3 if config.image_data_format() == "channels_last" else 1


def make_divisible(channels: float, divisor: int = 8) -> int:
    """A number of channels, rounded to a multiple of `divisor` that is not below 90% of it.

    Examples
    --------
    >>> make_divisible(32 * 0.35), make_divisible(11)
    (16, 16)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def normalized(x: Any, name: str, **options: Any) -> Any:
    """The channels of a batch normalised."""
    return layers.BatchNormalization(axis=channel_axis(), name=name, **options)(x)


def correct_pad(x: Any, kernel_size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The zeros around an image after which a "valid" convolution of stride 2 is a "same" one."""
    first = 1 if channel_axis() == 3 else 2
    half = kernel_size // 2
    rows, columns = (
        half - (1 if size is None else 1 - size % 2) for size in x.shape[first : first + 2]
    )
    return (rows, half), (columns, half)


def _check(options: Options) -> None:
    name, weights = options.name, options.weights
    if not (weights is None or weights == "imagenet" or os.path.exists(weights)):
        raise ValueError(
            f'{name}: expected `weights` None, "imagenet" or the path of a file, got {weights!r}'
        )
    if options.pooling not in (None, "avg", "max"):
        raise ValueError(
            f'{name}: expected `pooling` None, "avg" or "max", got {options.pooling!r}'
        )
    if not options.include_top:
        return
    if weights == "imagenet" and options.classes != 1000:
        raise ValueError(
            f'{name}: `weights="imagenet"` with `include_top=True` has 1000 classes, got '
            f"classes={options.classes}"
        )
    known = (activations.get("softmax"), activations.get(None))
    if weights is not None and activations.get(options.classifier_activation) not in known:
        raise ValueError(
            f'{name}: trained weights go with `classifier_activation` "softmax" or None, got '
            f"{options.classifier_activation!r}"
        )


def _shape(options: Options, size: int | None) -> tuple[int | None, ...]:
    """The shape of an image; `size` is of the network with a top, None: any."""
    name, given = options.name, options.input_shape
    is_last = channel_axis() == 3
    if given is not None:
        given = tuple(given)
        if len(given) != 3:
            raise ShapeError(f"{name}: expected `input_shape` of three sizes, got {given}")
        channels, sides = (given[2], given[:2]) if is_last else (given[0], given[1:])
        if options.weights == "imagenet" and channels != 3:
            raise ShapeError(
                f'{name}: `weights="imagenet"` is for images of 3 channels, got the shape {given}'
            )
        if any(side is not None and side < _SMALLEST for side in sides):
            raise ShapeError(
                f"{name}: Input size must be at least {_SMALLEST}x{_SMALLEST}, got the shape {given}"
            )
    else:
        channels, sides = 3, (size, size) if options.include_top else (None, None)
    return (*sides, channels) if is_last else (channels, *sides)


def image_input(options: Options, size: int | None) -> Any:
    """The image that a network begins with, after a check of its arguments.

    Parameters
    ----------
    options : Options
    size : int or None
        Rows and columns of the network with a top, where none are given; None: its top takes any.

    Returns
    -------
    KerasTensor

    Raises
    ------
    ShapeError
        For a shape that is not one of images, or too small.
    ValueError
        For unknown weights or pooling, or classes and an activation that the weights do not have.
    TypeError
        For an `input_tensor` that is no KerasTensor.
    """
    _check(options)
    tensor = options.input_tensor
    if tensor is None:
        shape = _shape(options, size)
        if options.include_top and size is not None and None in shape:
            raise ShapeError(
                f"{options.name}: `include_top=True` needs an `input_shape` without None, got "
                f"{shape}"
            )
        return layers.Input(shape)
    if not isinstance(tensor, KerasTensor):
        raise TypeError(
            f"{options.name}: expected `input_tensor` of `layers.Input` or of a layer, got "
            f"{type(tensor).__name__}"
        )
    _shape(options._replace(input_shape=tensor.shape[1:]), size)
    return tensor


def pooled(x: Any, pooling: str | None, names: tuple[str | None, str | None]) -> Any:
    """The features of a network without a top, pooled over the image as `pooling` says."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name=names[0])(x)
    return layers.GlobalMaxPooling2D(name=names[1])(x) if pooling == "max" else x


def finish(options: Options, inputs: Any, outputs: Any, published: PublishedFile | None) -> Model:
    """The model, with the weights that were asked for."""
    source = inputs if options.input_tensor is None else get_source_inputs(inputs)
    model = Model(source, outputs, name=options.name)
    if options.weights == "imagenet":
        if published is None:
            raise ValueError(f"{options.name}: no weights of ImageNet are published for it")
        model.load_weights(published.fetch())
    elif options.weights is not None:
        model.load_weights(options.weights)
    return model
