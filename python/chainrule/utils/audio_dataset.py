"""Sound files of a folder as batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base.errors import FileFormatError
from chainrule.utils.labelled_files import Files, select_files
from chainrule.utils.row_batches import batches_of_files
from chainrule.utils.wav import read_wav, resample

__all__ = ["audio_dataset_from_directory"]

Array = npt.NDArray[Any]


@dataclass
class SoundFiles:
    """Makes batches of files: `(sounds, labels)`, or `sounds`, float32 of -1 to 1, (rows, steps,
    channels), with zeros behind the shorter ones."""

    files: Files
    sampling_rate: int | None
    output_sequence_length: int | None

    def __call__(self, rows: Array) -> Any:
        """The batch of these numbers."""
        paths, labels = self.files.paths, self.files.labels
        sounds = [self._sound(paths[row]) for row in rows]
        channels = sounds[0].shape[1]
        for row, sound in zip(rows, sounds):
            if sound.shape[1] != channels:
                raise FileFormatError(
                    f"file '{paths[row]}': expected {channels} channels as in the other "
                    f"files, got {sound.shape[1]}"
                )
        length = self.output_sequence_length or max(map(len, sounds))
        batch = np.zeros((len(sounds), length, channels), "float32")
        for into, sound in zip(batch, sounds):
            into[: len(sound)] = sound[:length]
        return batch if labels is None else (batch, labels[rows])

    def _sound(self, path: str) -> Array:
        samples, rate = read_wav(path)
        wanted = self.sampling_rate
        return samples if wanted is None else resample(samples, rate, wanted)


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """The sounds of a folder, `directory/class/sound.wav`, as batches with labels.

    Files are WAV with PCM of 8, 16, 24 or 32 bits.

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
        Default: 32. None gives single sounds.
    sampling_rate : int, optional
        Steps a second to bring all sounds to. Default: as they are.
    output_sequence_length : int, optional
        Steps to cut or fill up all sounds to. Default: the longest of each batch.
    ragged : bool
        In Keras's signature; True is refused.
    shuffle : bool
        Shuffle the sounds, anew for each epoch; else they come by name. Default: True.
    seed : int, optional
        For the shuffle. With it, the order of the first epoch and the split are Keras's.
    validation_split : float, optional
        The fraction of the sounds, shuffled where they are, that is kept for validation.
    subset : {"training", "validation", "both"}, optional
        Which part to return; with "both" a list of the two, the second without shuffling.
    follow_links : bool
        Visit folders that links lead to. Default: False.
    verbose : bool
        Print how many files there are. Default: True.

    Returns
    -------
    Dataset, or a list of two
        Of `(sounds, labels)`, or `sounds`: float32 of -1 to 1, (rows, steps, channels), with zeros
        behind the shorter ones. With `class_names` and `file_paths`.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        No such folder.
    ValueError
        Arguments that cannot be; a folder or a part of it without sounds. FileFormatError, when its
        turn comes, for a file that is cut off, compressed, or of samples of another kind.

    Examples
    --------
    >>> import pathlib, tempfile, wave
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for i, name in enumerate(("high", "low")):
    ...     (folder / name).mkdir()
    ...     with wave.open(str(folder / name / "0.wav"), "wb") as file:
    ...         file.setparams((1, 2, 8000, 0, "NONE", ""))
    ...         file.writeframes(np.full(100 + i, 16384, "<i2").tobytes())
    >>> data = audio_dataset_from_directory(folder, shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> [(x.shape, x[0, 0].tolist(), y.tolist()) for x, y in data]
    [((2, 101, 1), [0.5], [0, 1])]
    """
    if ragged and output_sequence_length is not None:
        raise ValueError("Cannot set both `ragged` and `output_sequence_length`")
    if ragged:
        raise ValueError(
            "audio_dataset_from_directory: `ragged=True` is not supported: batches are arrays of "
            "one shape, with zeros behind the shorter sounds"
        )
    for name, value in (
        ("sampling_rate", sampling_rate),
        ("output_sequence_length", output_sequence_length),
    ):
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"`{name}` should have an integer value. Received: {name}={value}")
        if value <= 0:
            raise ValueError(f"`{name}` should be higher than 0. Received: {name}={value}")
    found = select_files(
        "audio_dataset_from_directory",
        "audio files",
        (".wav",),
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
    datasets = []
    for files in found:
        sounds = SoundFiles(files, sampling_rate, output_sequence_length)
        datasets.append(batches_of_files(files, sounds, batch_size))
    return datasets if subset == "both" else datasets[0]
