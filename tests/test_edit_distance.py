"""Edit distances: against all alignments, KerasHub's rules, weights, there and back, bad input."""

from __future__ import annotations

import functools
from typing import Any

import chainrule as cr
import numpy as np
import pytest
from chainrule import nlp, saving
from chainrule.errors import DataError
from hypothesis import given
from hypothesis import strategies as st

TOKENS = st.lists(st.integers(0, 3), max_size=6).map(tuple)


@functools.cache
def _least(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The definition: the best of all that can be done with the first tokens."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        _least(one[1:], other) + 1,
        _least(one, other[1:]) + 1,
        _least(one[1:], other[1:]) + (one[0] != other[0]),
    )


@given(TOKENS, TOKENS)
def test_it_is_the_least_number_of_changes(one: Any, other: Any) -> None:
    assert nlp.edit_distance(one, other) == _least(one, other)
    assert nlp.edit_distance(np.array(one), list(other)) == _least(one, other)


@given(TOKENS, TOKENS, TOKENS)
def test_it_is_a_distance(a: Any, b: Any, c: Any) -> None:
    assert (nlp.edit_distance(a, b) == 0) == (a == b)
    assert nlp.edit_distance(a, b) == nlp.edit_distance(b, a)
    assert nlp.edit_distance(a, c) <= nlp.edit_distance(a, b) + nlp.edit_distance(b, c)


def test_rates_are_of_all_tokens_and_means_of_all_sequences() -> None:
    true = [["a", "b", "c", "d"], ["e"], []]
    pred = [["a", "x", "c"], [], ["f", "g"]]
    assert float(nlp.EditDistance()(true, pred)) == 1.0
    assert float(nlp.EditDistance(normalize=False)(true, pred)) == pytest.approx(5 / 3)
    metric = nlp.EditDistance()
    for one, other in zip(true, pred):
        metric.update_state(one, other)
    assert float(metric.result()) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert float(metric([], [])) == 0.0 and float(metric([], ["f"])) == 0.0
    assert float(metric(["a", "b"], [])) == pytest.approx(3 / 2)


def test_weights_and_arrays() -> None:
    true, pred = np.array([[1, 2], [3, 4]]), np.array([[1, 1], [4, 3]])
    assert float(nlp.EditDistance()(true, pred)) == 0.75
    assert float(nlp.EditDistance()(true, pred, sample_weight=[3.0, 1.0])) == 5 / 8


def test_there_and_back() -> None:
    metric = nlp.EditDistance(normalize=False, name="changes")
    again = saving.deserialize_keras_object(saving.serialize_keras_object(metric))
    assert isinstance(again, nlp.EditDistance) and again.get_config() == metric.get_config()


@pytest.mark.parametrize(
    "true, pred, part",
    [
        ([[1], [2]], [[1]], "as many sequences in y_true as in y_pred, got 2 and 1"),
        ([1, 2], [[1, 2]], "got one and 1"),
        ([[1]], [], "got 1 and 0"),
        ("a text", ["a"], r"got 'a text'; a text has words \(`text.split\(\)`\)"),
        ([1], 5, "expected sequences of tokens, got 5"),
        ([1, [2]], [1], "expected tokens or sequences of tokens, got both"),
    ],
)
def test_what_is_no_sequence_is_refused(true: Any, pred: Any, part: str) -> None:
    metric = nlp.EditDistance(name="wer")
    with pytest.raises(DataError, match=f"metric 'wer': .*{part}"):
        metric.update_state(true, pred)
    assert float(metric.result()) == 0


def test_a_compiled_step_holds_no_sequences() -> None:
    model = cr.Sequential([cr.Input((2,)), cr.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[nlp.EditDistance()])
    with pytest.raises(TypeError, match="tensor of a model; call the metric with what"):
        model.fit(np.ones((2, 2)), np.ones((2, 2)), verbose=0)
