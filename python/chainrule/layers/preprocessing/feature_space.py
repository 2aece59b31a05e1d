"""FeatureSpace: the columns of a table, encoded, as one vector or as a dict of vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.frames import as_dict
from chainrule.base.tables import as_numbers
from chainrule.base.texts import as_texts
from chainrule.layers.core.input_layer import Input
from chainrule.layers.layer import Layer
from chainrule.layers.merging.concatenate import Concatenate
from chainrule.layers.preprocessing.category_encoding import CategoryEncoding
from chainrule.layers.preprocessing.discretization import Discretization
from chainrule.layers.preprocessing.feature_kinds import FeatureKinds, feature_of
from chainrule.layers.preprocessing.features import Cross, Feature
from chainrule.layers.preprocessing.hashed_crossing import HashedCrossing
from chainrule.layers.preprocessing.hashing import Hashing
from chainrule.layers.preprocessing.host_layer import as_integers
from chainrule.layers.preprocessing.index_lookup import IndexLookup
from chainrule.layers.preprocessing.normalization import Normalization
from chainrule.layers.preprocessing.text_vectorization import TextVectorization
from chainrule.saving.files import save_model


class FeatureSpace(FeatureKinds, Layer):
    """``y = concat(encoded columns)``: a table made ready for a network, column by column.

    Parameters
    ----------
    features : dict
        For each column the kind of what is in it: "float", "float_normalized", "float_rescaled",
        "float_discretized", "integer_categorical", "string_categorical", "integer_hashed" or
        "string_hashed", or what the class method of that name gives, for other than the default
        options; ``FeatureSpace.feature(dtype, layer, output_mode)`` takes any layer.
    output_mode : {"concat", "dict"}
        One vector, columns in the order of their names and crosses behind them; or one each.
    crosses : list, optional
        Tuples of columns that are hashed together, or what `FeatureSpace.cross` gives.
    crossing_dim, hashing_dim, num_discretization_bins : int
        Of crosses, of hashed columns and of discretized ones by default. Default 32.
    name : str, optional

    Raises
    ------
    ValueError
        No feature, an unknown kind or column, or another mode.

    Notes
    -----
    `adapt` learns vocabularies, means and boundaries. Then the space is called on dicts of columns,
    or of values of one row; or stands in a model, between `get_inputs()` and
    `get_encoded_features()`, where lookups run before the compiled step.

    Examples
    --------
    >>> from chainrule import layers, models, utils
    >>> space = utils.FeatureSpace({"age": "float_normalized", "town": "string_categorical"})
    >>> table = {"age": [20.0, 40.0, 60.0], "town": ["Ulm", "Bonn", "Ulm"]}
    >>> space.adapt(table)
    >>> space({"age": [40.0], "town": ["Bonn"]}).tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    >>> out = layers.Dense(1)(space.get_encoded_features())
    >>> models.Model(space.get_inputs(), out).predict(table, verbose=0).shape
    (3, 1)
    """

    # Read where layers are saved as models are.
    compiled = False

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Any = None,
        crossing_dim: Any = 32,
        hashing_dim: Any = 32,
        num_discretization_bins: Any = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not features:
            raise ValueError("The `features` argument cannot be None or empty.")
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features: dict[str, Feature] = {
            label: feature_of(label, value, hashing_dim, num_discretization_bins)
            for label, value in features.items()
        }
        self.crosses = [self._cross_of(cross, features) for cross in crosses or ()]
        if output_mode not in ("dict", "concat"):
            raise ValueError(
                "Invalid value for argument `output_mode`. Expected one of {'dict', 'concat'}. "
                f"Received: output_mode={output_mode}"
            )
        self.output_mode = output_mode
        self.inputs = self._new_inputs()
        self.preprocessors = {
            label: feature.preprocessor for label, feature in self.features.items()
        }
        self.crossers = {
            cross.name: HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders: dict[str, Any] = {}
        self.concat: Any = Concatenate(axis=-1) if output_mode == "concat" else None
        self.encoded_features: Any = None
        self._is_adapted = False

    def _new_inputs(self) -> dict[str, Any]:
        return {
            label: Input(shape=(1,), dtype=feature.dtype, name=label)
            for label, feature in self.features.items()
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.inputs, self.encoded_features = self._new_inputs(), None

    def _cross_of(self, cross: Any, features: dict[str, Any]) -> Cross:
        if isinstance(cross, dict):
            cross = Cross.from_config(cross.get("config", cross))
        if not isinstance(cross, Cross) and not self.crossing_dim:
            raise ValueError(
                "When specifying `crosses`, the argument `crossing_dim` (dimensionality of the "
                "crossing space) should be specified as well."
            )
        names = cross.feature_names if isinstance(cross, Cross) else tuple(cross)
        if unknown := [name for name in names if name not in features]:
            raise ValueError(
                "All features referenced in the `crosses` argument should be present in the "
                f"`features` dict. Received unknown features: {unknown}"
            )
        return cross if isinstance(cross, Cross) else Cross(names, self.crossing_dim)

    def _adaptable(self) -> list[str]:
        """The columns whose layers learn from data."""
        return [name for name, layer in self.preprocessors.items() if _learns(layer)]

    def adapt(self, dataset: Any) -> None:
        """Learn vocabularies, means and boundaries of the columns.

        Parameters
        ----------
        dataset : dict of columns, data frame, or iterable of dicts
            Of a batch that is a tuple, the first entry is taken. Batches are counted as they come; of
            columns for other layers than lookups and ranges, the numbers are kept meanwhile.

        Raises
        ------
        ValueError
            Other data, or a column that is missing. A failed call changes nothing.
        """
        names = self._adaptable()
        kept: dict[str, list[Any]] = {}
        for name in names:
            if hasattr(self.preprocessors[name], "update_state"):
                self.preprocessors[name].reset_state()
            else:
                kept[name] = []
        try:
            for batch in self._batches(dataset):
                for name in names:
                    column = self._column(batch, name)
                    column = column.reshape(-1, 1) if column.ndim < 2 else column
                    if name in kept:
                        kept[name].append(column)
                    else:
                        self.preprocessors[name].update_state(column)
        except BaseException:
            for name in names:
                if name not in kept:
                    self.preprocessors[name].reset_state()
            raise
        for name in names:
            if name in kept:
                self.preprocessors[name].adapt(iter(kept[name]))
            else:
                self.preprocessors[name].finalize_state()
        self._is_adapted = True
        self.encoded_features = None
        self.one_hot_encoders.clear()
        self.get_encoded_features()
        self.built = True

    def _batches(self, dataset: Any) -> Iterator[Any]:
        dataset = as_dict(dataset)
        if isinstance(dataset, dict):
            yield dataset
            return
        if not isinstance(dataset, Iterable) or isinstance(dataset, (str, bytes, np.ndarray)):
            raise ValueError(
                "`adapt()` can only be called on a dict of arrays/lists, a data frame, or an "
                f"iterable of dicts. Received instead: {dataset!r} (of type {type(dataset)})"
            )
        none = True
        for batch in dataset:
            none = False
            yield as_dict(batch[0] if isinstance(batch, tuple) else batch)
        if none:
            raise ValueError(f"layer '{self.name}': adapt() expected at least one batch, got none")

    def _column(self, data: Any, name: str) -> Any:
        """A column of a batch, as texts, integers or float32."""
        try:
            column = data[name]
        except (KeyError, IndexError, TypeError):
            keys = list(data) if hasattr(data, "__iter__") else type(data).__name__
            raise ValueError(
                f"layer '{self.name}': expected the column '{name}', got {keys}"
            ) from None
        place = f"layer '{self.name}': column '{name}'"
        dtype = self.features[name].dtype
        if dtype == "string":
            return as_texts(column, place)
        if dtype.startswith("int"):
            return as_integers(column, place)
        return as_numbers(column, place).astype(dtype)

    def get_inputs(self) -> dict[str, Any]:
        """The symbolic columns, by name."""
        self.get_encoded_features()
        return dict(self.inputs)

    def get_preprocessing_features(self) -> dict[str, Any]:
        """The symbolic columns behind their layers, before indices are encoded."""
        self._check_adapted()
        return self._preprocessed(self.inputs)

    def get_encoded_features(self) -> Any:
        """The symbolic result: one tensor, or a dict of them.

        Raises
        ------
        ValueError
            Before `adapt`, where there is something to learn.
        """
        self._check_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encoded(dict(self.inputs))
        return self.encoded_features

    def _check_adapted(self) -> None:
        if not self._is_adapted and self._adaptable():
            raise ValueError(
                "You need to call `.adapt(dataset)` on the FeatureSpace before you can start using "
                "it."
            )
        self._is_adapted = True

    def _preprocessed(self, columns: dict[str, Any]) -> dict[str, Any]:
        return {name: self.preprocessors[name](column) for name, column in columns.items()}

    def _encoded(self, columns: dict[str, Any]) -> Any:
        made = self._preprocessed(columns)
        crossed = {
            cross.name: self.crossers[cross.name]([made[name] for name in cross.feature_names])
            for cross in self.crosses
        }
        specs: dict[str, Any] = {cross.name: cross for cross in self.crosses}
        result = {name: self._finished(name, made[name], self.features[name]) for name in sorted(made)}
        for name in sorted(crossed):
            result[name] = self._finished(name, crossed[name], specs[name])
        if self.output_mode == "dict":
            return result
        for name, x in result.items():
            if not str(x.dtype).startswith("float"):
                raise ValueError(
                    f"Cannot concatenate features because feature '{name}' has not been encoded "
                    f"(it has dtype {x.dtype}). Consider using `output_mode='dict'`."
                )
        parts = list(result.values())
        return self.concat(parts) if len(parts) > 1 else parts[0]

    def _finished(self, name: str, x: Any, spec: Any) -> Any:
        """Indices of a column as ones and zeros, where that is wanted."""
        if spec.output_mode != "one_hot":
            return x
        if name not in self.one_hot_encoders:
            layer = self.preprocessors.get(name) or self.crossers[name]
            if not str(x.dtype).startswith("int"):
                raise ValueError(
                    f"Feature '{name}' has `output_mode='one_hot'`. Thus its preprocessor should "
                    f"return an integer dtype. Instead it returns a {x.dtype} dtype."
                )
            self.one_hot_encoders[name] = CategoryEncoding(
                _cardinality(name, layer), output_mode="multi_hot", name=f"{name}_encoder"
            )
        return self.one_hot_encoders[name](x)

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """The encoded columns of a dict (or data frame) of columns, or of values of one row.

        Raises
        ------
        ValueError
            Before `adapt`; for other data, or a column that is missing.
        """
        self.get_encoded_features()
        data = as_dict(data)
        if not isinstance(data, dict):
            raise ValueError(
                "A FeatureSpace can only be called with a dict. "
                f"Received: data={data} (of type {type(data)})"
            )
        columns = {name: self._column(data, name) for name in self.features}
        single = {column.ndim == 0 for column in columns.values()}
        if len(single) > 1:
            raise ShapeError(f"layer '{self.name}': expected one row, or columns, got both")
        columns = {n: c.reshape(-1, 1) if c.ndim < 2 else c for n, c in columns.items()}
        if len({len(column) for column in columns.values()}) > 1:
            sizes = {name: len(column) for name, column in columns.items()}
            raise ShapeError(f"layer '{self.name}': expected columns of one length, got {sizes}")
        encoded = self._encoded(columns)
        return tree.map_structure(lambda x: x[0], encoded) if True in single else encoded

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "features": {name: x.get_config() for name, x in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [cross.get_config() for cross in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    def get_build_config(self) -> dict[str, Any] | None:
        return {"adapted": True} if self._is_adapted else None

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        if config and config.get("adapted"):
            self._is_adapted = True
            self.get_encoded_features()
            self.built = True

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the space with all that it has learnt to a `.chainrule` file.

        `saving.load_model` reads it.
        """
        self.get_encoded_features()
        save_model(self, filepath, overwrite=overwrite)


def _learns(layer: Any) -> bool:
    if isinstance(layer, Normalization):
        return layer.input_mean is None
    if isinstance(layer, (TextVectorization, IndexLookup)):
        return not layer._has_input_vocabulary
    if isinstance(layer, Discretization):
        return layer.num_bins is not None
    return hasattr(layer, "adapt")


def _cardinality(name: str, layer: Any) -> int:
    """How many indices a layer gives."""
    if isinstance(layer, IndexLookup):
        return layer.vocabulary_size()
    if isinstance(layer, CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, Discretization):
        return layer._depth()
    if isinstance(layer, (HashedCrossing, Hashing)):
        return layer.num_bins
    raise ValueError(
        f"Feature '{name}' has `output_mode='one_hot'`. However it isn't a standard feature and the "
        "dimensionality of its output space is not known, thus it cannot be one-hot encoded. Try "
        "using `output_mode='int'`."
    )
