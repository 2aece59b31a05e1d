"""Text files of a folder as batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base.errors import FileFormatError
from chainrule.utils.labelled_files import Files, select_files
from chainrule.utils.row_batches import batches_of_files

__all__ = ["text_dataset_from_directory"]

Array = npt.NDArray[Any]


@dataclass
class TextFiles:
    """Makes batches of files: `(texts, labels)`, or `texts`, an array of `str` (rows,)."""

    files: Files
    max_length: int | None

    def __call__(self, rows: Array) -> Any:
        """The batch of these numbers."""
        texts = np.empty(len(rows), dtype=object)
        texts[:] = [self._text(self.files.paths[row]) for row in rows]
        return texts if self.files.labels is None else (texts, self.files.labels[rows])

    def _text(self, path: str) -> str:
        try:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
        except UnicodeDecodeError as error:
            raise FileFormatError(
                f"file '{path}': expected text in UTF-8, got bytes of another encoding at byte "
                f"{error.start}"
            ) from None
        return text if self.max_length is None else text[: self.max_length]


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str | None = "tf",
    verbose: bool = True,
) -> Any:
    """The texts of a folder, `directory/class/text.txt`, as batches with labels.

    Parameters
    ----------
    directory : str or Path
    labels : "inferred", None, or a sequence of int
        Told by the subfolder; none; or in the order of the paths. Default: inferred.
    label_mode : {"int", "categorical", "binary", None}
        (rows,) int32; (rows, classes) float32, one-hot; (rows, 1) float32, 0 or 1; or no labels.
    class_names : sequence of str, optional
        The subfolders to take, in the order of their labels. Default: all, by name.
    batch_size : int, optional
        Default: 32. None gives single texts.
    max_length : int, optional
        Characters after which a text is cut off. Default: none.
    shuffle : bool
        Shuffle the texts, anew for each epoch; else they come by name. Default: True.
    seed : int, optional
        For the shuffle. With it, the order of the first epoch and the split are Keras's.
    validation_split : float, optional
        The fraction of the texts, shuffled where they are, that is kept for validation.
    subset : {"training", "validation", "both"}, optional
        Which part to return; with "both" a list of the two, the second without shuffling.
    follow_links : bool
        Visit folders that links lead to. Default: False.
    format : {"tf", "grain"}, optional
        For Keras's signature: the dataset is always chainrule's own.
    verbose : bool
        Print how many files there are. Default: True.

    Returns
    -------
    Dataset, or a list of two
        Of `(texts, labels)`, or `texts`: an array of `str`, (rows,). With `class_names` and
        `file_paths`.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        No such folder.
    ValueError
        Arguments that cannot be; a folder or a part of it without texts. FileFormatError, when its
        turn comes, for a file that is not in UTF-8.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from chainrule import layers
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, text in (("neg", "bad film"), ("pos", "good film")):
    ...     (folder / name).mkdir()
    ...     _ = (folder / name / "0.txt").write_text(text)
    >>> data = text_dataset_from_directory(folder, shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> words = layers.TextVectorization()
    >>> words.adapt(data)
    >>> [(x.tolist(), y.tolist()) for x, y in data.map(lambda x, y: (words(x), y))]
    [([[4, 2], [3, 2]], [0, 1])]
    """
    if format not in ("tf", "grain", None):
        raise ValueError(
            f'`format` should be either "tf" or "grain". Received: format={format}'
        )
    found = select_files(
        "text_dataset_from_directory",
        "text files",
        (".txt",),
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
        batches_of_files(files, TextFiles(files, max_length), batch_size) for files in found
    ]
    return datasets if subset == "both" else datasets[0]
