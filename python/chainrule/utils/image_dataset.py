"""Pictures of a folder as batches, decoded on threads while the core computes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _core
from chainrule.base import config
from chainrule.base.errors import FileFormatError
from chainrule.utils.image_folder import FORMATS
from chainrule.utils.images import COLOR_MODES, pillow, read_picture
from chainrule.utils.labelled_files import select_files
from chainrule.utils.proportions import cropped, padded
from chainrule.utils.row_batches import batches_of_files

__all__ = ["image_dataset_from_directory"]

Array = npt.NDArray[Any]

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


@dataclass
class Pictures:
    """Makes batches of the pictures of files; the arguments are those of the dataset.

    A batch is `(images, labels)`, or `images` where there are no labels: float32 of 0 to 255,
    (rows, height, width, channels).
    """

    file_paths: list[str]
    labels: Array | None
    image_size: tuple[int, int]
    color_mode: str
    interpolation: str
    crop_to_aspect_ratio: bool
    pad_to_aspect_ratio: bool
    data_format: str
    on_error: str
    unreadable: set[int] = field(default_factory=set)

    def __call__(self, rows: Array) -> Any:
        """The batch of these numbers; None where none of its pictures can be read.

        Raises
        ------
        FileFormatError
            A picture that is truncated, corrupt or none, by its path.
        """
        found = [(row, self._image(int(row))) for row in rows if row not in self.unreadable]
        kept = [row for row, image in found if image is not None]
        if not kept:
            return None
        batch = np.stack([image for _, image in found if image is not None])
        return batch if self.labels is None else (batch, self.labels[kept])

    def _image(self, row: int) -> Array | None:
        path = self.file_paths[row]
        try:
            array = _pixels(read_picture(path), self.color_mode)
        except (FileFormatError, FileNotFoundError) as error:
            if self.on_error == "raise":
                raise
            warnings.warn(f"{error} (skipped)", RuntimeWarning, stacklevel=2)
            self.unreadable.add(row)
            return None
        return self._resized(array.astype("float32"))

    def _resized(self, array: Array) -> Array:
        if self.crop_to_aspect_ratio:
            array = cropped(array, self.image_size)
        elif self.pad_to_aspect_ratio:
            array = padded(array, self.image_size)
        if array.shape[:2] != self.image_size:
            attributes = {
                "size": list(self.image_size),
                "method": self.interpolation,
                "antialias": False,
            }
            array = _core.eager("resize", attributes, [array[None]])[0][0]
        if self.data_format == "channels_first":
            return np.ascontiguousarray(array.transpose(2, 0, 1))
        return array


def _pixels(picture: Any, color_mode: str) -> Array:
    """Red, green and blue, or grey, of 8 bits: (height, width, channels)."""
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype("int64")
        picture = pillow().fromarray((deep.clip(0, 65535) >> 8).astype("uint8"))
    mode = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}[color_mode]
    array = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    return array.reshape(*array.shape[:2], COLOR_MODES[color_mode])


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str | None = None,
    verbose: bool = True,
    on_error: str = "raise",
    workers: int | None = None,
) -> Any:
    """The pictures of a folder, `directory/class/picture.jpg`, as batches with labels.

    Pillow decodes them (`pip install 'chainrule[image]'`), on threads, while the core computes.
    Files are taken by their ending: .bmp, .gif (the first frame), .jpeg, .jpg and .png.

    Parameters
    ----------
    directory : str or Path
    labels : "inferred", None, or a sequence of int
        Told by the subfolder; none; or in the order of the paths. Default: inferred.
    label_mode : {"int", "categorical", "binary", None}
        (rows,) int32; (rows, classes) float32, one-hot; (rows, 1) float32, 0 or 1; or no labels.
        Default: int.
    class_names : sequence of str, optional
        The subfolders to take, in the order of their labels. Default: all, by name.
    color_mode : {"rgb", "grayscale", "rgba"}
        3, 1 or 4 channels. Default: rgb.
    batch_size : int, optional
        Default: 32. None gives single pictures.
    image_size : (int, int) or int
        Height and width that the pictures are resized to. Default: 256 x 256.
    shuffle : bool
        Shuffle the pictures, anew for each epoch; else they come by name. Default: True.
    seed : int, optional
        For the shuffle. With it, the order of the first epoch and the split are Keras's.
    validation_split : float, optional
        The fraction of the pictures, shuffled where they are, that is kept for validation.
    subset : {"training", "validation", "both"}, optional
        Which part to return; with "both" a list of the two, the second without shuffling.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        Default: bilinear.
    follow_links : bool
        Visit folders that links lead to. Default: False.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Keep the proportions: cut the centre out, or fill up with zeros. Default: stretch.
    data_format : {"channels_last", "channels_first"}, optional
        Default: `image_data_format()`.
    format : {"tf", "grain"}, optional
        For Keras's signature: the dataset is always chainrule's own.
    verbose : bool
        Print how many files there are. Default: True.
    on_error : {"raise", "skip"}
        What to do with a picture that cannot be read: raise an error that names it, or warn, and
        leave it out of its batch; a batch of which nothing is left does not come. Default: raise.
    workers : int, optional
        Threads that decode; 0 decodes where batches are asked for. Default: one for each processor,
        up to 8.

    Returns
    -------
    Dataset, or a list of two
        Of `(images, labels)`, or `images`: float32 of 0 to 255, (rows, height, width, channels).
        With `class_names` and `file_paths`.

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    FileNotFoundError, NotADirectoryError
        No such folder.
    ValueError
        An unknown word; a folder or a part of it without pictures; labels that do not fit.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from chainrule.utils.images import save_img
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("cat", "dog"):
    ...     (folder / name).mkdir()
    ...     for i in range(3):
    ...         save_img(folder / name / f"{i}.png", np.full((8, 8, 3), 40 * i), scale=False)
    >>> data = image_dataset_from_directory(folder, image_size=(8, 8), batch_size=4, seed=1)
    Found 6 files belonging to 2 classes.
    >>> data.class_names, [images.shape for images, labels in data]
    (['cat', 'dog'], [(4, 8, 8, 3), (2, 8, 8, 3)])
    """
    for name, word, known in (
        ("color_mode", color_mode, tuple(COLOR_MODES)),
        ("interpolation", interpolation, INTERPOLATIONS),
        ("format", format, ("tf", "grain", None)),
        ("on_error", on_error, ("raise", "skip")),
        ("data_format", data_format, ("channels_first", "channels_last", None)),
    ):
        if word not in known:
            words = ", ".join(map(repr, known))
            raise _bad(f"{name} to be one of {words}", f"{word!r} (`{name}` must be one of them)")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise _bad("one of crop_to_aspect_ratio and pad_to_aspect_ratio at most", "both")
    size = _image_size(image_size)
    if workers is not None and (isinstance(workers, bool) or workers < 0):
        raise _bad("workers to be an integer of 0 or more", repr(workers))
    pillow()
    found = select_files(
        "image_dataset_from_directory",
        "images",
        FORMATS,
        directory,
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    threads = min(8, os.cpu_count() or 1) if workers is None else workers
    datasets = []
    for files in found:
        pictures = Pictures(
            files.paths,
            files.labels,
            size,
            color_mode,
            interpolation,
            crop_to_aspect_ratio,
            pad_to_aspect_ratio,
            data_format or config.image_data_format(),
            on_error,
        )
        datasets.append(batches_of_files(files, pictures, batch_size, threads))
    return datasets if subset == "both" else datasets[0]


def _bad(expected: str, got: str) -> ValueError:
    return ValueError(f"image_dataset_from_directory: expected {expected}, got {got}")


def _image_size(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else size
    if (
        not isinstance(pair, (list, tuple))
        or len(pair) != 2
        or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in pair)
    ):
        raise _bad("image_size to be two integers of 1 or more", repr(size))
    return pair[0], pair[1]
