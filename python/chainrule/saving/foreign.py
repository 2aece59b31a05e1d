"""What a file that is not chainrule's is, told by its first bytes."""

from __future__ import annotations

import os
import re
import zipfile

__all__ = [
    "HDF5_ENDINGS",
    "KERAS_ENDING",
    "MODEL_ENDINGS",
    "WEIGHTS_ENDINGS",
    "check_ending",
    "kind_of",
]

# Weights and models; what an ending promises has to be what is written.
HDF5_ENDINGS = (".h5", ".hdf5")
KERAS_ENDING = ".keras"
MODEL_ENDINGS = (".chainrule", KERAS_ENDING, *HDF5_ENDINGS)
WEIGHTS_ENDINGS = (".safetensors", ".weights.h5", *HDF5_ENDINGS)

_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (.h5, of Keras)"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"GGUF", "a GGUF model"),
    (b"\x1f\x8b", "data packed by gzip"),
    (b"BZh", "data packed by bzip2"),
    (b"\xfd7zXZ", "data packed by xz"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
)
_REMEDY = (
    "whose loading can run any code: in PyTorch, `safetensors.torch.save_file(model.state_dict(), "
    "'model.safetensors')` writes weights that `load_weights` reads with a `mapping`"
)
# Fields of ONNX's ModelProto that follow the version of the format: producer, graph, opset.
_ONNX_FIELDS = b"\x12\x1a\x22\x3a\x42"


def kind_of(path: str) -> str | None:
    """A foreign format in words, or None where the first bytes tell of none.

    Parameters
    ----------
    path : str
        A file or a folder.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = os.path.join(tempfile.mkdtemp(), "a.npz")
    >>> np.savez(path, x=np.ones(2))
    >>> kind_of(path)
    'a NumPy archive (.npz)'
    """
    if os.path.isdir(path):
        is_saved_model = os.path.exists(os.path.join(path, "saved_model.pb"))
        return "a TensorFlow SavedModel folder" if is_saved_model else "a folder"
    with open(path, "rb") as file:
        head = file.read(16)
    if head[8:9] == b"{":
        return None  # safetensors, whatever may be wrong with it
    for magic, words in _MAGIC:
        if head.startswith(magic):
            return words
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(path)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return f"a Python pickle (as PyTorch, joblib and scikit-learn write it), {_REMEDY}"
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model"
    if head[:1] == b"\x08" and 0 < head[1] < 32 and head[2:3] and head[2:3] in _ONNX_FIELDS:
        return "an ONNX model"
    if head.lstrip()[:1] in (b"{", b"["):
        return "JSON text (`models.model_from_json` reads a model's)"
    return None


def _kind_of_zip(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "a damaged zip archive"
    if "config.json" in names:
        return "a Keras zip archive (.keras)"
    if any(name.endswith("/data.pkl") for name in names):
        return f"a PyTorch zip archive, {_REMEDY}"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    return "a zip archive"


def check_ending(what: str, path: str, endings: tuple[str, ...]) -> None:
    """Refuse to write a file whose name promises another format.

    Raises
    ------
    ValueError
    """
    if path.lower().endswith(endings):
        return
    stem = re.sub(r"(\.weights)?\.[A-Za-z]\w{0,15}$", "", os.path.basename(path)) or "model"
    raise ValueError(
        f"{what}: expected a file name that ends in {' or '.join(map(repr, endings))}, such as "
        f"'{stem}{endings[0]}', got '{path}'. Other formats are not written."
    )
