"""What surrounds an optimizer's formula: state, settings, learning rate, saving, errors."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule import constraints, ops, optimizers
from chainrule.optimizers import LossScaleOptimizer, schedules
from chainrule.optimizers.clipping import clip_by_global_norm, global_norm
from chainrule.tracing.trace import Trace

WRAPPERS = (optimizers.Optimizer, optimizers.MultiOptimizer, LossScaleOptimizer)
CLASSES = [cls for cls in optimizers.ALL_OBJECTS if cls not in WRAPPERS]


def variable(values: Any = (1.0, 2.0), **options: Any) -> cr.Variable:
    return cr.Variable(np.array(values, "float32"), **options)


def ones(shape: tuple[int, ...] = (2,)) -> np.ndarray:
    return np.ones(shape, "float32")


# --- names and configurations ------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("change", [str.lower, str.upper, str])
def test_get_by_name_in_any_case(cls: type, change: Any) -> None:
    assert type(optimizers.get(change(cls.__name__))) is cls


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'adamm'.*adadelta.*adamw.*sgd"):
        optimizers.get("adamm")
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier: 3"):
        optimizers.get(3)
    assert optimizers.get(None) is None


@pytest.mark.parametrize("cls", CLASSES)
def test_configuration_round_trip(cls: type) -> None:
    options = {
        "learning_rate": 0.25,
        "weight_decay": 0.5,
        "clipvalue": 2.0,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 4,
        "loss_scale_factor": 8.0,
        "gradient_accumulation_steps": 2,
        "name": "mine",
    }
    optimizer = cls(**options)
    config = optimizer.get_config()
    assert {key: config[key] for key in options} == options
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is cls and again.get_config() == config
    assert cls.from_config(config).get_config() == config
    assert config["learning_rate"] == 0.25, "from_config must not change its argument"


def test_configuration_holds_the_schedule() -> None:
    optimizer = optimizers.SGD(schedules.CosineDecay(0.5, 10, warmup_target=1.0, warmup_steps=5))
    again = optimizers.get(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert isinstance(again._learning_rate, schedules.CosineDecay)


def test_names_are_numbered() -> None:
    first, second = optimizers.Nadam(), optimizers.Nadam()
    assert first.name.startswith("nadam") and first.name != second.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of `clipnorm`"),
        ({"clipnorm": 1.0, "global_clipnorm": 1.0}, "Only one of `clipnorm`"),
        ({"gradient_accumulation_steps": 1}, "must be an integer >= 2"),
        ({"use_ema": True, "ema_momentum": 1.5}, "must be in the range"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "must be an integer >= 1"),
        ({"learning_rate": "fast"}, "learning_rate=fast"),
        ({"learning_rate": None}, "learning_rate=None"),
        ({"momentum": -0.1}, "`momentum` must be in the range \\[0, 1\\]"),
        ({"speed": 3}, "Argument\\(s\\) not recognized: {'speed': 3}"),
    ],
)
def test_bad_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.SGD(**arguments)


def test_bad_settings_of_single_optimizers() -> None:
    with pytest.raises(ValueError, match="beta_1=0.0"):
        optimizers.Lion(beta_1=0.0)
    with pytest.raises(ValueError, match="weight_decay=None"):
        optimizers.AdamW(weight_decay=None)
    with pytest.raises(ValueError, match="`l1_regularization_strength` must be in the range"):
        optimizers.Ftrl(l1_regularization_strength=-1.0)
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        optimizers.Muon().zeropower_via_newtonschulz5(ones(), 5)


BAD_VALUES = {
    "learning_rate": (-0.1, float("nan"), float("inf")),
    "weight_decay": (-0.1, float("nan"), "much"),
    "clipnorm": (-1, float("nan"), float("inf")),
    "clipvalue": (-1.0, float("nan")),
    "global_clipnorm": (-1.0, float("nan")),
    "ema_momentum": (-0.1, 1.1, float("nan"), None),
    "ema_overwrite_frequency": (0, -1, 1.5),
    "loss_scale_factor": (0.0, -2.0, float("nan")),
    "gradient_accumulation_steps": (0, 1, -2, 2.5, True),
    "momentum": (-0.1, 1.1, float("nan")),
    "rho": (-0.1, 1.1),
    "beta": (-1.0,),
    "beta_1": (-0.1, 1.1, float("nan"), None),
    "beta_2": (-0.1, 1.0, 1.1, float("nan")),
    "beta_2_decay": (0.1, float("nan")),
    "epsilon": (-1e-9, float("nan"), None),
    "epsilon_1": (-1e-9,),
    "epsilon_2": (-1e-9,),
    "clip_threshold": (0.0, -1.0),
    "initial_accumulator_value": (-0.1, float("nan")),
    "learning_rate_power": (0.5,),
    "l1_regularization_strength": (-0.1, float("nan")),
    "l2_regularization_strength": (-0.1,),
    "l2_shrinkage_regularization_strength": (-0.1,),
    "adam_beta_1": (1.0, -0.1),
    "adam_beta_2": (1.0, -0.1),
    "adam_weight_decay": (-0.1,),
    "adam_lr_ratio": (-1.0,),
    "rms_rate": (-0.1,),
    "ns_steps": (-1, 2.5),
    "warmup_steps": (-1, 2.5),
}
# Not numbers of a range: switches, names, and coefficients of any sign.
FREE = {"amsgrad", "centered", "nesterov", "relative_step", "use_ema", "name", "exclude_layers"}
FREE |= {"exclude_embeddings", "muon_a", "muon_b", "muon_c", "self", "options", "kwargs"}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_number_has_a_range(cls: type) -> None:
    names = {*inspect.signature(cls.__init__).parameters}
    names |= {*inspect.signature(optimizers.Optimizer.__init__).parameters}
    assert names - FREE <= set(BAD_VALUES)
    for name in names - FREE:
        for value in BAD_VALUES[name]:
            with pytest.raises(ValueError, match=f"{name}={value}"):
                cls(**{name: value})
    if "beta_1" in names and cls is not optimizers.Lion:
        with pytest.raises(ValueError, match="beta_1=1.0"):
            cls(beta_1=1.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"momentum": 1.0, "clipnorm": 0, "weight_decay": 0.0},
        {"learning_rate": 0.0, "ema_momentum": 1.0, "use_ema": True},
        {"learning_rate": np.array(0.5, "float32"), "clipvalue": float("inf")},
        {"momentum": np.float32(0.5), "gradient_accumulation_steps": np.int64(2)},
    ],
)
def test_the_ends_of_the_ranges_are_in_them(arguments: dict[str, Any]) -> None:
    w = variable()
    optimizers.SGD(**arguments).apply([ones()], [w])
    assert np.isfinite(w.numpy()).all()


@pytest.mark.parametrize("rate", [-0.1, float("nan"), np.float32("inf"), np.array(-1.0)])
def test_a_learning_rate_is_checked_when_it_is_set(rate: Any) -> None:
    optimizer = optimizers.Adam(0.5)
    with pytest.raises(ValueError, match="`learning_rate` must be in the range"):
        optimizer.learning_rate = rate
    assert float(optimizer.learning_rate) == 0.5


def test_a_loss_scale_and_its_growth_are_checked() -> None:
    for bad in ({"initial_scale": 0.0}, {"dynamic_growth_steps": 0}):
        with pytest.raises(ValueError, match=f"`{next(iter(bad))}` must be"):
            LossScaleOptimizer(optimizers.SGD(), **bad)


# --- applying ----------------------------------------------------------------------------------


def test_apply_needs_variables_at_first() -> None:
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(ValueError, match="must already be built"):
        optimizer.apply([ones()])
    v = variable()
    optimizer.build([v])
    optimizer.apply([ones()])
    np.testing.assert_allclose(v.numpy(), [0.5, 1.5])
    with pytest.raises(ValueError, match="2 gradients for 1 trainable"):
        optimizer.apply([ones(), ones()])
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([ones()], [variable()])
    with pytest.raises(
        cr.errors.ShapeError, match=r"shape \(2,\) for the variable '.*', got shape \(1,\)"
    ):
        optimizer.apply([ones((1,))], [v])
    optimizer.apply([])
    assert int(optimizer.iterations) == 1
    np.testing.assert_allclose(v.numpy(), [0.5, 1.5])


def test_missing_gradients() -> None:
    v, w = variable(), variable()
    optimizer = optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None], [v, w])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, ones()], [v, w])
    np.testing.assert_allclose(v.numpy(), [1.0, 2.0])
    np.testing.assert_allclose(w.numpy(), [0.0, 1.0])


def test_apply_gradients_returns_the_count() -> None:
    v = variable()
    assert int(optimizers.Adam().apply_gradients([(ones(), v)])) == 1


def test_stateless_apply_changes_nothing() -> None:
    v = variable()
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    with pytest.raises(ValueError, match="must be built"):
        optimizer.stateless_apply([], [], [])
    optimizer.build([v])
    state = [x.numpy() for x in optimizer.variables]
    with pytest.raises(ValueError, match="expected 3 variables"):
        optimizer.stateless_apply(state[:1], [ones()], [v.numpy()])
    with pytest.raises(ValueError, match="built with 1 variables"):
        optimizer.stateless_apply(state, [ones()], [])
    values, after = optimizer.stateless_apply(state, [ones()], [v.numpy()])
    np.testing.assert_allclose(values[0], [0.5, 1.5])
    np.testing.assert_allclose(after[2], [-0.5, -0.5])
    np.testing.assert_allclose(v.numpy(), [1.0, 2.0])
    assert int(after[0]) == 1 and int(optimizer.iterations) == 0


def test_constraints_are_applied_after_the_step() -> None:
    v = variable()
    v.constraint = constraints.NonNeg()
    optimizers.SGD(1.5).apply([ones()], [v])
    np.testing.assert_allclose(v.numpy(), [0.0, 0.5])


def test_variables_overwritten_by_their_gradient() -> None:
    v, w = variable(), variable()
    v.overwrite_with_gradient = True
    optimizer = optimizers.Adam(1.0, gradient_accumulation_steps=2)
    optimizer.apply([ones(), ones()], [v, w])
    np.testing.assert_allclose(v.numpy(), [1.0, 2.0])
    optimizer.apply([2 * ones(), ones()], [v, w])
    np.testing.assert_allclose(v.numpy(), [2.0, 2.0])
    np.testing.assert_allclose(w.numpy(), [0.0, 1.0], atol=1e-5)
    assert optimizer._momentums[0] is None


def test_weight_decay_leaves_excluded_variables_alone() -> None:
    a, b, c = variable(2.0), variable(2.0, name="scale"), variable(2.0)
    optimizer = optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[c], var_names=["scal", "bias"])
    optimizer.apply([np.zeros((), "float32")] * 3, [a, b, c])
    assert [float(x) for x in (a, b, c)] == [1.0, 2.0, 2.0]
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["x"])


def test_a_user_defined_optimizer() -> None:
    class Averaged(optimizers.Optimizer):
        def build(self, variables: Any) -> None:
            super().build(variables)
            self.sums = self.add_optimizer_variables(variables, "sum", "ones")
            self.calls = cr.Variable(0, dtype="int32", trainable=False)

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            total = self.sums[self._get_variable_index(variable)]
            self.assign_add(total, gradient)
            self.assign_sub(variable, ops.multiply(total, learning_rate))
            self.assign_add(self.calls, 1)

    v = variable(name="kernel")
    optimizer = Averaged(learning_rate=0.5)
    optimizer.apply([ones()], [v])
    np.testing.assert_allclose(v.numpy(), [0.0, 1.0])
    assert [x.name for x in optimizer.variables[:3]] == ["iteration", "learning_rate", "kernel_sum"]
    assert optimizer.variables[3] is optimizer.calls and int(optimizer.calls) == 1
    with pytest.raises(NotImplementedError, match="must override"):
        optimizers.Optimizer(0.1).apply([ones()], [v])


def test_forgotten_super_init() -> None:
    class Forgetful(optimizers.Optimizer):
        def __init__(self) -> None:
            self.steps = cr.Variable(0)

    with pytest.raises(RuntimeError, match="forgot to call `super\\(\\).__init__\\(\\)`"):
        Forgetful()


# --- clipping ----------------------------------------------------------------------------------


def test_global_norm_of_nothing_finite_is_nan_everywhere() -> None:
    grads = [np.array([3.0, np.inf], "float32"), ones(), None]
    clipped = clip_by_global_norm(grads, 1.0)
    assert np.isnan(clipped[1]).all() and clipped[2] is None
    assert float(global_norm([np.array([3.0]), None, np.array([4.0])])) == 5.0


@given(
    x=hnp.arrays("float64", 5, elements=st.floats(-1e3, 1e3, width=32)),
    y=hnp.arrays("float64", (2, 2), elements=st.floats(-1e3, 1e3, width=32)),
    limit=st.floats(0.125, 10.0),
)
def test_clipping_bounds_the_norm_and_keeps_the_direction(
    x: np.ndarray, y: np.ndarray, limit: float
) -> None:
    norms = [np.linalg.norm(x), np.linalg.norm(y)]
    single = optimizers.SGD(clipnorm=limit)._clip_gradients([x, y])
    for g, n, clipped in zip((x, y), norms, single):
        np.testing.assert_allclose(clipped, g * min(1.0, limit / n) if n else g, atol=1e-9)
    together = optimizers.SGD(global_clipnorm=limit)._clip_gradients([x, y])
    n = np.hypot(*norms)
    for g, clipped in zip((x, y), together):
        np.testing.assert_allclose(clipped, g * min(1.0, limit / n) if n else g, atol=1e-9)


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_small_and_zero_gradients_are_not_clipped(name: str) -> None:
    optimizer = optimizers.SGD(**{name: 10.0})
    for g in (ones(), np.zeros(2, "float32")):
        np.testing.assert_allclose(optimizer._clip_gradients([g, None])[0], g, rtol=1e-6)


# --- learning rate -----------------------------------------------------------------------------


def test_the_learning_rate_can_change() -> None:
    optimizer = optimizers.SGD(0.5)
    held = optimizer.learning_rate
    for value in (0.25, 1, np.float64(0.125), cr.Variable(2.0), np.array(3.0)):
        optimizer.learning_rate = value
        assert float(optimizer.learning_rate) == float(value)
        assert optimizer.learning_rate is held, "a number must not make a new variable"


def test_a_new_learning_rate_keeps_a_compiled_step_valid() -> None:
    v = variable()
    optimizer = optimizers.SGD(1.0)
    optimizer.build([v])
    with Trace() as trace:
        optimizer.apply([trace.input("g", (2,), "float32")])
    program = trace.compile([])
    key = optimizer._trace_key()
    optimizer.learning_rate = 0.5
    assert optimizer._trace_key() == key
    program.run([ones()])
    np.testing.assert_allclose(v.numpy(), [0.5, 1.5])
    optimizer.momentum = 0.5
    assert optimizer._trace_key() != key


def test_schedules_replace_the_variable() -> None:
    optimizer = optimizers.Adam(0.5)
    key = optimizer._trace_key()
    assert len(optimizer.variables) == 2
    optimizer.learning_rate = schedules.ExponentialDecay(1.0, 1, 0.5)
    assert len(optimizer.variables) == 1 and optimizer._trace_key() != key
    assert float(optimizer.learning_rate) == 1.0
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.5
    v = variable()
    optimizer.apply([ones()], [v])
    assert float(optimizer.learning_rate) == 0.5
    key = optimizer._trace_key()
    optimizer.learning_rate = schedules.ExponentialDecay(1.0, 1, 0.5)
    assert optimizer._trace_key() != key


def test_a_function_as_learning_rate() -> None:
    v = variable()
    optimizer = optimizers.SGD(lambda: 0.5)
    optimizer.apply([ones()], [v])
    np.testing.assert_allclose(v.numpy(), [0.5, 1.5])
    optimizer.learning_rate = 1.0
    optimizer.apply([ones()], [v])
    np.testing.assert_allclose(v.numpy(), [-0.5, 0.5])


# --- saving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_saved_state_continues_where_it_stopped(cls: type) -> None:
    grads = [np.array([[0.5, -1.0], [2.0, 0.25]], "float32")]
    v, w = (variable([[1.0, 2.0], [3.0, 4.0]]) for _ in range(2))
    one, other = cls(learning_rate=0.125), cls(learning_rate=0.5)
    for _ in range(3):
        one.apply(grads, [v])
    store: dict[str, np.ndarray] = {}
    one.save_own_variables(store)
    other.build([w])
    other.load_own_variables(store)
    w.assign(v)
    one.apply(grads, [v])
    other.apply(grads, [w])
    assert v.numpy().tobytes() == w.numpy().tobytes()


def test_set_weights() -> None:
    v = variable()
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    with pytest.raises(ValueError, match="You are calling `set_weights"):
        optimizer.set_weights([])
    optimizer.build([v])
    with pytest.raises(ValueError, match="has 3 variables. Received 1"):
        optimizer.set_weights([1])
    with pytest.raises(ValueError, match="not compatible with provided weight shape \\(3,\\)"):
        optimizer.set_weights([1, 0.5, np.zeros(3)])
    optimizer.set_weights([7, 0.25, [1.0, 1.0]])
    assert int(optimizer.iterations) == 7 and float(optimizer.learning_rate) == 0.25


def test_loading_another_optimizers_state_warns() -> None:
    optimizer = optimizers.SGD()
    with pytest.warns(UserWarning, match="has 2 variables whereas the saved optimizer has 1"):
        optimizer.load_own_variables({"0": np.array(3)})
    assert int(optimizer.iterations) == 0


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_keeps_its_state(cls: type, copied: Any) -> None:
    v = variable([[1.0, 2.0], [3.0, 4.0]])
    optimizer = cls()
    assert copied(optimizer).get_config() == optimizer.get_config()
    optimizer.apply([ones((2, 2))], [v])
    other = copied(optimizer)
    for a, b in zip(optimizer.variables, other.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    other.apply([ones((2, 2))])
    optimizer.apply([ones((2, 2))])
    np.testing.assert_array_equal(other._trainable_variables[0].numpy(), v.numpy())


def test_finalizing_checks_the_number_of_variables() -> None:
    optimizer = optimizers.SGD(use_ema=True)
    optimizer.apply([ones()], [variable()])
    with pytest.raises(ValueError, match="The length of model variables \\(0\\)"):
        optimizer.finalize_variable_values([])


# --- loss scale --------------------------------------------------------------------------------


def test_loss_scale_halves_and_doubles() -> None:
    v = variable()
    optimizer = LossScaleOptimizer(
        optimizers.SGD(0.5, momentum=0.5), initial_scale=16.0, dynamic_growth_steps=2
    )
    assert float(optimizer.scale_loss(1.0)) == 16.0
    optimizer.apply([np.array([np.inf, 1.0], "float32")], [v])
    np.testing.assert_allclose(v.numpy(), [1.0, 2.0])
    assert float(optimizer.scale_loss(1.0)) == 8.0 and int(optimizer.iterations) == 0
    optimizer.apply([8 * ones()])
    np.testing.assert_allclose(v.numpy(), [0.5, 1.5])
    optimizer.apply([8 * ones()])
    assert float(optimizer.scale_loss(1.0)) == 16.0 and int(optimizer.iterations) == 2
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    optimizer.learning_rate = 0.25
    assert float(optimizer.inner_optimizer.learning_rate) == 0.25


def test_loss_scale_refuses_the_inner_optimizers_settings() -> None:
    with pytest.raises(ValueError, match="on the `inner_optimizer`"):
        LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)
    with pytest.raises(ValueError, match="arguments: `foo`, `bar`"):
        LossScaleOptimizer(optimizers.SGD(), foo=1, bar=2)
    with pytest.raises(ValueError, match="set `loss_scale_factor`"):
        LossScaleOptimizer(optimizers.SGD(), dynamic=False)


# --- one optimizer for each variable -----------------------------------------------------------


def two_optimizers() -> tuple[optimizers.MultiOptimizer, list[cr.Variable]]:
    choose = optimizers.OptimizerMap(optimizers.SGD(0.5), {".*bias": optimizers.SGD(0.25)})
    return optimizers.MultiOptimizer(choose), [variable(name="kernel"), variable(name="bias")]


def test_each_variable_has_its_own_optimizer() -> None:
    optimizer, (kernel, bias) = two_optimizers()
    optimizer.apply([ones(), ones()], [kernel, bias])
    np.testing.assert_allclose(kernel.numpy(), [0.5, 1.5])
    np.testing.assert_allclose(bias.numpy(), [0.75, 1.75])
    assert [int(x.iterations) for x in (optimizer, *optimizer.optimizers)] == [1, 1, 1]
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    again.build([kernel, bias])
    again.set_weights([v.numpy() for v in optimizer.variables])
    again.apply([ones(), ones()])
    np.testing.assert_allclose(bias.numpy(), [0.5, 1.5])
    other = copy.deepcopy(again)
    other.apply([ones(), ones()])
    np.testing.assert_allclose(other._trainable_variables[1].numpy(), [0.25, 1.25])


def test_a_map_of_optimizers_refuses_what_it_cannot_use() -> None:
    sgd = optimizers.SGD()
    choose = optimizers.OptimizerMap(sgd)
    choose["a.*"] = optimizers.Adam()
    choose[".*b"] = optimizers.Adam()
    with pytest.raises(ValueError, match="Multiple optimizers assigned to variable ab"):
        choose["ab"]
    with pytest.raises(ValueError, match="'a.\\*' already exists"):
        choose["a.*"] = sgd
    with pytest.raises(ValueError, match="optimizer cannot be LossScaleOptimizer"):
        choose["c"] = LossScaleOptimizer(sgd)
    with pytest.raises(TypeError, match="Received: sgd"):
        optimizers.OptimizerMap("sgd")
    with pytest.raises(AttributeError, match="on a MultiOptimizer"):
        optimizers.MultiOptimizer(choose).learning_rate
    with pytest.raises(ValueError, match="is not an Optimizer instance"):
        optimizers.MultiOptimizer(lambda v: None).build([variable()])
