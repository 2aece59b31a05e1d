"""Dataset: elements in order, and what is done with them, made on threads while the core computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule import random
from chainrule.base import tree
from chainrule.base.errors import DataError, ShapeError
from chainrule.tracing.tensor import KerasTensor
from chainrule.utils.data_plans.arguments import threads, whole
from chainrule.utils.data_plans.batches import Batch, Unbatch
from chainrule.utils.data_plans.leaves import as_leaves, padded
from chainrule.utils.data_plans.orders import Repeat, Shuffle, Skip, Take
from chainrule.utils.data_plans.plan import INFINITE, UNKNOWN, Plan, Rows
from chainrule.utils.data_plans.sources import Generated, Values
from chainrule.utils.data_plans.steps import (
    Cache,
    Concatenate,
    Enumerate,
    Filter,
    Map,
    Prefetch,
    Zip,
)
from chainrule.utils.remembered import checked, count

__all__ = ["Dataset"]

# Elements that `prefetch` makes ahead where it is not said how many.
_AHEAD = 2


class Dataset:
    """Elements in order, with the methods that TensorFlow's `tf.data.Dataset` has by these names.

    An element is an array, or a tuple or dict of arrays, of NumPy; `fit` takes elements that are
    batches: x, (x, y) or (x, y, sample_weight). Every method returns a new dataset and leaves its own
    as it was; nothing is made before it is asked for. Each iteration is a pass of its own, with a new
    order where it is shuffled; for a seed, the passes come in the same orders again.

    Parameters
    ----------
    plan : Plan
        What comes in a pass; `from_tensor_slices` and the other static methods make one.
    class_names, file_paths : list of str, optional
        Of files in folders.

    Attributes
    ----------
    class_names : list of str or None
        The names of the labels 0, 1, ...; every dataset made of this one has them too.
    file_paths : list of str or None
        In the order of the first pass.
    next_pass : int
        The number of the pass that the next iteration is.
    AUTOTUNE, INFINITE, UNKNOWN : int
        What stands for "as many as is good", "without end" and "not known".

    Examples
    --------
    >>> from chainrule.utils import Dataset
    >>> data = Dataset.from_tensor_slices((np.arange(5), np.arange(5) % 2))
    >>> data = data.map(lambda x, y: (x * 10, y)).batch(2)
    >>> [(x.tolist(), y.tolist()) for x, y in data], len(data)
    ([([0, 10], [0, 1]), ([20, 30], [0, 1]), ([40], [0])], 3)
    """

    AUTOTUNE = -1
    INFINITE = INFINITE
    UNKNOWN = UNKNOWN

    def __init__(
        self,
        plan: Plan,
        class_names: list[str] | None = None,
        file_paths: list[str] | None = None,
    ) -> None:
        if not isinstance(plan, Plan):
            raise TypeError(
                "Dataset: expected `Dataset.from_tensor_slices(arrays)` or another of its static "
                f"methods, got Dataset({type(plan).__name__})"
            )
        self.class_names = class_names
        self.file_paths = file_paths
        self._plan = plan
        self.next_pass = 0

    def _with(self, plan: Plan) -> Dataset:
        return Dataset(plan, self.class_names, self.file_paths)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """An element for each row of arrays in a tuple, a dict, or alone.

        Raises
        ------
        ShapeError
            Arrays without rows, or of different numbers of them.
        """
        arrays = as_leaves(tensors)
        leaves = tree.flatten(arrays)
        shapes = [np.shape(leaf) for leaf in leaves]
        if len({shape[:1] for shape in shapes}) != 1 or () in shapes:
            raise ShapeError(
                f"Dataset.from_tensor_slices: expected arrays of one number of rows, got {shapes}"
            )

        def take(rows: Any) -> Any:
            return tree.map_structure(lambda array: array[rows], arrays)

        return Dataset(Rows(shapes[0][0], take))

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """A single element."""
        return Dataset.of([as_leaves(tensors)])

    @staticmethod
    def of(elements: Sequence[Any]) -> Dataset:
        """The elements of a list, as they are."""
        return Dataset(Values(elements))

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_signature: Any = None,
        args: tuple[Any, ...] = (),
    ) -> Dataset:
        """What a function's iterator yields; it is called with `args` for each pass.

        Parameters
        ----------
        generator : function
        output_signature : structure of objects with `shape` and `dtype`, optional
            Such as `KerasTensor((None, 3), "float32")`: elements are brought to the dtype and held
            to the shape. Default: they are taken as they come.
        args : tuple
        """
        if not callable(generator):
            raise TypeError(
                "Dataset.from_generator: expected a function that returns an iterator, got "
                f"{type(generator).__name__}"
            )
        return Dataset(Generated(generator, tuple(args), output_signature))

    @staticmethod
    def range(*args: int) -> Dataset:
        """The numbers of Python's `range`, int64."""
        numbers = range(*args)
        return Dataset(Rows(len(numbers), lambda rows: numbers.start + rows * numbers.step))

    @staticmethod
    def zip(*datasets: Any) -> Dataset:
        """Elements side by side, in a tuple, or in the structure that is given; the shortest ends it.

        Examples
        --------
        >>> [int(x * y) for x, y in Dataset.zip(Dataset.range(3), Dataset.range(10, 13))]
        [0, 11, 24]
        """
        structure: Any = datasets[0] if len(datasets) == 1 else datasets
        parts = tree.flatten(structure)
        for part in parts:
            _check_dataset("zip", part)
        return Dataset(Zip(structure, [part._plan for part in parts]))

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """What a function makes of each element, in order.

        Parameters
        ----------
        map_func : function
            Gets the parts of a tuple as arguments, anything else as one; a layer, say.
        num_parallel_calls : int, optional
            Threads that call it; `Dataset.AUTOTUNE` one for each processor, up to 8. Default: it is
            called where elements are asked for. On several threads, layers that draw random numbers
            draw them in any order.
        deterministic : bool, optional
            In TensorFlow's signature: the order is always kept.

        Notes
        -----
        What the function raises ends the pass, with a note that names the function.
        """
        return self._with(Map(self._plan, map_func, threads("map", num_parallel_calls)))

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which a function of their parts is true."""
        return self._with(Filter(self._plan, predicate))

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """Every `batch_size` elements stacked to one.

        Parameters
        ----------
        batch_size : int
        drop_remainder : bool
            Leave out the last batch where it is shorter. Default False.
        num_parallel_calls, deterministic
            As for `map`.

        Raises
        ------
        ShapeError
            When their turn comes, elements of different shapes.
        """
        size = whole("batch", "batch_size", batch_size, 1)
        given = num_parallel_calls
        workers = None if given is None else threads("batch", given)
        return self._with(Batch(self._plan, size, bool(drop_remainder), workers))

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
    ) -> Dataset:
        """Every `batch_size` elements as one, the shorter ones filled up behind.

        Parameters
        ----------
        batch_size : int
        padded_shapes : structure of tuples, optional
            None or -1 in them is the largest size of the batch. Default: of all axes.
        padding_values : scalar or structure of scalars, optional
            Default: 0, or "" among texts.
        drop_remainder : bool
            As for `batch`.

        Examples
        --------
        >>> rows = Dataset.from_generator(lambda: ([1] * n for n in (1, 3)))
        >>> next(iter(rows.padded_batch(2))).tolist()
        [[1, 0, 0], [1, 1, 1]]
        """

        def join(elements: list[Any]) -> Any:
            return padded(elements, padded_shapes, padding_values)

        size = whole("padded_batch", "batch_size", batch_size, 1)
        return self._with(Batch(self._plan, size, bool(drop_remainder), join=join))

    def unbatch(self) -> Dataset:
        """The rows of each element, one by one."""
        plan = self._plan
        if type(plan) is Batch and plan.is_plain:
            return self._with(plan.source)
        return self._with(Unbatch(plan))

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Dataset:
        """Each element at random out of the next `buffer_size`; out of all, any order is as likely.

        Parameters
        ----------
        buffer_size : int
        seed : int, optional
            Default: drawn; `utils.set_random_seed` decides it.
        reshuffle_each_iteration : bool
            Draw another order in each pass. Default True.
        """
        size = whole("shuffle", "buffer_size", buffer_size, 1)
        seed = random.make_default_seed() if seed is None else whole("shuffle", "seed", seed)
        return self._with(Shuffle(self._plan, size, seed, bool(reshuffle_each_iteration)))

    def repeat(self, count: int | None = None) -> Dataset:
        """The passes one behind the other, `count` of them, or without end (None, -1)."""
        times = -1 if count is None else whole("repeat", "count", count, -1)
        return self._with(Repeat(self._plan, times))

    def take(self, count: int) -> Dataset:
        """The first `count` elements; all where it is -1."""
        return self._with(Take(self._plan, whole("take", "count", count, -1)))

    def skip(self, count: int) -> Dataset:
        """The elements behind the first `count`; none where it is -1."""
        return self._with(Skip(self._plan, whole("skip", "count", count, -1)))

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements, then those of another dataset."""
        _check_dataset("concatenate", dataset)
        return self._with(Concatenate(self._plan, dataset._plan))

    def enumerate(self, start: int = 0) -> Dataset:
        """``(number, element)``, numbers from `start` on."""
        return self._with(Enumerate(self._plan, start))

    def cache(self, filename: str = "") -> Dataset:
        """The elements of the first whole pass in every pass, kept in memory.

        Raises
        ------
        ValueError
            A file name: nothing is written.
        """
        if filename:
            raise ValueError(
                f"Dataset.cache: expected no filename (elements are kept in memory), got {filename!r}"
            )
        return self._with(Cache(self._plan))

    def prefetch(self, buffer_size: int | None = None) -> Dataset:
        """The elements, up to `buffer_size` made ahead on a thread of its own.

        Default, and for `Dataset.AUTOTUNE`: 2. `fit` makes batches ahead by itself.
        """
        given = -1 if buffer_size is None else buffer_size
        depth = whole("prefetch", "buffer_size", given, -1)
        return self if not depth else self._with(Prefetch(self._plan, _AHEAD if depth < 0 else depth))

    def apply(self, transformation_func: Callable[[Dataset], Any]) -> Any:
        """What a function makes of the dataset."""
        return transformation_func(self)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """As iterating over the dataset."""
        return iter(self)

    def cardinality(self) -> int:
        """The number of elements, `Dataset.INFINITE` (-1) or `Dataset.UNKNOWN` (-2)."""
        return self._plan.count

    @property
    def batch_size(self) -> int | None:
        """Rows of an element, where `batch` or `padded_batch` made it last; else None."""
        return self._plan.size if isinstance(self._plan, Batch) else None

    @property
    def element_spec(self) -> Any:
        """Shape and dtype of the arrays of an element, as KerasTensors; the first element tells.

        Raises
        ------
        DataError
            A dataset without elements.
        """
        for element in self._plan.elements(0):
            return tree.map_structure(self._spec_of, element)
        raise DataError("Dataset.element_spec: expected at least one element, got none")

    def _spec_of(self, leaf: Any) -> KerasTensor:
        array = np.asarray(leaf)
        shape: tuple[int | None, ...] = array.shape
        if self._plan.may_be_short and shape:
            shape = (None, *shape[1:])
        return KerasTensor(shape, "string" if array.dtype.kind in "OUST" else array.dtype.name)

    def __len__(self) -> int:
        size = self.cardinality()
        if size < 0:
            what = "infinite" if size == INFINITE else "unknown"
            raise TypeError(f"The dataset is {what}: it has no length; ask `cardinality()`.")
        return size

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        turn = self.next_pass
        self.next_pass += 1
        return self._plan.elements(turn)

    def backup_state(self) -> dict[str, Any]:
        """The number of the next pass."""
        return {"pass": self.next_pass}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go on with that pass."""
        self.next_pass = checked(type(self).__name__, state, {"pass": count})["pass"]

    def passing(self, turn: int, skip: int) -> Iterator[Any]:
        """The elements of a pass by its number, without the first `skip`; the next one comes next."""
        self.next_pass = turn + 1
        return self._plan.elements(turn, skip)

    def __repr__(self) -> str:
        size = {INFINITE: "without end", UNKNOWN: "of unknown length"}.get(self.cardinality())
        return f"<Dataset {size or f'of {self.cardinality()} elements'}>"


def _check_dataset(method: str, x: Any) -> None:
    if not isinstance(x, Dataset):
        raise TypeError(f"Dataset.{method}: expected a Dataset, got {type(x).__name__}")
