"""Models and weights to files and back: the ending of a name says in which format.

================ ==================================== ==========================================
ending           what                                 in
================ ==================================== ==========================================
`.chainrule`     a model                              `saving/own_files.py`
`.safetensors`   weights                              the same
`.keras`         a model, as Keras 3 has it           `saving/keras_files/models.py`
`.weights.h5`    weights, as Keras 3 has them         the same
`.h5`, `.hdf5`   a model or weights, as Keras 2 has   `saving/keras_files/legacy.py`
================ ==================================== ==========================================

Loading reads numbers and names; it runs no code.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from chainrule.base.errors import FileFormatError, NotBuiltError
from chainrule.saving.foreign import (
    HDF5_ENDINGS,
    KERAS_ENDING,
    MODEL_ENDINGS,
    WEIGHTS_ENDINGS,
    check_ending,
    kind_of,
)
from chainrule.saving.own_files import (
    load_own_model,
    load_own_weights,
    save_own_model,
    save_own_weights,
)

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]


def _target(what: str, filepath: Any, endings: tuple[str, ...], overwrite: bool) -> str:
    """The path of a file that may be written."""
    path = str(os.fspath(filepath))
    check_ending(what, path, endings)
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"save: expected a new file with overwrite=False, got '{path}'")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"save: expected an existing folder, got '{folder}'")
    return path


def _source(filepath: Any) -> str:
    path = str(os.fspath(filepath))
    if not os.path.exists(path):
        raise FileNotFoundError(f"load: expected a file, got '{path}'")
    return path


def _check_kind(path: str, what: str, word: str) -> None:
    """Refuse a file whose first bytes tell of another format than its ending.

    Raises
    ------
    FileFormatError
    """
    is_plain = os.path.isdir(path) or os.path.isfile(path)
    kind = kind_of(path) if is_plain else "a device or a pipe"
    if kind is None or word not in kind:
        raise FileFormatError(f"file '{path}': expected {what}, got {kind or 'something else'}")


def _check_built(model: Any, when: str) -> None:
    raise_it = not model.built
    if when == "saved":
        has_any = bool(model.variables) or all(x.built for x in model._flatten_layers())
        raise_it = raise_it or not has_any
    if raise_it:
        raise NotBuiltError(
            f"model '{model.name}': expected a model that is built before its weights are {when}; "
            "call it on data, `build(input_shape)` it, or begin it with an Input"
        )


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, objects_to_skip: Iterable[Any] | None = None
) -> None:
    """Write the weights to a `.safetensors`, `.weights.h5` or `.h5` file, LoRA's merged.

    A `.weights.h5` file holds the optimizer's state too, where the model is compiled. Files of HDF5
    need `pip install 'chainrule[h5]'`.

    Parameters
    ----------
    model : Model
    filepath : str or path
        `x.weights.h5` is what Keras 3 reads, any other `x.h5` what Keras 2 and `by_name` read.
    overwrite : bool
        Default True.
    objects_to_skip : iterable of Layer, optional
        What a `.weights.h5` file leaves out.

    Raises
    ------
    NotBuiltError
        A model that has no weights yet.
    ValueError
        A file name with another ending.
    FileExistsError
        When the file is there and `overwrite` is False.
    ImportError
        h5py is not installed.
    OSError
        As `chainrule.utils.writing.replacing`.
    """
    path = _target("save_weights", filepath, WEIGHTS_ENDINGS, overwrite)
    _check_built(model, "saved")
    name = path.lower()
    if objects_to_skip is not None and not name.endswith(".weights.h5"):
        raise ValueError(f"save_weights: objects_to_skip is of '.weights.h5' files, got '{path}'")
    if name.endswith(".weights.h5"):
        from chainrule.saving.keras_files.models import save_keras_weights

        save_keras_weights(model, path, objects_to_skip or ())
    elif name.endswith(HDF5_ENDINGS):
        from chainrule.saving.keras_files.legacy import save_legacy_weights

        save_legacy_weights(model, path)
    else:
        save_own_weights(model, path)


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write configuration, weights and optimizer state to one file.

    A layer that stands in several places is written once. `.keras` and `.h5` files need
    `pip install 'chainrule[h5]'`.

    Parameters
    ----------
    model : Model
    filepath : str or path
        `.chainrule`, `.keras` (which Keras 3 opens), or `.h5` (which Keras 2 and 3 open).
    overwrite : bool
        Default True.
    include_optimizer : bool
        Whether the optimizer's state is kept. Default True.

    Raises
    ------
    ValueError
        A file name with another ending.
    FileExistsError
        When the file is there and `overwrite` is False.
    ImportError
        h5py is not installed.
    OSError
        As `chainrule.utils.writing.replacing`.
    """
    path = _target("save", filepath, MODEL_ENDINGS, overwrite)
    name = path.lower()
    if name.endswith(KERAS_ENDING):
        from chainrule.saving.keras_files.models import save_keras_model

        save_keras_model(model, path, include_optimizer)
    elif name.endswith(HDF5_ENDINGS):
        from chainrule.saving.keras_files.legacy_models import save_legacy_model

        save_legacy_model(model, path, include_optimizer)
    else:
        save_own_model(model, path, include_optimizer)


