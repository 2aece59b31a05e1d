"""WAV files: sound as numbers, without compression."""

from __future__ import annotations

import os
import struct
import wave
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base.errors import DataError, DTypeError, FileFormatError, ShapeError
from chainrule.utils.writing import replacing

__all__ = ["read_wav", "resample", "write_wav"]

Array = npt.NDArray[Any]

_PCM, _EXTENSIBLE = 1, 0xFFFE
_FORMATS = {
    2: "ADPCM, compressed",
    3: "floating-point numbers",
    6: "A-law, compressed",
    7: "mu-law, compressed",
    0x11: "IMA ADPCM, compressed",
    0x31: "GSM 6.10, compressed",
    0x50: "MPEG, compressed",
    0x55: "MP3, compressed",
}
# Zero crossings of the sine cardinal on either side.
_CROSSINGS = 16


def read_wav(path: Any) -> tuple[Array, int]:
    """The samples of a WAV file, from -1 to 1, and how many there are in a second.

    Parameters
    ----------
    path : str or path
        PCM of 8, 16, 24 or 32 bits.

    Returns
    -------
    array (steps, channels), int
        float32, and steps a second.

    Raises
    ------
    FileNotFoundError
        No file there.
    FileFormatError
        A file that is no WAV, cut off, compressed, or of samples of another kind.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.wav")
    >>> write_wav(path, np.array([0.0, 0.5, -0.5]), 8000)
    >>> samples, rate = read_wav(path)
    >>> samples.shape, rate
    ((3, 1), 8000)
    """
    name = os.fspath(path)
    with open(name, "rb") as file:
        data = file.read()

    def bad(expected: str, got: str) -> FileFormatError:
        return FileFormatError(f"file '{name}': expected {expected}, got {got}")

    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise bad("a WAV file", f"{len(data)} bytes of another kind" if data else "an empty file")
    form: tuple[int, ...] | None = None
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = data[at + 8 : at + 8 + size]
        if len(body) < size and kind in (b"fmt ", b"data"):
            raise bad(f"{size} bytes of {kind.decode().strip()}", f"{len(body)}: it is cut off")
        if kind == b"fmt ":
            if size < 16:
                raise bad("16 bytes of format or more", str(size))
            form = struct.unpack_from("<HHIIHH", body)
            if form[0] == _EXTENSIBLE and size >= 26:
                form = (struct.unpack_from("<H", body, 24)[0], *form[1:])
        elif kind == b"data":
            if form is None:
                raise bad("the format before the data", "data alone")
            code, channels, rate, _, _, bits = form
            if code != _PCM:
                raise bad("samples of PCM", _FORMATS.get(code, f"format {code:#x}"))
            if bits not in (8, 16, 24, 32) or not channels or not rate:
                raise bad(
                    "PCM of 8, 16, 24 or 32 bits",
                    f"{bits} bits, {channels} channels, {rate} samples a second",
                )
            return _samples(body, channels, bits, bad), rate
        at += 8 + size + size % 2
    raise bad("a WAV file with data", "a file that is cut off before them")


