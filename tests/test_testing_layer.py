"""`check_function` and `check_layer`: sound code passes, and every planted fault is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import Variable, layers, ops, random, reference
from chainrule.testing import Check, CheckReport, check_function, check_layer


class Sound(layers.Layer):
    """A gate of its own weights, noise in training, a count of calls and a penalty."""

    def __init__(self, units: int = 3, rate: float = 0.1, seed: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.rate, self.seed = units, rate, seed
        self.generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), regularizer="l2", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")
        self.calls = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="calls"
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def call(self, x: Any, training: bool = False) -> Any:
        if tuple(x.shape[-1:]) != (self.w.shape[0],):
            raise ValueError(f"expected {self.w.shape[0]} features, got the shape {x.shape}")
        y = ops.tanh(ops.matmul(x, self.w) + self.b)
        if training:
            noise = random.normal(ops.shape(y), seed=self.generator, dtype=self.compute_dtype)
            y = y + self.rate * noise
        self.add_loss(ops.mean(ops.square(y)))
        self.calls.assign_add(1)
        return y

    def get_config(self) -> dict[str, Any]:
        own = {"units": self.units, "rate": self.rate, "seed": self.seed}
        return {**super().get_config(), **own}


class WrongShape(Sound):
    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class NeedsBatch(Sound):
    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0] + 0, *input_shape[1:-1], self.units)


class CutByNumpy(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        return ops.convert_to_tensor(np.asarray(x) @ self.w.numpy())


class OtherEagerly(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        y = super().call(x, training)
        return y * (1 + 1e-6) if isinstance(x, np.ndarray) else y


class CountsInPython(Sound):
    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.times = 0

    def call(self, x: Any, training: bool = False) -> Any:
        self.times += 1
        return super().call(x, training)


class LosesConfig(Sound):
    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["rate"]
        return config


class NeedsWhatIsLost(Sound):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["units"]
        return config


class NumpyNoise(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        y = super().call(x, training)
        return y + np.random.normal(size=y.shape).astype(self.compute_dtype)


class OwnGenerator(Sound):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers = np.random.default_rng(0)

    def call(self, x: Any, training: bool = False) -> Any:
        y = super().call(x, training)
        return y + self.numbers.normal(size=y.shape).astype(self.compute_dtype)


class GlobalSeed(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        return super().call(x, training) + random.normal((self.units,), dtype=self.compute_dtype)


class Baked(Sound):
    """Reads a weight once, as an array."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
        self.kept = self.scale.numpy()

    def call(self, x: Any, training: bool = False) -> Any:
        return super().call(x, training) * self.kept


class KeepsTrace(Sound):
    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.last: Any = None

    def call(self, x: Any, training: bool = False) -> Any:
        y = super().call(x, training)
        if not isinstance(y, np.ndarray):
            self.last = y
        return y


