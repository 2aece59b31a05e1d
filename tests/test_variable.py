"""Variable: creation, assignment, and what reads mean in the open scope."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import chainrule
from chainrule import StatelessScope, Variable, name_scope, ops
from chainrule.tracing.autocast import AutocastScope
from chainrule.tracing.trace import Trace


def test_initializers():
    assert Variable([[1, 2]]).dtype == "int32"
    assert Variable([1.0]).dtype == "float32"
    assert Variable(np.ones(2)).dtype == "float64"
    assert Variable(lambda shape, dtype: np.full(shape, 3), shape=(2,)).numpy().tolist() == [3, 3]
    assert Variable("ones", shape=(2, 2), dtype="float64").numpy().sum() == 4.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initializer": "zeros"}, "`shape` argument should be specified"),
        ({"initializer": "zeros", "shape": (None, 2)}, "fully-defined"),
        ({"initializer": 0.0, "name": "a/b"}, "cannot contain character"),
        ({"initializer": 0.0, "aggregation": "max"}, "aggregation"),
        ({"initializer": 0.0, "synchronization": "never"}, "synchronization"),
        ({"initializer": lambda s, dtype: np.ones(3), "shape": (2,)}, r"shape \(2,\), got \(3,\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Variable(**arguments)


def test_path():
    with name_scope("outer"), name_scope("inner"):
        assert Variable(0.0, name="v").path == "outer/inner/v"


def test_assign():
    v = Variable([1.0, 2.0])
    assert v.assign([3, 4]).dtype == "float32"
    assert v.assign_add([1.0, 1.0]).tolist() == [4.0, 5.0]
    assert v.assign_sub([4.0, 4.0]).tolist() == v.numpy().tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match=r"must match. variable.shape=\(2,\).*\(3,\)"):
        v.assign(np.ones(3))
    assert v.numpy().tolist() == [0.0, 1.0]


def test_numpy_is_a_copy():
    v = Variable([1.0])
    v.numpy()[0] = 5.0
    v.value[0] = 5.0
    assert v.numpy().tolist() == [1.0]


def test_operators():
    v = Variable([2.0, -3.0])
    assert (1 + v * 2 - v / 2).tolist() == [4.0, -3.5]
    assert (np.array([1.0, 1.0], "float32") + v).tolist() == [3.0, -2.0]
    assert (v**2).tolist() == [4.0, 9.0]
    assert abs(-v).tolist() == [2.0, 3.0]
    assert (v > 0).tolist() == [True, False]
    assert (v == v).tolist() == [True, True]
    assert (v @ v).item() == 13.0
    assert v[1] == -3.0
    assert float(Variable(2.5)) == 2.5
    with pytest.raises(TypeError, match="boolean"):
        bool(v)
    with pytest.raises(TypeError, match="scalar"):
        float(v)


def test_settings_are_checked():
    v = Variable(0.0)
    v.trainable = False
    assert not v.trainable
    with pytest.raises(TypeError, match="boolean"):
        v.overwrite_with_gradient = "yes"
    with pytest.raises(ValueError, match="regularizer"):
        v.regularizer = 3
    with pytest.raises(ValueError, match="constraint"):
        v.constraint = "clip"


def test_stateless_scope():
    v, w = Variable([1.0]), Variable([2.0])
    with StatelessScope([(v, [10.0])]) as scope:
        assert (v + w).tolist() == [12.0]
        w.assign(v * 2)
        assert w.value.tolist() == [20.0]
    assert scope.get_current_value(w).tolist() == [20.0]
    assert (v.numpy().tolist(), w.numpy().tolist()) == ([1.0], [2.0])
    with pytest.raises(ValueError, match="shape"):
        StatelessScope([(v, [1.0, 2.0])])
    with pytest.raises(ValueError, match="Variable instances"):
        StatelessScope([("v", [1.0])])


def test_deferred_initialisation():
    with StatelessScope():
        v = Variable("ones", shape=(2,))
        assert v.cell is None
        assert (v + 1).tolist() == [2.0, 2.0]
    assert v.numpy().tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="already initialized"):
        v._deferred_initialize()


def test_assignments_in_a_trace_happen_when_it_runs():
    v = Variable([1.0])
    with Trace() as trace:
        before = v + 0
        v.assign(v * 3)
        after = v + 0
    assert v.numpy().tolist() == [1.0]
    program = trace.compile([before, after])
    assert [x.item() for x in program.run([])] == [1.0, 3.0]
    assert [x.item() for x in program.run([])] == [3.0, 9.0]
    assert v.numpy().tolist() == [9.0]


def test_a_variable_made_in_a_trace_has_numbers():
    with Trace() as trace:
        v = Variable("ones", shape=(2,))
        out = v * 2
    assert trace.compile([out]).run([])[0].tolist() == [2.0, 2.0]


def test_numpy_of_a_traced_variable_is_refused():
    v = Variable([1.0])
    with Trace(), pytest.raises(TypeError, match="while tracing"):
        v.numpy()


def test_autocast():
    v, w = Variable([1.0]), Variable([1.0], autocast=False)
    with AutocastScope("float16"):
        assert (v.dtype, v.value.dtype, w.dtype) == ("float16", "float16", "float32")
    with pytest.raises(ValueError, match="floating-point"):
        AutocastScope("int32")


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_share_nothing(duplicate):
    v = Variable([1.0, 2.0], name="v")
    w = duplicate(v)
    v.assign([0.0, 0.0])
    assert w.numpy().tolist() == [1.0, 2.0]
    assert (w.name, w.path, w.dtype, w.trainable) == ("v", v.path, "float32", True)


def test_narrow_dtypes_are_stored():
    v = Variable(np.array([1.0, 2.0], "float16"))
    assert v.dtype == "float16"
    assert v.assign(v + 0.0004).dtype == "float16"
    assert Variable(np.array([200], "uint8")).value.dtype == "uint8"


def test_object_arrays_are_refused():
    with pytest.raises(chainrule.errors.DTypeError, match="dtype"):
        Variable(np.array([None]))
    assert ops.convert_to_tensor(Variable([1.0])).tolist() == [1.0]
