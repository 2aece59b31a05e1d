"""Event files, which TensorBoard shows: scalars, histograms, pictures and texts by tag and step, a graph.

The records are written by the package tensorboardX (`pip install 'chainrule[tensorboard]'`). Scalars and
histograms are plain summaries, the rest tensors that name the plugin which shows them.
"""

from __future__ import annotations

import importlib
import io
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.utils.images import array_to_img

__all__ = ["EventFile"]

_BINS = 30
# Pictures of one tag and step.
_MOST_PICTURES = 3
_STRING = 7  # the number of tensorflow.DataType.DT_STRING


class EventFile:
    """A new event file in a folder, which is made.

    Parameters
    ----------
    folder : str

    Raises
    ------
    ImportError
        Without tensorboardX.
    """

    def __init__(self, folder: str) -> None:
        try:
            event_file_writer = importlib.import_module("tensorboardX.event_file_writer")
            self._events = importlib.import_module("tensorboardX.proto.event_pb2")
            self._graphs = importlib.import_module("tensorboardX.proto.graph_pb2")
            self._summaries = importlib.import_module("tensorboardX.proto.summary_pb2")
            self._tensors = importlib.import_module("tensorboardX.proto.tensor_pb2")
        except ImportError as error:
            raise ImportError(
                "TensorBoard's event files need tensorboardX: pip install 'chainrule[tensorboard]'"
            ) from error
        os.makedirs(folder, exist_ok=True)
        self._writer: Any = event_file_writer.EventsWriter(os.path.join(folder, "events"))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Add a number."""
        self._add(step, tag=tag, simple_value=float(value))

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """Add how often values lie where: in 30 parts of their range; those not finite are left out."""
        x = np.asarray(values, "float64").ravel()
        x = x[np.isfinite(x)]
        if not x.size:
            return
        counts, edges = np.histogram(x, _BINS)
        histogram = self._summaries.HistogramProto(
            min=float(x.min()),
            max=float(x.max()),
            num=float(x.size),
            sum=float(x.sum()),
            sum_squares=float(np.square(x).sum()),
            bucket_limit=edges[1:].tolist(),
            bucket=counts.tolist(),
        )
        self._add(step, tag=tag, histo=histogram)

    def pictures(self, tag: str, values: NDArray[Any], step: int) -> None:
        """Add up to three pictures (N, height, width, channels), the range of each from black to white."""
        height, width = values.shape[1:3]
        shown = [_png(picture) for picture in values[:_MOST_PICTURES]]
        words = [str(width).encode(), str(height).encode(), *shown]
        self.tensor(tag, words, "images", b"", step)

    def tensor(
        self, tag: str, words: Sequence[bytes], plugin: str, content: bytes, step: int
    ) -> None:
        """Add strings (one as a scalar, several as a vector) that a plugin of TensorBoard reads."""
        shape = self._tensors.TensorProto(dtype=_STRING, string_val=words)
        if len(words) > 1:
            shape.tensor_shape.dim.add(size=len(words))
        metadata = self._summaries.SummaryMetadata()
        metadata.plugin_data.plugin_name, metadata.plugin_data.content = plugin, content
        self._add(step, tag=tag, tensor=shape, metadata=metadata)

    def graph(self, nodes: Iterable[tuple[str, str, Sequence[str]]]) -> None:
        """Add the graph of the run: of each node its name, its kind and the names of those it reads."""
        found = self._graphs.GraphDef()
        for name, kind, reads in nodes:
            found.node.add(name=name, op=kind, input=reads)
        event = self._events.Event(wall_time=time.time(), graph_def=found.SerializeToString())
        self._writer.write_event(event)

    def _add(self, step: int, **value: Any) -> None:
        summary = self._summaries.Summary(value=[self._summaries.Summary.Value(**value)])
        event = self._events.Event(wall_time=time.time(), step=int(step), summary=summary)
        self._writer.write_event(event)

    def flush(self) -> None:
        """Have all that was added in the file."""
        self._writer.flush()

    def close(self) -> None:
        """Add nothing more."""
        self._writer.close()


def _png(picture: NDArray[Any]) -> bytes:
    low, high = float(picture.min()), float(picture.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    pixels = np.asarray(np.rint((picture - low) * scale), "uint8")
    file = io.BytesIO()
    array_to_img(pixels, "channels_last", scale=False).save(file, "PNG")
    return file.getvalue()
