"""The layer base class: tracking, building, calling, masks, losses, configs, errors."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import layers, ops
from chainrule.errors import DTypeError, NotBuiltError, ShapeError
from chainrule.random import SeedGenerator
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from chainrule.tracing.stateless import StatelessScope
from chainrule.tracing.trace import Trace
from chainrule.tracing.variable import Variable


class Affine(layers.Layer):
    def __init__(self, units: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, inputs: Any) -> Any:
        return ops.matmul(inputs, self.w) + self.b


class Pair(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.parts = [Affine(3)]
        self.named = {"last": Affine(1)}

    def call(self, x: Any) -> Any:
        return self.named["last"](self.parts[0](x))


def test_first_call_builds_in_the_layers_name_scope() -> None:
    layer = Affine(name="affine")
    assert not layer.built and layer.path is None and layer.weights == []
    assert layer(np.ones((1, 3))).tolist() == [[3.0, 3.0]]
    assert layer.built and layer.path == "affine"
    assert [v.path for v in layer.weights] == ["affine/w", "affine/b"]
    assert layer.get_build_config() == {"input_shape": (1, 3)}


def test_sublayers_in_lists_and_dicts_are_tracked_and_built() -> None:
    layer = Pair()
    layer(np.ones((2, 4)))
    assert len(layer.weights) == 4
    assert layer.count_params() == 4 * 3 + 3 + 3 + 1
    assert all(v.path.startswith("pair/") for v in layer.weights)


def test_tuples_keep_their_type_and_are_tracked() -> None:
    Two = namedtuple("Two", ["a", "b"])

    class Tuples(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Two(Affine(1), (Affine(2), 7))

    layer = Tuples()
    assert isinstance(layer.pair, Two) and len(layer._layers) == 2


def test_removing_from_a_tracked_list_forgets_the_layer() -> None:
    layer = Pair()
    layer.parts.append(Affine(5))
    assert len(layer._layers) == 3
    layer.parts.pop()
    assert len(layer._layers) == 2


def test_state_cannot_be_added_after_building() -> None:
    layer = Affine()
    layer.build((None, 2))
    with pytest.raises(ValueError, match="already built"):
        layer.more = Affine()


def test_a_subclass_may_add_state_after_its_parents_build() -> None:
    class Scaled(Affine):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    layer = Scaled()
    layer(np.ones((1, 2)))
    assert [v.name for v in layer.weights] == ["w", "b", "scale"]


def test_build_comes_from_a_mixin_too() -> None:
    class Mixin:
        def build(self, input_shape: Any) -> None:
            self.width = input_shape[-1]

    class Mixed(Mixin, layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    layer = Mixed()
    layer(np.ones((2, 5)))
    assert layer.width == 5 and layer.get_build_config() == {"input_shape": (2, 5)}


def test_forgotten_super_init_is_named() -> None:
    class Bad(layers.Layer):
        def __init__(self) -> None:
            self.units = 3

    with pytest.raises(RuntimeError, match="forgot to call `super"):
        Bad()(np.ones((1, 1)))


def test_trainable_reaches_all_sublayers() -> None:
    layer = Pair()
    layer(np.ones((1, 2)))
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 4
    assert not layer.parts[0].w.trainable
    layer.trainable = True
    assert len(layer.trainable_weights) == 4


def test_seed_generators_are_variables_but_not_weights() -> None:
    layer = layers.Dropout(0.5, seed=3)
    assert len(layer.variables) == 1 and layer.weights == []
    assert isinstance(layer.seed_generator, SeedGenerator)
    before = layer.variables[0].numpy().tolist()
    layer(np.ones((2, 2)), training=True)
    assert layer.variables[0].numpy().tolist() != before


def test_set_weights_checks_everything_before_writing() -> None:
    layer = Affine()
    with pytest.raises(NotBuiltError, match="not built"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(2)])
    layer.build((None, 3))
    with pytest.raises(ValueError, match="expecting 2 weights"):
        layer.set_weights([np.zeros((3, 2))])
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    assert layer.get_weights()[0].tolist() == np.ones((3, 2)).tolist()
    layer.set_weights([np.full((3, 2), 2.0), np.ones(2)])
    assert layer(np.ones((1, 3))).tolist() == [[7.0, 7.0]]


def test_training_reaches_inner_layers_and_does_not_linger() -> None:
    class Inner(layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            return x + (1.0 if training else 0.0)

    class Outer(layers.Layer):
        def __init__(self, explicit: bool | None = None) -> None:
            super().__init__()
            self.inner = Inner()
            self.explicit = explicit

        def call(self, x: Any) -> Any:
            if self.explicit is None:
                return self.inner(x)
            return self.inner(x, training=self.explicit)

    zero = np.zeros(1)
    assert Outer()(zero, training=True).tolist() == [1.0]
    assert Outer()(zero).tolist() == [0.0]
    assert Outer(explicit=False)(zero, training=True).tolist() == [0.0]

    class Failing(layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            raise RuntimeError("oops")

    with pytest.raises(RuntimeError, match="oops"):
        Failing()(zero, training=True)
    assert Outer()(zero).tolist() == [0.0]


def test_masks_reach_the_next_layer() -> None:
    seen: list[Any] = []

    class Look(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            seen.append(mask)
            return x * 2.0

    x = np.array([[[1.0], [0.0]]])
    y = Look()(layers.Masking()(x))
    assert seen[0].tolist() == [[True, False]]
    assert get_keras_mask(y).tolist() == [[True, False]]


def test_a_layer_without_masking_says_that_it_drops_the_mask() -> None:
    x = np.ones((1, 2))
    set_keras_mask(x, np.array([[True, False]]))
    with pytest.warns(UserWarning, match="destroy the mask"):
        Affine()(x)


def test_masks_of_dead_arrays_are_forgotten() -> None:
    from chainrule.tracing import masking

    before = len(masking._masks)
    for _ in range(100):
        set_keras_mask(np.ones(3), np.ones(3, "bool"))
    assert len(masking._masks) <= before + 1


def test_losses_are_those_of_the_last_call() -> None:
    class Penalised(layers.Layer):
        def __init__(self) -> None:
            super().__init__(activity_regularizer=chainrule.regularizers.L2(0.5))
            self.dense = layers.Dense(
                1, kernel_initializer="ones", kernel_regularizer=chainrule.regularizers.L1(0.1)
            )

        def call(self, x: Any) -> Any:
            self.add_loss(ops.sum(x))
            return self.dense(x)

    layer = Penalised()
    for _ in range(2):
        layer(np.ones((2, 3)))
    own, activity, weights = (float(loss) for loss in layer.losses)
    assert own == 6.0
    assert activity == pytest.approx(0.5 * (9 + 9) / 2)
    assert weights == pytest.approx(0.3)


def test_add_loss_refuses_what_is_no_tensor() -> None:
    with pytest.raises(ValueError, match="on a tensor input"):
        layers.Layer().add_loss("loss")


def test_stateless_call_changes_nothing() -> None:
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    before = layer.get_weights()
    x = np.arange(6.0).reshape(3, 2)
    trainable = [v.numpy() for v in layer.trainable_variables]
    state = [v.numpy() for v in layer.non_trainable_variables]
    y, new_state = layer.stateless_call(trainable, state, x, training=True)
    assert all((a == b).all() for a, b in zip(before, layer.get_weights()))
    assert new_state[0] == pytest.approx(x.mean(axis=0) * 0.01)
    assert np.allclose(y, layer(x, training=True), atol=1e-6)
    with pytest.raises(NotBuiltError):
        Affine().stateless_call([], [], x)
    with pytest.raises(ValueError, match="expected 2 variables"):
        layer.stateless_call([], state, x)


def test_float_inputs_are_cast_and_integers_are_not() -> None:
    class Dtypes(layers.Layer):
        def call(self, xs: Any) -> Any:
            assert [str(x.dtype) for x in xs] == ["float32", "int32"]
            return xs[0]

    Dtypes()([np.zeros(1, "float64"), np.zeros(1, "int32")])
    assert str(Affine(dtype="float64")(np.ones((1, 2), "float32")).dtype) == "float64"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Dense(2)(np.ones(3)), ShapeError, "min_ndim=2, found ndim=1"),
        (lambda: layers.Dense(2)(np.array([["a"]])), DTypeError, "expected numbers"),
        (lambda: layers.Dense(2)(np.array([[object()]])), DTypeError, "expected numbers"),
        (lambda: layers.Dense(2)(np.ones((1, 2), "longdouble")), DTypeError, "expected numbers"),
        (lambda: layers.Dense(2)(np.ones((1, 2), "complex64")), DTypeError, "complex64"),
        (lambda: layers.Dense(2)([[1.0, 2.0]]), ValueError, "Only input tensors"),
        (lambda: layers.Dense(0), ValueError, "positive integer"),
        (lambda: layers.Dense(2, colour=1), ValueError, "Unrecognized keyword arguments"),
        (lambda: layers.Dense(2, name="a/b"), ValueError, "cannot contain character `/`"),
        (lambda: layers.Dense(2, trainable=1), ValueError, "to be a boolean"),
        (lambda: layers.Dense(2, activation="nope"), ValueError, "nope"),
        (lambda: layers.Dense(2).kernel, AttributeError, "must build the layer"),
        (lambda: layers.Dense(2).count_params(), NotBuiltError, "isn't built"),
        (lambda: layers.Dense(2)(layers.Input((None,))), ValueError, "known size"),
        (lambda: layers.Dropout(1.5), ValueError, "between 0 and 1"),
        (lambda: layers.Reshape((3, 3))(np.ones((2, 4))), ShapeError, "total size"),
        (lambda: layers.Add()([np.ones((2, 3)), np.ones((2, 4))]), ShapeError, "incompatible"),
        (lambda: layers.Embedding(3, 2)(np.array([[3]])), chainrule.errors.DataError, "3"),
    ],
)
def test_bad_input_is_named(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_wrong_width_names_the_layers_path_and_both_widths() -> None:
    class Outer(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.head = layers.Dense(2, name="head")

        def build(self, input_shape: Any) -> None:
            self.head.build((None, 5))

        def call(self, x: Any) -> Any:
            return self.head(x)

    with pytest.raises(ShapeError, match=r"outer/head.*value 5.*\(3, 4\)"):
        Outer(name="outer")(np.ones((3, 4)))


def test_errors_of_ops_name_the_layer() -> None:
    class Mismatch(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.matmul(x, np.ones((7, 2), "float32"))

    with pytest.raises(ShapeError, match="wrong"):
        Mismatch(name="wrong")(np.ones((3, 4)))


def test_arguments_of_a_user_layer_are_its_config() -> None:
    class Plain(layers.Layer):
        def __init__(self, units: int, rates: Any = (0.1, 0.2)) -> None:
            super().__init__()
            self.units = units

    config = Plain(3).get_config()
    assert config == {"units": 3, "rates": (0.1, 0.2)}
    assert Plain.from_config(config).units == 3

    class Open(layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    config = Open(3, name="n").get_config()
    assert (config["units"], config["name"], config["trainable"]) == (3, "n", True)

    class Opaque(layers.Layer):
        def __init__(self, thing: Any) -> None:
            super().__init__()

    with pytest.raises(NotImplementedError, match="must override `get_config"):
        Opaque(object()).get_config()


def test_pickle_and_copy_keep_the_weights() -> None:
    layer = layers.Dense(2, activation="relu")
    layer(np.ones((1, 3)))
    for again in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert again.get_config() == layer.get_config()
        assert all((a == b).all() for a, b in zip(again.get_weights(), layer.get_weights()))


def test_save_and_load_own_variables() -> None:
    layer, other = Affine(), Affine()
    layer(np.ones((1, 3)))
    layer.w.assign(np.full((3, 2), 4.0))
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    with pytest.raises(NotBuiltError, match="never built"):
        other.load_own_variables(store)
    other.build((None, 3))
    other.load_own_variables(store)
    assert (other.w.numpy() == 4.0).all()
    del store["1"]
    with pytest.raises(ValueError, match="expected 2 variables"):
        other.load_own_variables(store)


def test_symbolic_calls_are_recorded_as_nodes() -> None:
    x = layers.Input((4,), name="x")
    dense = layers.Dense(3)
    y = dense(x)
    assert tuple(y.shape) == (None, 3) and y.dtype == "float32"
    history = y._keras_history
    assert history.operation is dense and history.node_index == 0
    node = dense._inbound_nodes[0]
    assert node.input_tensors[0] is x and node.output_tensors[0] is y
    assert node.parent_nodes[0].operation is x._keras_history.operation
    assert dense.input is x and dense.output is y
    with pytest.raises(AttributeError, match="never been called"):
        _ = layers.Dense(3).output


def test_a_user_layer_on_a_symbolic_tensor_is_traced_for_its_shape() -> None:
    y = Pair()(layers.Input((4,)))
    assert tuple(y.shape) == (None, 1)

    class Broken(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.reshape(x, (3, 3))

    with pytest.raises(ValueError, match="Could not automatically infer"):
        Broken()(layers.Input((4,)))


def test_a_traced_call_gives_the_same_bits_as_an_eager_one() -> None:
    layer = Pair()
    x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    expected = layer(x)
    with Trace() as trace:
        y = layer(trace.input("x", (2, 4), "float32"))
        assert tuple(y.shape) == (2, 1)
    (found,) = trace.compile([y]).run([x])
    assert (found == expected).all()


def test_building_inside_a_trace_makes_real_weights() -> None:
    layer = layers.Dense(2)
    with Trace() as trace:
        y = layer(trace.input("x", (2, 4), "float32"))
    x = np.ones((2, 4), "float32")
    assert isinstance(layer.kernel, Variable) and layer.kernel.numpy().std() > 0
    (found,) = trace.compile([y]).run([x])
    assert (found == layer(x)).all()


def test_losses_inside_a_stateless_scope_go_to_the_scope() -> None:
    layer = layers.ActivityRegularization(l1=1.0)
    with StatelessScope(collect_losses=True) as scope:
        layer(np.ones((1, 3)))
        assert [float(x) for x in layer.losses] == [3.0]
    assert len(scope.losses) == 1 and layer.losses == []


def test_unknown_arguments_of_call_are_an_error() -> None:
    with pytest.raises(TypeError, match="Layer 'affine.*colour"):
        Affine()(np.ones((1, 2)), colour=1)


def test_legacy_shape_arguments_warn() -> None:
    with pytest.warns(UserWarning, match="Do not pass an `input_shape`"):
        layer = layers.Dense(2, input_shape=(3,))
    assert layer._input_shape_arg == (3,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers.Dense(2)


def test_layers_are_serialized_and_made_again():
    layer = chainrule.layers.Conv2D(4, 3, activation="relu", name="conv")
    config = json.loads(json.dumps(chainrule.layers.serialize(layer)))
    again = chainrule.layers.deserialize(config)
    assert type(again) is chainrule.layers.Conv2D and again.get_config() == layer.get_config()

    class Twice(chainrule.layers.Layer):
        def call(self, x):
            return 2 * x

    config = chainrule.layers.serialize(Twice(name="twice"))
    assert chainrule.layers.deserialize(config, {"Twice": Twice}).name == "twice"
    with pytest.raises(TypeError, match="Twice"):
        chainrule.layers.deserialize(config)


@pytest.mark.parametrize("config", ["Dense", None, 3, chainrule.losses.serialize(chainrule.losses.Huber())])
def test_what_describes_no_layer_is_refused(config):
    with pytest.raises(ValueError, match=r"layers\.deserialize"):
        chainrule.layers.deserialize(config)
