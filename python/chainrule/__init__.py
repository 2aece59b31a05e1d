"""Neural networks trained on the CPU: Keras's names and numerics over a Rust core.

`import chainrule as keras` runs a Keras script of dense, convolutional and recurrent models and
Transformers, with `fit` or steps of its own. What is not needed is not imported: a name below is
loaded when it is first used. A name of Keras that is not built yet says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.namespace import late, publish

if TYPE_CHECKING or not late(globals()):
    from chainrule import activations as activations
    from chainrule import applications as applications
    from chainrule import audio as audio
    from chainrule import backend as backend
    from chainrule import callbacks as callbacks
    from chainrule import config as config
    from chainrule import constraints as constraints
    from chainrule import datasets as datasets
    from chainrule import dtype_policies as dtype_policies
    from chainrule import errors as errors
    from chainrule import initializers as initializers
    from chainrule import layers as layers
    from chainrule import losses as losses
    from chainrule import metrics as metrics
    from chainrule import mixed_precision as mixed_precision
    from chainrule import models as models
    from chainrule import nlp as nlp
    from chainrule import ops as ops
    from chainrule import optimizers as optimizers
    from chainrule import preprocessing as preprocessing
    from chainrule import random as random
    from chainrule import reference as reference
    from chainrule import regularizers as regularizers
    from chainrule import saving as saving
    from chainrule import sklearn as sklearn
    from chainrule import testing as testing
    from chainrule import tree as tree
    from chainrule import utils as utils
    from chainrule import wrappers as wrappers
    from chainrule.base.name_scopes import name_scope as name_scope
    from chainrule.initializers import Initializer as Initializer
    from chainrule.layers import Input as Input
    from chainrule.layers import InputSpec as InputSpec
    from chainrule.layers import Layer as Layer
    from chainrule.losses import Loss as Loss
    from chainrule.metrics import Metric as Metric
    from chainrule.models import Function as Function
    from chainrule.models import Model as Model
    from chainrule.models import Sequential as Sequential
    from chainrule.optimizers import Optimizer as Optimizer
    from chainrule.regularizers import Regularizer as Regularizer
    from chainrule.tracing.autodiff import grad as grad
    from chainrule.tracing.autodiff import value_and_grad as value_and_grad
    from chainrule.tracing.function import function as function
    from chainrule.tracing.operation import Operation as Operation
    from chainrule.tracing.policies import DTypePolicy as DTypePolicy
    from chainrule.tracing.policies import FloatDTypePolicy as FloatDTypePolicy
    from chainrule.tracing.remat import RematScope as RematScope
    from chainrule.tracing.remat import remat as remat
    from chainrule.tracing.scopes import SymbolicScope as SymbolicScope
    from chainrule.tracing.scopes import device_scope as device
    from chainrule.tracing.stateless import StatelessScope as StatelessScope
    from chainrule.tracing.tape import GradientTape as GradientTape
    from chainrule.tracing.tensor import KerasTensor as KerasTensor
    from chainrule.tracing.transforms import hessian_vector_product as hessian_vector_product
    from chainrule.tracing.transforms import jacobian as jacobian
    from chainrule.tracing.transforms import vmap as vmap
    from chainrule.tracing.variable import Variable as Variable


def version() -> str:
    """The installed version, as `"0.1.0"`; `"0+unknown"` when run from a source tree."""
    from importlib import metadata

    try:
        return metadata.version("chainrule")
    except metadata.PackageNotFoundError:
        return "0+unknown"


publish(
    globals(),
    {"__version__": version},
    # Operators of tensors, and variables' initializers, are found by name.
    first={"chainrule.tracing": "chainrule.initializers"},
)
