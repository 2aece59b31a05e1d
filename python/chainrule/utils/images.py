"""Pictures and arrays: read and written by Pillow, an extra (`pip install 'chainrule[image]'`)."""

from __future__ import annotations

import io
import os
import pathlib
import struct
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base import config
from chainrule.base.errors import FileFormatError
from chainrule.utils.writing import replacing

__all__ = ["array_to_img", "img_to_array", "load_img", "pillow", "save_img"]

Array = npt.NDArray[Any]

COLOR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}

_RESAMPLING = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")

# Whatever a damaged picture makes Pillow raise, besides its own `DecompressionBombError`.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, OverflowError, IndexError)


def pillow() -> Any:
    """The module `PIL.Image`.

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading and writing pictures needs Pillow: pip install 'chainrule[image]'"
        ) from error
    return Image


def _channels_first(data_format: str | None) -> bool:
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            f'Expected `data_format` "channels_first" or "channels_last", got {data_format!r}'
        )
    return data_format == "channels_first"


def read_picture(path: Any, name: Any = None) -> Any:
    """A picture, decoded to its end; of several frames the first.

    Parameters
    ----------
    path : str, Path or binary file
    name : optional
        What the message calls it. Default: the path.

    Raises
    ------
    FileNotFoundError
        No such file.
    FileFormatError
        A file that is no picture, is truncated or corrupt, or claims a size of a fifth of a
        gigapixel or more (`PIL.Image.MAX_IMAGE_PIXELS`).
    """
    image = pillow()
    try:
        picture = image.open(path)
        picture.load()
    except FileNotFoundError:
        raise
    except (*_DAMAGED, image.DecompressionBombError) as error:
        raise FileFormatError(
            f"picture '{name or path}': expected a whole picture, got: "
            f"{error or type(error).__name__}"
        ) from error
    return picture


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read a picture with Pillow.

    Parameters
    ----------
    path : str, Path or binary file
    color_mode : {"grayscale", "rgb", "rgba"}
        Default: rgb. A grey picture of more than 8 bits keeps its bits.
    target_size : (int, int), optional
        Height and width to resize to. Default: the picture's own.
    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}
        Pillow's, which smooth where they shrink. Default: nearest.
    keep_aspect_ratio : bool
        Cut the centre out in the target's proportions before it is resized. Default: False.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    ValueError
        An unknown word.
    FileFormatError
        A picture that is truncated, corrupt or none.

    Examples
    --------
    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.png"
    >>> save_img(file, np.full((4, 6, 3), 255), scale=False)
    >>> load_img(file, target_size=(2, 3)).size
    (3, 2)
    """
    if color_mode not in COLOR_MODES:
        raise ValueError(
            f'load_img: expected color_mode "grayscale", "rgb" or "rgba", got {color_mode!r}'
        )
    if target_size is not None and interpolation not in _RESAMPLING:
        raise ValueError(
            f"load_img: expected interpolation to be one of {', '.join(_RESAMPLING)}, got "
            f"{interpolation!r}"
        )
    if not isinstance(path, (str, bytes, os.PathLike)) and not hasattr(path, "read"):
        raise TypeError(f"load_img: expected a path or a binary file, got {type(path).__name__}")
    if not hasattr(path, "read"):
        with open(path, "rb") as file:
            picture = read_picture(io.BytesIO(file.read()), os.fsdecode(path))
    else:
        picture = read_picture(path)
    mode = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}[color_mode]
    is_deep_grey = color_mode == "grayscale" and picture.mode in ("I;16", "I")
    if picture.mode != mode and not is_deep_grey:
        picture = picture.convert(mode)
    if target_size is None or picture.size == (target_size[1], target_size[0]):
        return picture
    height, width = target_size
    resampling = getattr(pillow().Resampling, interpolation.upper())
    box = None
    if keep_aspect_ratio:
        high = min(picture.height, picture.width * height // width)
        wide = min(picture.width, picture.height * width // height)
        top, left = (picture.height - high) // 2, (picture.width - wide) // 2
        box = (left, top, left + wide, top + high)
    return picture.resize((width, height), resampling, box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Array:
    """A picture as an array (height, width, channels).

    Parameters
    ----------
    img : PIL.Image.Image
        Or what NumPy takes as an array of two or three axes.
    data_format : {"channels_last", "channels_first"}, optional
        Default: `image_data_format()`.
    dtype : dtype, optional
        Default: `floatx()`.

    Raises
    ------
    ValueError
        For another number of axes.

    Examples
    --------
    >>> img_to_array(np.zeros((4, 6)), "channels_first").shape
    (1, 4, 6)
    """
    first = _channels_first(data_format)
    array = np.asarray(img, dtype=dtype or config.floatx())
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise ValueError(f"img_to_array: expected 2 or 3 axes, got shape {array.shape}")
    return array.transpose(2, 0, 1) if first else array


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """An array (height, width, channels) as a picture of Pillow's.

    Parameters
    ----------
    x : array
        1 channel is grey, 3 are red, green, blue, 4 have opacity too.
    data_format : {"channels_last", "channels_first"}, optional
        Default: `image_data_format()`.
    scale : bool
        Stretch the values to 0 .. 255; else they are taken as such, and cut to whole numbers.
        Default: True.
    dtype : dtype, optional
        To compute in. Default: `floatx()`.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    ValueError
        Another number of axes or channels.

    Examples
    --------
    >>> array_to_img(np.eye(2)[..., None]).getpixel((0, 0))
    255
    """
    first = _channels_first(data_format)
    image = pillow()
    array = np.asarray(x, dtype=dtype or config.floatx())
    if array.ndim != 3 or array.size == 0:
        raise ValueError(
            f"array_to_img: expected one image of 3 axes, got an array of shape {array.shape}"
        )
    if first:
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        top = array.max()
        array = array * (255 / top if top != 0 else 0)
    if array.shape[2] not in (1, 3, 4):
        raise ValueError(f"array_to_img: expected 1, 3 or 4 channels, got {array.shape[2]}")
    if array.shape[2] > 1:
        return image.fromarray(np.ascontiguousarray(array.astype("uint8")))
    kind = "int32" if array.max() > 255 else "uint8"
    return image.fromarray(np.ascontiguousarray(array[:, :, 0].astype(kind)))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to a picture file.

    Parameters
    ----------
    path : str, Path or binary file
    x : array
        As of `array_to_img`.
    data_format : {"channels_last", "channels_first"}, optional
        Default: `image_data_format()`.
    file_format : str, optional
        Pillow's name of it. Default: told by the path's ending.
    scale : bool
        Stretch the values to 0 .. 255. Default: True.
    **kwargs
        For Pillow's `Image.save`.

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    ValueError
        An array that is no image, or a format that Pillow does not know.
    """
    named = isinstance(path, (str, os.PathLike))
    if file_format is None and named:
        file_format = pathlib.Path(path).suffix[1:]
        if not file_format:
            raise ValueError(f"save_img: expected a path like 'a.png', or `file_format`, got '{path}'")
    file_format = (file_format or "").lower()
    if file_format == "jpg":
        file_format = "jpeg"
    picture = array_to_img(x, data_format=data_format, scale=scale)
    if picture.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG holds no opacity: the picture is saved as RGB.", stacklevel=2)
        picture = picture.convert("RGB")
    try:
        if named:
            with replacing(path) as temporary:
                picture.save(temporary, format=file_format or None, **kwargs)
        else:
            picture.save(path, format=file_format or None, **kwargs)
    except KeyError as error:
        raise ValueError(
            f"save_img: expected a picture format that Pillow knows, got {file_format!r}"
        ) from error
