"""Which files a folder holds, of which class, and which of them are for training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FORMATS", "encode_labels", "index_folder", "split"]

_PICTURES = "image_dataset_from_directory"
FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")

Array = npt.NDArray[Any]


def _walk(folder: str, follow_links: bool, formats: tuple[str, ...]) -> Iterator[str]:
    """The files below a folder, by name; a folder that links lead to twice is seen once."""
    seen: set[str] = set()
    found = []
    for root, folders, files in os.walk(folder, followlinks=follow_links):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        found.append((root, sorted(f for f in files if f.lower().endswith(formats))))
    for root, files in sorted(found):
        for file in files:
            yield os.path.join(root, file)


def index_folder(
    directory: Any,
    labels: Any,
    class_names: Sequence[str] | None,
    follow_links: bool,
    formats: tuple[str, ...] = FORMATS,
    caller: str = _PICTURES,
    what: str = "images",
) -> tuple[list[str], list[int] | None, list[str] | None]:
    """The paths of a folder's files, their labels, and the names of the classes.

    Parameters
    ----------
    directory : str or Path
    labels : "inferred", None, or a sequence of int
        Told by the subfolders, none, or in the order of the paths.
    class_names : sequence of str, optional
        The subfolders to take, in the order of their labels. Default: all, by name.
    follow_links : bool
        Visit folders that links lead to.
    formats : tuple of str
        Endings, in lower case. Default: those of pictures.
    caller, what : str
        Who asks, for what, for the messages.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        No such folder.
    ValueError
        Names that are no subfolders, or another number of labels than of files.
    """
    folder = os.path.expanduser(os.fspath(directory))
    if not os.path.isdir(folder):
        kind = NotADirectoryError if os.path.exists(folder) else FileNotFoundError
        raise kind(f"{caller}: expected a folder, got '{folder}'")
    if labels != "inferred":
        paths = list(_walk(folder, follow_links, formats))
        if labels is None:
            return paths, None, None
        if len(labels) != len(paths):
            raise ValueError(
                f"{caller}: Expected the lengths of `labels` to match the number of files, a label "
                f"for each of {len(paths)} {what} in '{folder}', got {len(labels)}"
            )
        return paths, [int(n) for n in labels], [str(n) for n in sorted(set(labels))]
    there = sorted(
        name
        for name in os.listdir(folder)
        if not name.startswith(".") and os.path.isdir(os.path.join(folder, name))
    )
    names = there if class_names is None else list(class_names)
    if unknown := [name for name in names if name not in there]:
        raise ValueError(
            f"{caller}: expected class_names among the folders of '{folder}', {there}, got "
            f"{unknown} (the `class_names` passed did not match)"
        )
    found, numbers = [], []
    for number, name in enumerate(names):
        for path in _walk(os.path.join(folder, name), follow_links, formats):
            found.append(path)
            numbers.append(number)
    return found, numbers, names


def encode_labels(
    labels: Sequence[int], label_mode: str, classes: int, caller: str = _PICTURES
) -> Array:
    """Labels as the loss takes them.

    Parameters
    ----------
    labels : sequence of int
    label_mode : {"int", "categorical", "binary"}
        (n,) int32; (n, classes) float32, one-hot; (n, 1) float32 of 0 and 1.
    classes : int
    caller : str
        Who asks, for the messages.

    Raises
    ------
    ValueError
        Labels beyond the classes, or other than two classes where there have to be two.
    """
    array = np.asarray(labels, dtype="int32")
    if label_mode == "int":
        return array
    if label_mode == "binary" and classes != 2:
        raise ValueError(
            f'{caller}: expected two classes with label_mode="binary" (there must be exactly 2 '
            f"class_names), got {classes}"
        )
    if array.size and (array.min() < 0 or array.max() >= classes):
        raise ValueError(
            f"{caller}: expected labels 0 to {classes - 1} with "
            f'label_mode="{label_mode}", got {array.min()} to {array.max()}'
        )
    if label_mode == "binary":
        return array[:, None].astype("float32")
    return np.asarray(np.eye(classes, dtype="float32")[array])


def split(count: int, validation_split: float | None, subset: str | None) -> dict[str, slice]:
    """Which of `count` files are for what; the last ones are for validation.

    Examples
    --------
    >>> split(10, 0.25, "both")
    {'training': slice(0, 8, None), 'validation': slice(8, 10, None)}
    """
    if not validation_split:
        return {"": slice(0, count)}
    at = count - int(validation_split * count)
    parts = {"training": slice(0, at), "validation": slice(at, count)}
    return parts if subset == "both" else {str(subset): parts[str(subset)]}
