"""Pictures of a folder as batches, decoded on threads while the core computes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _core
from chainrule.base import config
from chainrule.base.errors import FileFormatError
from chainrule.utils.image_folder import FORMATS
from chainrule.utils.images import COLOR_MODES, pillow, read_picture
from chainrule.utils.labelled_files import select_files
from chainrule.utils.prefetch import by_threads
from chainrule.utils.proportions import cropped, padded
from chainrule.utils.py_dataset import PyDataset
from chainrule.utils.remembered import array, checked, count, list_of
from chainrule.utils.shuffled import MappedDataset

__all__ = ["ImageDataset", "image_dataset_from_directory"]

Array = npt.NDArray[Any]

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


class ImageDataset(PyDataset):
    """Batches of pictures, for `fit` or a loop; what `image_dataset_from_directory` returns.

    A batch is `(images, labels)`, or `images` where there are no labels: float32 of 0 to 255,
    (rows, height, width, channels). Iterating over it begins anew each time; with `shuffle` in
    another order.

    Attributes
    ----------
    file_paths : list of str
        The pictures, in the order of the first epoch.
    class_names : list of str or None
        The names of the labels 0, 1, ...

    Parameters
    ----------
    file_paths : sequence of str
    labels : ndarray or None
        A row for each picture.
    class_names : list of str or None
    batch_size : int or None
        None gives single pictures and labels.
    image_size : (int, int)
        Height and width.
    color_mode : {"rgb", "grayscale", "rgba"}
    shuffle : bool
        Draw a new order after each epoch.
    seed : int
        For the shuffle.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        Of the resizing, which does not smooth where it shrinks, as Keras's.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Cut the centre out, or fill up with zeros, before.
    data_format : {"channels_last", "channels_first"}
    on_error : {"raise", "skip"}
        What to do with a picture that cannot be read.
    workers : int
        Threads that decode.
    """

    # `fit` does not shuffle the batches: the pictures are shuffled here, or not at all.
    keeps_order = True

    def __init__(
        self,
        file_paths: Sequence[str],
        labels: Array | None = None,
        class_names: list[str] | None = None,
        batch_size: int | None = 32,
        image_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        shuffle: bool = False,
        seed: int = 0,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        data_format: str = "channels_last",
        on_error: str = "raise",
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers, max_queue_size=workers + 1)
        pillow()
        self.file_paths = list(file_paths)
        self.class_names = class_names
        self.labels = labels
        self.batch_size = batch_size
        self.image_size = image_size
        self.color_mode = color_mode
        self.shuffle = shuffle
        self.seed = seed
        self.data_format = data_format
        self.on_error = on_error
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self._epoch = 0
        self._rows = np.arange(len(self.file_paths))
        self._order = self._rows
        self._unreadable: set[int] = set()

    def __len__(self) -> int:
        return -(-len(self._order) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        """The batch of this number; None where none of its pictures can be read.

        Raises
        ------
        FileFormatError
            A picture that is truncated, corrupt or none, by its path.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"image dataset: expected a batch 0 to {len(self) - 1}, got {index}")
        size = self.batch_size or 1
        rows, images = [], []
        for row in self._order[index * size : (index + 1) * size]:
            image = self._image(int(row))
            if image is not None:
                rows.append(row)
                images.append(image)
        if not images:
            return None
        if self.batch_size is None:
            return images[0] if self.labels is None else (images[0], self.labels[rows[0]])
        batch = np.stack(images)
        return batch if self.labels is None else (batch, self.labels[rows])

    def __iter__(self) -> Iterator[Any]:
        if self.workers:
            batches: Any = by_threads(
                self.__getitem__, range(len(self)), self.workers, self.max_queue_size
            )
        else:
            batches = map(self.__getitem__, range(len(self)))
        yield from (batch for batch in batches if batch is not None)
        self.on_epoch_end()

    def map(self, function: Callable[..., Any]) -> MappedDataset:
        """The dataset of what a function, of x or of x and y, makes of each batch."""
        return MappedDataset(self, function)

    def backup_state(self) -> dict[str, Any]:
        """How many epochs are over, and which pictures can be read."""
        return {"epoch": self._epoch, "rows": self._rows, "skipped": sorted(self._unreadable)}

    def restore_state(self, state: dict[str, Any]) -> None:
        """The order of that epoch."""
        kinds = {"epoch": count, "rows": array, "skipped": list_of(count)}
        values = checked(type(self).__name__, state, kinds)
        rows, known = values["rows"], len(self.file_paths)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not all(0 <= n < known for n in rows):
            raise ValueError(
                f"the state of {type(self).__name__}: expected 'rows' of numbers below {known}"
            )
        self._epoch, self._rows = values["epoch"], rows
        self._unreadable = set(values["skipped"])
        self._draw_order()

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order; pictures that could not be read are left out."""
        self._epoch += 1
        if self._unreadable:
            self._rows = self._rows[~np.isin(self._rows, list(self._unreadable))]
            self._unreadable = set()
        self._draw_order()

    def _draw_order(self) -> None:
        self._order = self._rows
        if self.shuffle and self._epoch:
            generator = np.random.Generator(np.random.Philox(key=[self.seed, self._epoch]))
            self._order = generator.permutation(self._rows)

    def _image(self, row: int) -> Array | None:
        path = self.file_paths[row]
        try:
            array = _pixels(read_picture(path), self.color_mode)
        except (FileFormatError, FileNotFoundError) as error:
            if self.on_error == "raise":
                raise
            warnings.warn(f"{error} (skipped)", RuntimeWarning, stacklevel=2)
            self._unreadable.add(row)
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
        leave it out. Default: raise.
    workers : int, optional
        Threads that decode. Default: one for each processor, up to 8.

    Returns
    -------
    ImageDataset, or a list of two
        With `class_names` and `file_paths`; for `fit`, `evaluate`, `predict`, or a loop.

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
            raise _bad(f"{name} to be one of {', '.join(map(repr, known))}", repr(word))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise _bad("one of crop_to_aspect_ratio and pad_to_aspect_ratio at most", "both")
    size = _image_size(image_size)
    pillow()
    found = select_files(
        "image_dataset_from_directory",
        "pictures",
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
    datasets = [
        ImageDataset(
            files.paths,
            files.labels,
            files.class_names,
            batch_size=batch_size,
            image_size=size,
            color_mode=color_mode,
            shuffle=files.shuffle,
            seed=files.seed,
            interpolation=interpolation,
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            pad_to_aspect_ratio=pad_to_aspect_ratio,
            data_format=data_format or config.image_data_format(),
            on_error=on_error,
            workers=min(8, os.cpu_count() or 1) if workers is None else workers,
        )
        for files in found
    ]
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
