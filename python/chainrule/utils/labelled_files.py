"""The files of a folder, with labels, in parts for training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.utils.image_folder import encode_labels, index_folder, split
from chainrule.utils.io import print_msg

__all__ = ["Files", "select_files"]

Array = npt.NDArray[Any]


@dataclass
class Files:
    """Some files of a folder.

    Attributes
    ----------
    paths : list of str
    labels : ndarray or None
        A row for each file.
    class_names : list of str or None
    shuffle : bool
        Whether they come in a new order each epoch.
    seed : int
    """

    paths: list[str]
    labels: Array | None
    class_names: list[str] | None
    shuffle: bool
    seed: int


def select_files(
    caller: str,
    what: str,
    formats: tuple[str, ...],
    directory: Any,
    labels: Any,
    label_mode: str | None,
    class_names: Sequence[str] | None,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    verbose: bool,
) -> list[Files]:
    """The files that the arguments of a `..._dataset_from_directory` ask for, for each subset.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        No such folder.
    ValueError
        Arguments that cannot be or do not fit together; a part without files.
    """

    def bad(expected: str, got: Any) -> ValueError:
        return ValueError(f"{caller}: expected {expected}, got {got}")

    if label_mode not in ("int", "categorical", "binary", None):
        raise bad(
            'a `label_mode`: the `label_mode` argument must be one of "int", "categorical", '
            '"binary", or None',
            repr(label_mode),
        )
    if subset not in ("training", "validation", "both", None):
        raise bad(
            'a part: `subset` must be either "training", "validation" or "both"', repr(subset)
        )
    inferred = isinstance(labels, str) and labels == "inferred"
    if labels is not None and not inferred:
        if not isinstance(labels, (list, tuple, np.ndarray)) or any(
            isinstance(n, bool) or not isinstance(n, (int, np.integer)) for n in labels
        ):
            raise bad(
                "labels: the `labels` argument should be a list/tuple of integers, 'inferred' or None",
                repr(labels)[:80],
            )
        if class_names:
            raise bad(
                'class_names only with inferred labels (You can only pass `class_names` if '
                '`labels="inferred"`)',
                f"class_names={class_names}",
            )
    if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
        raise bad("`batch_size` to be None or an integer of 1 or more", repr(batch_size))
    if validation_split and not 0 < validation_split < 1:
        raise bad("a part: `validation_split` must be between 0 and 1", repr(validation_split))
    if bool(validation_split) != bool(subset):
        given = f"validation_split={validation_split} and subset={subset!r}"
        raise bad("both together (`validation_split` must be set where `subset` is)", given)
    if validation_split and shuffle and seed is None:
        raise bad(
            "a seed: you must provide a `seed`, so that training and validation do not overlap",
            "None",
        )
    if label_mode is None:
        labels = None
    paths, numbers, names = index_folder(
        directory, labels, class_names, follow_links, formats, caller, what
    )
    if verbose:
        classes = "" if names is None else f" belonging to {len(names)} classes"
        print_msg(f"Found {len(paths)} files{classes}.")
    seed = int(np.random.randint(10**6)) if seed is None else seed
    if shuffle:
        np.random.RandomState(seed).shuffle(paths)
        if numbers is not None:
            np.random.RandomState(seed).shuffle(numbers)
    encoded = None
    if numbers is not None and names is not None and label_mode is not None:
        encoded = encode_labels(numbers, label_mode, len(names), caller)
    found = []
    for part, rows in split(len(paths), validation_split, subset).items():
        if not paths[rows]:
            kind = f"{part} {what}" if part else what
            raise bad(
                f"{kind} ({', '.join(formats)}) in '{directory}'",
                f"none (No {kind} found in directory)",
            )
        if part and verbose:
            print_msg(f"Using {len(paths[rows])} files for {part}.")
        shuffled = shuffle and not (subset == "both" and part == "validation")
        kept = None if encoded is None else encoded[rows]
        found.append(Files(paths[rows], kept, names, shuffled, seed))
    return found
