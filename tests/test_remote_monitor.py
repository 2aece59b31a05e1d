"""`callbacks.RemoteMonitor` and a server on this machine."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from tests.local_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def fit(monitor: Any, epochs: int = 2) -> Any:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    return model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=[monitor])


def test_each_epoch_is_posted_in_a_field_of_a_form(server: Server) -> None:
    history = fit(keras.callbacks.RemoteMonitor(server.url.rstrip("/"), field="numbers"))
    assert [path for path, _, _ in server.posted] == ["/publish/epoch/end/"] * 2
    for epoch, (_, headers, body) in enumerate(server.posted):
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        (text,) = urllib.parse.parse_qs(body.decode(), strict_parsing=True)["numbers"]
        assert json.loads(text) == {"epoch": epoch, "loss": history.history["loss"][epoch]}


def test_as_json_with_headers_and_arrays(server: Server) -> None:
    monitor = keras.callbacks.RemoteMonitor(
        server.url, "here", headers={"X-Key": "k"}, send_as_json=True
    )
    monitor.on_epoch_end(3, {"loss": np.float32(0.5), "each": np.arange(2), "n": 1})
    ((path, headers, body),) = server.posted
    assert path == "/here" and headers["X-Key"] == "k"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"epoch": 3, "loss": 0.5, "each": [0, 1], "n": 1}


def test_without_a_server_training_goes_on(server: Server) -> None:
    with pytest.warns(UserWarning, match="^RemoteMonitor: the server at .*missing was not reached"):
        assert len(fit(keras.callbacks.RemoteMonitor(server.url, "missing"), 1).epoch) == 1
    server.http.server_close()
    with pytest.warns(UserWarning, match="^RemoteMonitor: the server at http://127.0.0.1:1/ was"):
        assert len(fit(keras.callbacks.RemoteMonitor("http://127.0.0.1:1/", ""), 1).epoch) == 1


def test_other_addresses_are_refused() -> None:
    for root in ("file:///tmp", "localhost:9000", "ftp://host"):
        with pytest.raises(ValueError, match="^RemoteMonitor: expected an address that begins"):
            keras.callbacks.RemoteMonitor(root)