class LosesBatch(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        return ops.squeeze(super().call(x, training))


class OneDtype(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        return ops.cast(super().call(x, training), "float32")


class MixesSteps(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        return super().call(x, training) + ops.mean(x, axis=(1, 2), keepdims=True)


class CountsFirst(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        self.calls.assign_add(1)
        return super().call(x, training)


class TakesAnything(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        return super().call(x[..., : self.w.shape[0]], training)


class Raises(Sound):
    def call(self, x: Any, training: bool = False) -> Any:
        raise KeyError("nothing here")


# The layer, the check that must fail first of all, and what its line says.
FAULTS: list[tuple[type[layers.Layer], str, str]] = [
    (WrongShape, "shape inference", r"inferred \(3, 5, 4\), the call gives \(3, 5, 2\)"),
    (NeedsBatch, "unknown batch", "on symbolic tensors of an unknown batch: TypeError"),
    (CutByNumpy, "compiled", "NumPy in a call cuts the gradient.*chainrule.ops"),
    (OtherEagerly, "compiled = eager", "eager .*, compiled .*differ"),
    (CountsInPython, "called twice", "attribute `times` changes in the call, from 1 to 2, and is no V"),
    (LosesConfig, "config", "the one of its configuration"),
    (NeedsWhatIsLost, "config", "from_config: .*units"),
    (NumpyNoise, "called twice", "NumPy's or Python's global generator"),
    (OwnGenerator, "called twice", "attribute `numbers` changes"),
    (GlobalSeed, "called twice", "SeedGenerator"),
    (Baked, "gradient", "'.*/scale': the outputs do not depend on it"),
    (KeepsTrace, "compiled", "attribute `last` keeps a value of the trace"),
    (LosesBatch, "batch of 1", r"inferred \(1, 5, 2\), the call gives \(5, 2\)"),
    (OneDtype, "call", "expected outputs in float64, got float32"),
    (MixesSteps, "mask", "masked steps changes outputs that count"),
    (CountsFirst, "refusal", "axis more.*refused after variable '.*/calls' has changed"),
    (TakesAnything, "refusal", "one feature more.*expected an exception"),
    (Raises, "call", "KeyError: 'nothing here' .at test_testing_layer.py"),
]


def lines(report: CheckReport, name: str) -> list[Check]:
    return [c for c in report.checks if c.name.startswith(name) and c.verdict == "WRONG"]


def test_a_sound_layer_passes_every_check() -> None:
    report = check_layer(Sound(2), (5, 4))
    assert report.ok and report, str(report)
    assert not report.wrong and not [c for c in report.checks if c.verdict == "left out"]
    assert set(report.gradients) == {f"{d}{t}" for d in ("float32", "float64") for t in ("", ", training")}
    again = check_layer(lambda: Sound(2), (None, 4), dtypes=["float64"], threads=[1, 3])
    assert again.ok, str(again)
    assert {check.dtype for check in again.checks} == {"float64"}


@pytest.mark.parametrize("kind, name, words", FAULTS, ids=lambda x: getattr(x, "__name__", None))
@pytest.mark.parametrize("as_instance", [True, False], ids=["instance", "factory"])
def test_every_fault_is_named(kind: Any, name: str, words: str, as_instance: bool) -> None:
    layer = kind(2, rate=0.5) if as_instance else lambda: kind(2, rate=0.5)
    report = check_layer(layer, (5, 4), threads=[1, 2])
    assert not report.ok and not report
    found = lines(report, name)
    assert found, str(report)
    assert any(_says(check.detail, words) for check in found), str(report)
    assert name in str(report) and "WRONG" in str(report)


def _says(text: str, words: str) -> bool:
    return re.search(words, text) is not None


@pytest.mark.parametrize("kind", [kind for kind, _, _ in FAULTS], ids=lambda x: x.__name__)
def test_a_fault_is_not_called_another(kind: Any) -> None:
    """Consequences of a fault may be wrong as well, but what it leaves sound is not."""
    unharmed = {
        WrongShape: ("config", "gradient", "compiled", "called twice"),
        LosesConfig: ("gradient", "compiled", "called twice", "shape inference", "refusal", "mask"),
        Baked: ("config", "compiled", "called twice", "shape inference", "mask", "refusal"),
        MixesSteps: ("config", "compiled", "called twice", "gradient", "shape inference"),
        CountsFirst: ("config", "compiled", "called twice", "gradient", "mask"),
        CountsInPython: ("gradient", "shape inference", "mask"),
        OtherEagerly: ("called twice", "gradient", "shape inference", "mask"),
    }.get(kind, ())
    report = check_layer(lambda: kind(2), (5, 4), threads=[1, 2], dtypes=["float32"])
    assert not set(unharmed) & set(report.wrong), str(report)


def test_a_wrong_gradient_of_an_op_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = reference.load("unary")
    true = module.backward

    def wrong(attrs: Any, *args: Any) -> Any:
        gradients = true(attrs, *args)
        return tuple(1.1 * g for g in gradients) if attrs["function"] == "tanh" else gradients

    monkeypatch.setattr(module, "backward", wrong)
    report = check_layer(lambda: Sound(2), (5, 4))
    assert report.wrong == ["gradient", "gradient, training"]
    assert "(op unary)" in lines(report, "gradient")[0].detail
    assert "first wrong: " in str(report)
    assert check_function(ops.tanh, np.linspace(-1, 1, 5)).wrong == ["gradient"]


def test_several_inputs_by_list_and_by_name() -> None:
    class Mix(layers.Layer):
        def call(self, a: Any, b: Any = None) -> Any:
            return a[0] * a[1] if b is None else a + 2 * b

    by_list, by_name = check_layer(Mix, [(4,), (4,)]), check_layer(Mix, {"a": (4,), "b": (4,)})
    assert by_list.ok and by_name.ok, f"{by_list}\n{by_name}"
    names = [row.weight for row in by_name.gradients["float64"].rows]
    assert names == ["input a", "input b"]


def test_values_and_what_is_left_out() -> None:
    def words(generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return generator.integers(0, 9, shape).astype("int32")

    report = check_layer(layers.Embedding(9, 4), (6,), values=words)
    assert report.ok, str(report)
    report = check_layer(layers.Dense(3, dtype="float32"), (4,))
    assert report.ok
    fixed = check_layer(lambda: layers.Dense(3, dtype="float32"), (4,))
    (left,) = [c for c in fixed.checks if c.dtype == "float64"]
    assert (left.verdict, left.detail) == ("left out", "the layer computes in float32")


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: check_layer(3, (4,)), TypeError, "expected a layer, or a function .* got int"),
        (lambda: check_layer(lambda: 3, (4,)), TypeError, "got 3"),
        (lambda: check_layer(layers.Dense(3), 4), ValueError, "a shape without the batch, got 4"),
        (lambda: check_layer(layers.Dense(3), (4,), values=[None, None]), ValueError, "1 functions"),
        (lambda: check_function(3, np.ones(2)), TypeError, "expected a function, got 3"),
        (lambda: check_function(ops.tanh), ValueError, "at least one array"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_functions() -> None:
    w = Variable(np.array([1.0, -2.0, 0.5]))

    def f(x: Any, n: Any) -> Any:
        w.assign(w + 1.0)
        return {"y": ops.sum(ops.tanh(x) * w, axis=-1), "n": ops.square(n)}

    x, n = np.random.default_rng(0).normal(size=(4, 3)), np.arange(4)
    before = w.numpy()
    report = check_function(f, x, n, variables=[w], dtypes=["float64"])
    assert report.ok, str(report)
    rows = report.gradients["float64"].rows
    assert [row.weight for row in rows] == [w.name, "argument 0"]
    assert np.array_equal(w.numpy(), before)
    hidden = check_function(lambda x: ops.cast(np.asarray(x) * 2, "float64"), x)
    assert hidden.wrong == ["compiled"]
    changing = check_function(lambda x: x * np.random.random(), x)
    assert changing.wrong == ["called twice"]


def test_reports_are_data_text_and_tables() -> None:
    report = check_layer(lambda: LosesConfig(2, rate=0.5), (5, 4), dtypes=["float32"])
    assert report.wrong == ["config"]
    text = str(report)
    assert text.splitlines()[0].split() == ["check", "dtype", "verdict", "what", "was", "found"]
    assert text.splitlines()[-1].startswith("LosesConfig: WRONG in 1 of ")
    assert repr(report) == text
    html = report._repr_html_()
    assert html.count("<tr>") == len(report.checks) + 1 and "WRONG" in html
    assert not CheckReport("nothing").ok
