"""Model: a layer that can be compiled, trained, evaluated and saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from chainrule.base import tree
from chainrule.base.loading import bounded, read_json
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object, sharing
from chainrule.base.suggestions import did_you_mean
from chainrule.base.texts import join_texts
from chainrule.checks import check_gradients
from chainrule.layers.layer import Layer
from chainrule.models.graph_config import functional_from_config, is_functional_like
from chainrule.models.host import runs_before_steps
from chainrule.models.state_tree import get_state_tree, set_state_tree
from chainrule.saving.files import load_weights, save_model, save_weights
from chainrule.tracing.operation import default
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor
from chainrule.training.state import TrainingState
from chainrule.training.trainer import Trainer
from chainrule.utils.summary import print_summary, summary_html


class Model(Trainer, Layer):
    """A network: `Model(inputs, outputs)` of a functional graph, or a subclass with `call`.

    Parameters
    ----------
    inputs, outputs : KerasTensor or structure of them
        Made by `Input` and by calling layers on it.
    name : str, optional
    trainable : bool
        Default True.

    Notes
    -----
    `pickle`, `copy.deepcopy` and joblib keep a model with its optimizer, loss, metrics and history:
    a copy trains on to the same bits, and shares no variable with the original. Models that are
    copied together keep the layers that they share. Classes and functions are kept by name.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> class Twice(keras.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dense = keras.layers.Dense(1, kernel_initializer="ones")
    ...     def call(self, x):
    ...         return 2 * self.dense(x)
    >>> Twice().predict(np.ones((2, 3)), verbose=0).tolist()
    [[6.0], [6.0]]
    """

    # `Functional`, which is made where inputs and outputs are given; it derives from this class.
    _graph_class: ClassVar[type[Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            return cls._graph_class.__new__(cls._graph_class, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs) and not isinstance(self, Model._graph_class):
            _make_functional(type(self))
            Model._graph_class.__init__(self, *args, **kwargs)
            return
        Layer.__init__(self, *args, **kwargs)
        Trainer.__init__(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs, as of every layer: of arrays, of traced tensors, or symbolic ones.

        A call on an array that comes again, of a model of chainrule's own layers, runs compiled. A list
        of texts is one array of them.
        """
        if not self._called and args:
            self.__dict__["_first_dtypes"] = [
                str(getattr(x, "dtype", None)) for x in tree.flatten(args[0])
            ]
        if len(args) == 1 and type(args[0]) is np.ndarray:
            training = kwargs.get("training")
            if len(kwargs) == ("training" in kwargs) and (training is None or training is False):
                return self._training.calls(self, args[0], kwargs, super().__call__)
        if args and type(args[0]) in (list, tuple, dict):
            args = (join_texts(args[0], f"model '{self.name}'"), *args[1:])
        return super().__call__(*args, **kwargs)

    @property
    def _takes_texts(self) -> bool:
        return any(runs_before_steps(layer) for layer in self._layers)

    def _host_part(self, x: Any = None) -> Any:
        """What runs before the compiled step: of a `call` of one's own it is not known."""
        return None

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, inputs left out of subclassed models."""
        return list(self._layers)

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. "
            "Please use another name."
        )

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its number.

        Raises
        ------
        ValueError
            When there is no such layer, or both or neither argument is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer: expected a name or an index, got {name!r} and {index!r}")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"get_layer: expected an index below {len(self.layers)}, got {index}"
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        meant = did_you_mean(name, names)
        raise ValueError(f"get_layer: expected one of {names}, got {name!r}.{meant}")

    def build(self, input_shape: Any = None) -> None:
        """Make the variables of every layer for inputs of this shape (or structure of shapes)."""
        # Layers of texts cannot be traced: the layers are built by the first call.
        if input_shape is None or self.built or self._takes_texts:
            self.built = True
            return
        symbols = tree.map_shape_structure(
            lambda shape: KerasTensor(shape, self.compute_dtype), input_shape
        )
        compute_output_spec(self.call, symbols)
        self.built = True

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and their numbers of parameters."""
        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Write configuration, weights and optimizer state to one file.

        Parameters
        ----------
        filepath : str or path
            Ends in `.chainrule`, or in `.keras` or `.h5` for Keras's formats
            (`pip install 'chainrule[h5]'`). Written under a temporary name and renamed.
        overwrite : bool
            Default True.
        **kwargs
            As of `chainrule.saving.save_model`.

        Raises
        ------
        FileExistsError
            When the file is there and `overwrite` is False.
        """
        save_model(self, filepath, overwrite=overwrite, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str = "onnx",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write what the model predicts as an ONNX file, which other programs run.

        Parameters
        ----------
        filepath : str or path
            Ends in `.onnx`; written under a temporary name and renamed.
        format : {"onnx"}
            The others of Keras are not built. Default "onnx".
        verbose : bool, optional
            Whether to print where the file is. Default True.
        input_signature : structure of InputSpec, KerasTensor or arrays, optional
            Shapes and dtypes of the inputs, None for sizes that are free. Default: those of the model.
        **kwargs : object
            Only `opset_version`: the version of ONNX's operators, 20 or more. Default 21.

        Raises
        ------
        ValueError
            Another format or file name, a model that has not been built, an op or a layer that ONNX
            cannot hold (the message names the layer), weights of more than 2 GB.
        TypeError
            Another keyword.
        ImportError
            Without the package onnx: `pip install 'chainrule[onnx]'`.

        Notes
        -----
        The file holds the model's `call` for predictions: no dropout, no random augmentation, no loss. Batch
        sizes and lengths that the model leaves free are free in the file. What a prediction changes in
        the model, the state of stateful layers, is an input and, under ``name/next``, an output more. Inputs
        and outputs have the names of the layers. (ONNX, https://onnx.ai/onnx/intro/concepts.html.)

        Examples
        --------
        >>> import chainrule as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="scores")])
        >>> model.export("model.onnx", verbose=False)  # doctest: +SKIP
        >>> import onnxruntime  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession("model.onnx")  # doctest: +SKIP
        >>> session.run(["scores"], {session.get_inputs()[0].name: x})  # doctest: +SKIP
        """
        unknown = sorted(set(kwargs) - {"opset_version"})
        if unknown:
            raise TypeError(f"export: expected no keyword but opset_version, got {unknown}")
        from chainrule.exporting import export_model

        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, mapping: Any = None, **kwargs: Any
    ) -> None:
        """Write the weights to a `.safetensors`, `.weights.h5` or `.h5` file.

        Parameters
        ----------
        mapping : dict or "auto", optional
            Our places -> names of PyTorch's modules: names and layouts are those that its
            `load_state_dict` takes. See `chainrule.saving.save_torch_weights`.
        **kwargs
            As of `chainrule.saving.save_weights`, without a mapping.
        """
        if mapping is None:
            save_weights(self, filepath, overwrite=overwrite, **kwargs)
            return
        from chainrule.saving.torch_weights.files import save_torch_weights

        save_torch_weights(self, filepath, mapping, overwrite)

    def load_weights(
        self,
        filepath: Any,
        skip_mismatch: bool = False,
        mapping: Any = None,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Read weights from a file of whatever format `save_weights` or `save` writes.

        Parameters
        ----------
        mapping : dict or "auto", optional
            The file is PyTorch's: our places -> names of its modules. See
            `chainrule.saving.load_torch_weights`, whose report comes back.
        dry_run : bool
            With a mapping: only say what fits. Default False.
        **kwargs
            As of `chainrule.saving.load_weights`, without a mapping.

        Raises
        ------
        FileFormatError
            A file that is truncated, corrupt or of another format; no weight has changed.
        ShapeError
            Weights of other shapes, unless `skip_mismatch`.
        """
        if mapping is not None:
            from chainrule.saving.torch_weights.files import load_torch_weights

            return load_torch_weights(
                self, filepath, mapping, skip_mismatch=skip_mismatch, dry_run=dry_run
            )
        if dry_run:
            raise ValueError("load_weights: expected a mapping with dry_run=True, got none")
        return load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def check_gradients(self, x: Any, y: Any, sample_weight: Any = None, **options: Any) -> Any:
        """Check the loss and every weight's gradient against the NumPy reference.

        See `chainrule.checks.check_gradients`, which this calls.
        """
        return check_gradients(self, x, y, sample_weight=sample_weight, **options)

    def diagnose(self, x: Any, y: Any = None, sample_weight: Any = None, **options: Any) -> Any:
        """Look for what keeps the model from learning, and name the remedies.

        See `chainrule.diagnosis.diagnose`, which this calls.
        """
        from chainrule.diagnosis import diagnose

        return diagnose(self, x, y, sample_weight, **options)

    def profile(self, x: Any, y: Any = None, sample_weight: Any = None, **options: Any) -> Any:
        """Time a step by layer and by op: tables, a picture, a trace. Nothing of the model changes.

        See `chainrule.profiling.profile`, which this calls.
        """
        from chainrule.profiling import profile

        return profile(self, x, y, sample_weight, **options)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """Weights, optimizer state and metrics as nested dicts by path."""
        return get_state_tree(self, value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assign what `get_state_tree` returned."""
        set_state_tree(self, state_tree)

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text."""
        with sharing() as shared:
            return json.dumps(shared.finish(serialize_keras_object(self)), **kwargs)

    @default
    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, where they are plain values."""
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The model that `get_config` described.

        Raises
        ------
        TypeError
            A class whose constructor does not take what is in the configuration.
        """
        if {"name", "layers", "input_layers", "output_layers"} <= set(config):
            if cls in (Model, cls._graph_class) or is_functional_like(cls, cls._graph_class):
                made = cls._graph_class if cls is Model else cls
                return functional_from_config(made, config, custom_objects)
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(
                f"Unable to revive model from config: {cls.__name__}(**config) failed: {error}. "
                f"Override `get_config()` and `from_config()`. Received: config={config}"
            ) from error

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_training" not in state:
            self.__dict__["_training"] = TrainingState.of_version_02(self.__dict__)
        if "_nodes" in state:
            _make_functional(type(self))
            for node in state["_nodes"]:
                node.enter()

    def _repr_html_(self) -> str:
        return summary_html(self)

    def _obj_type(self) -> str:
        return "Model"


def _make_functional(cls: type) -> None:
    """Put `Functional` in the place of `Model` among the bases of a user's class."""
    graph_class = Model._graph_class
    if cls in (Model, object) or issubclass(cls, graph_class):
        return
    for base in cls.__bases__:
        _make_functional(base)
    cls.__bases__ = tuple(graph_class if base is Model else base for base in cls.__bases__)


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the constructor got inputs and outputs."""
    by_name = {"inputs", "outputs"} <= set(kwargs) or (len(args) == 1 and "outputs" in kwargs)
    if by_name or len(args) == 2:
        leaves = tree.flatten((args, kwargs.get("inputs"), kwargs.get("outputs")))
        return any(isinstance(leaf, KerasTensor) for leaf in leaves)
    return False


def model_from_json(
    json_string: str, custom_objects: Any = None, memory_limit: int | None = None
) -> Any:
    """The model that `to_json` described.

    Parameters
    ----------
    json_string : str
    custom_objects : dict, optional
        Classes and functions by name that are neither chainrule's nor registered.
    memory_limit : int, optional
        The most bytes that its variables may have. Default: `config.memory_limit()`.

    Raises
    ------
    ValueError
        Text that is no JSON object, or describes no model.
    MemoryError
        A model larger than the limit.
    """
    config = read_json(json_string)
    if not isinstance(config, dict):
        raise ValueError(f"model_from_json: expected a JSON object, got {type(config).__name__}")
    with bounded(memory_limit, len(json_string)), sharing():
        try:
            return deserialize_keras_object(config, custom_objects=custom_objects)
        except (ValueError, MemoryError):
            raise
        except Exception as error:
            raise ValueError(
                f"model_from_json: expected the description of a model, got: {error}"
            ) from error