def load_weights(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    memory_limit: int | None = None,
    by_name: bool | None = None,
    objects_to_skip: Iterable[Any] | None = None,
) -> None:
    """Read weights from a file into a built model.

    `.safetensors` and `.chainrule` files are read, `.weights.h5` and `.keras` files of Keras 3, and
    `.h5` files of Keras 2 and 3, which need `pip install 'chainrule[h5]'`.

    Parameters
    ----------
    model : Model
    filepath : str or path
    skip_mismatch : bool
        Leave out, with a warning that lists them, what the file does not hold and what has another
        shape. Default: False, which refuses such a file.
    memory_limit : int, optional
        The most bytes that the file may have. Default: `config.memory_limit()`.
    by_name : bool, optional
        Of `.h5` files: whether layers find their weights by their names. Default: by their order.
    objects_to_skip : iterable of Layer, optional
        What keeps its weights, whatever a `.weights.h5` file holds.

    Raises
    ------
    FileFormatError
        A file that is truncated, corrupt, of other tensors or of another format; no weight has
        changed.
    NotBuiltError
        A model without weights yet.
    ShapeError
        Weights of other shapes, unless `skip_mismatch`; no weight has changed.
    ValueError
        `by_name` or `objects_to_skip` of another format.
    ImportError
        h5py is not installed.
    """
    _check_built(model, "loaded")
    path = _source(filepath)
    name = path.lower()
    is_legacy = False
    if name.endswith(HDF5_ENDINGS):
        from chainrule.saving.keras_files.legacy import is_legacy_file, load_legacy_weights

        _check_kind(path, "weights of HDF5", "HDF5")
        is_legacy = is_legacy_file(path)
    if by_name is not None and not is_legacy:
        raise ValueError(f"load_weights: by_name is of Keras 2's '.h5' files, got '{path}'")
    if objects_to_skip is not None and not name.endswith(".weights.h5"):
        raise ValueError(f"load_weights: objects_to_skip is of '.weights.h5' files, got '{path}'")
    if is_legacy:
        load_legacy_weights(model, path, bool(by_name), skip_mismatch, memory_limit)
    elif name.endswith((KERAS_ENDING, *HDF5_ENDINGS)):
        from chainrule.saving.keras_files.models import load_keras_weights

        if name.endswith(KERAS_ENDING):
            _check_kind(path, "a Keras zip archive (.keras)", "Keras zip")
        load_keras_weights(model, path, skip_mismatch, memory_limit, objects_to_skip or ())
    else:
        load_own_weights(model, path, skip_mismatch, memory_limit)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    memory_limit: int | None = None,
) -> Any:
    """A model as it was saved: architecture, weights, and, compiled, its optimizer's state.

    Parameters
    ----------
    filepath : str or path
        A `.chainrule` file, a `.keras` file of Keras 3, or an `.h5` file of Keras 2 or 3.
    custom_objects : dict, optional
        Classes and functions by name that are neither chainrule's nor registered.
    compile : bool
        Compile as the saved model was. Default True.
    safe_mode : bool
        For Keras's signature: loading never runs code.
    memory_limit : int, optional
        The most bytes that the file, and the variables that are made for it, may have. Default:
        `config.memory_limit()`, and no more than the tensors in the file account for.

    Raises
    ------
    FileNotFoundError
        No file there.
    FileFormatError
        A file that is truncated, corrupt, of another format, or whose configuration asks for more
        than its tensors are.
    ImportError
        h5py is not installed, which `.keras` and `.h5` files need.

    Examples
    --------
    >>> import os, tempfile, numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> path = os.path.join(tempfile.mkdtemp(), "m.chainrule")
    >>> model.save(path)
    >>> x = np.ones((1, 3), "float32")
    >>> same = keras.saving.load_model(path).predict(x, verbose=0) == model.predict(x, verbose=0)
    >>> bool(same.all())
    True
    """
    path = _source(filepath)
    name = path.lower()
    if name.endswith(KERAS_ENDING):
        from chainrule.saving.keras_files.models import load_keras_model

        _check_kind(path, "a Keras zip archive (.keras)", "Keras zip")
        return load_keras_model(path, custom_objects, compile, memory_limit)
    if name.endswith(HDF5_ENDINGS):
        from chainrule.saving.keras_files.legacy_models import load_legacy_model

        _check_kind(path, "a model of HDF5 (.h5)", "HDF5")
        return load_legacy_model(path, custom_objects, compile, memory_limit)
    return load_own_model(path, custom_objects, compile, memory_limit)
