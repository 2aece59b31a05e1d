"""The metrics of each epoch sent to a server."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.callbacks.callback import Callback, Logs

__all__ = ["RemoteMonitor"]

# Seconds that a server may take to answer.
_PATIENCE = 10.0


class RemoteMonitor(Callback):
    """Posts the epoch and its metrics to a server, as JSON or in a field of a form.

    A server that cannot be reached, or that answers with an error, is a warning; training goes on.

    Parameters
    ----------
    root : str
        Of the address. Default "http://localhost:9000".
    path : str
        Appended to `root`. Default "/publish/epoch/end/".
    field : str
        The form's field that holds the JSON text. Default "data".
    headers : dict of str to str, optional
        Of the request, besides its type.
    send_as_json : bool
        Send JSON in place of a form. Default False.

    Raises
    ------
    ValueError
        An address that is neither http nor https.

    Examples
    --------
    >>> RemoteMonitor("http://localhost:9000", send_as_json=True).address
    'http://localhost:9000/publish/epoch/end/'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json
        if not self.address.startswith(("http://", "https://")):
            raise ValueError(
                f"RemoteMonitor: expected an address that begins with http:// or https://, got "
                f"{self.address!r}"
            )

    @property
    def address(self) -> str:
        """Where the metrics are sent to."""
        return self.root + self.path

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        # Not with the module, which `fit` imports: they take longer than all other callbacks.
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        values = {name: _plain(value) for name, value in (logs or {}).items()}
        text = json.dumps({"epoch": epoch, **values})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        body = text if self.send_as_json else urlencode({self.field: text})
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = Request(self.address, body.encode(), headers, method="POST")
        try:
            with urlopen(request, timeout=_PATIENCE):
                pass
        except OSError as error:  # urllib's own errors are of this kind
            warnings.warn(
                f"RemoteMonitor: the server at {self.address} was not reached: {error}",
                stacklevel=2,
            )


def _plain(value: Any) -> Any:
    """Numbers and lists as JSON knows them."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