def _samples(body: bytes, channels: int, bits: int, bad: Any) -> Array:
    width = channels * bits // 8
    if len(body) % width:
        raise bad(f"data of whole steps of {width} bytes", f"{len(body)} bytes")
    if bits == 24:
        # Three bytes above an empty one: a number of 32 bits, 256 times as large.
        wide = np.zeros((len(body) // 3, 4), "u1")
        wide[:, 1:] = np.frombuffer(body, "u1").reshape(-1, 3)
        body, bits = wide.tobytes(), 32
    raw = np.frombuffer(body, {8: "u1", 16: "<i2", 32: "<i4"}[bits]).astype("float64")
    if bits == 8:
        raw -= 128
    return (raw / 2.0 ** (bits - 1)).reshape(-1, channels).astype("float32")


def write_wav(path: Any, samples: Any, sampling_rate: int, bits: int = 16) -> None:
    """A WAV file of PCM, whole or not at all: ``round(x 2^(bits - 1))``, so that `read_wav` gives x
    again.

    Parameters
    ----------
    path : str or path
    samples : array (steps,) or (steps, channels)
        Floats; what is beyond -1 to 1 becomes the number nearest to it.
    sampling_rate : int
        Steps a second.
    bits : {8, 16, 24, 32}
        Of a sample. Default 16.

    Raises
    ------
    ShapeError
        Samples of another rank, or without channels.
    DTypeError
        Samples that are no floats.
    DataError
        NaN or infinity.
    ValueError
        A rate or a number of bits that cannot be, more than 4 GB.
    OSError
        A folder that is not there, a full disk.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "tone.wav")
    >>> write_wav(path, 0.5 * np.sin(0.1 * np.arange(8000)), 8000)
    >>> os.path.getsize(path)
    16044
    """
    x = np.asarray(samples)
    if x.dtype.kind != "f":
        raise DTypeError(f"write_wav: expected samples of floats from -1 to 1, got {x.dtype}")
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2 or not 1 <= x.shape[1] < 2**16:
        raise ShapeError(
            f"write_wav: expected samples (steps,) or (steps, channels), got shape {x.shape}"
        )
    if not np.isfinite(x).all():
        raise DataError("write_wav: expected finite samples, got NaN or infinity")
    if bits not in (8, 16, 24, 32):
        raise ValueError(f"write_wav: expected 8, 16, 24 or 32 bits, got {bits!r}")
    if not isinstance(sampling_rate, (int, np.integer)) or not 1 <= sampling_rate < 2**31:
        raise ValueError(
            f"write_wav: expected a sampling rate of 1 or more a second, got {sampling_rate!r}"
        )
    if x.size * bits // 8 >= 2**32 - 2**10:
        raise ValueError(f"write_wav: expected less than 4 GB, got {x.size * bits // 8} bytes")
    whole = 2.0 ** (bits - 1)
    numbers = np.clip(np.rint(x.astype("float64") * whole), -whole, whole - 1)
    with replacing(path) as temporary, wave.open(temporary, "wb") as file:
        file.setparams((x.shape[1], bits // 8, int(sampling_rate), 0, "NONE", ""))
        file.writeframes(_bytes(numbers, bits))


def _bytes(numbers: Array, bits: int) -> bytes:
    if bits == 8:
        return (numbers + 128).astype("u1").tobytes()
    if bits != 24:
        return numbers.astype(f"<i{bits // 8}").tobytes()
    wide = numbers.astype("<i4").reshape(-1, 1).view("u1").reshape(-1, 4)
    return wide[:, :3].tobytes()


def resample(samples: Array, rate: int, wanted: int) -> Array:
    """Samples (steps, channels) at another number of steps a second.

    Each is a sum over neighbours with the weights of a sine cardinal under a Hann window; where
    there are to be fewer steps, frequencies beyond half the new rate are left out.

    Examples
    --------
    >>> resample(np.ones((4, 1)), 8000, 4000).shape
    (2, 1)
    """
    if rate == wanted or not len(samples):
        return samples
    count = -(-len(samples) * wanted // rate)
    cutoff = min(1.0, wanted / rate)
    half = int(np.ceil(_CROSSINGS / cutoff))
    places = np.arange(count) * (rate / wanted)
    result = np.empty((count, samples.shape[1]))
    padded = np.pad(samples.astype("float64"), ((half, half + 1), (0, 0)), mode="edge")
    near = np.arange(-half + 1, half + 1)
    for start in range(0, count, 4096):
        at = places[start : start + 4096]
        base = np.floor(at).astype(int)
        distance = near - (at - base)[:, None]
        window = np.cos(np.pi * distance / (2 * half)) ** 2 * (np.abs(distance) < half)
        weights = np.sinc(distance * cutoff) * window
        weights /= weights.sum(axis=1, keepdims=True)
        taken = padded[base[:, None] + near + half]
        result[start : start + 4096] = np.einsum("nk,nkc->nc", weights, taken)
    return result.astype(samples.dtype)
