"""Public functions state their parameters, results, errors and source, and have an example.

A docstring is NumPy's: a first sentence or formula, then sections. What it says is held against
the signature (names, order, defaults) and against what the function raises when one argument of
its own example is replaced by something that it cannot take.
"""

from __future__ import annotations

import builtins
import doctest
import importlib
import inspect
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest

from chainrule import errors

NAMESPACES = [
    "ops",
    *(f"ops.{part}" for part in "core image linalg math nn numpy".split()),
    "random",
    "activations",
    "losses",
    "initializers",
]
SECTIONS = ["Parameters", "Attributes", "Returns", "Raises", "Notes", "References", "Examples"]
FILLER = re.compile(r"(the )?(input|output)s?( tensors?)?\.|an? (tensor|array)\.", re.IGNORECASE)
SHAPE = re.compile(r"shape|scalar|\(.*\)|sizes?|axes|axis|list|tuple|whatever", re.DOTALL)
DTYPE = re.compile(r"dtype|u?int\d+|float\d*|\bbool|\bint\b|\bstr\b|whatever|complex64")
HOLDS_NUMBERS = re.compile(r"\b(tensors?|n?d?array|structure|tuple|list)\b")
# "As NumPy's `np.add`", "As `jax.nn.relu`", "As Keras's `ops.cast`": whose definition it is.
SOURCE = re.compile(
    r"\b[Aa]s\s(?:(?:NumPy|Keras|SciPy|TensorFlow|PyTorch|JAX)'s\s)?`([a-z_A-Z.0-9]+)`"
)


class Section(NamedTuple):
    """An entry of a section: its name or type, the type after the colon, and the text below."""

    name: str
    kind: str
    text: str


def public() -> dict[str, Any]:
    """Every public function and class of the namespaces, once, under its first name there."""
    found: dict[int, tuple[str, Any]] = {}
    for namespace in NAMESPACES:
        module = importlib.import_module(f"chainrule.{namespace}")
        for name in module.__all__:
            value = getattr(module, name)
            if not inspect.ismodule(value):
                found.setdefault(id(value), (f"{namespace}.{name}", value))
    return dict(found.values())


FUNCTIONS = public()
PATHS = {value: path for path, value in FUNCTIONS.items()}


def sections(text: str) -> dict[str, str]:
    """The text of each section; what stands before the first has the name ""."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert len(found) == len(parts) // 2, "a section stands there twice"
    return {"": parts[0], **found}


def entries(text: str) -> Iterator[Section]:
    """The entries of a section: a line without indent, and the indented lines below it."""
    for match in re.finditer(r"^(\S.*)\n((?:(?:[ ]+.*)?\n?)*)", text, re.MULTILINE):
        name, _, kind = match[1].partition(" : ")
        yield Section(name.strip(), kind.strip(), inspect.cleandoc(match[2]).strip())


def faults(function: Any) -> Iterator[str]:
    """What the docstring lacks."""
    parts = sections(inspect.getdoc(function) or "")
    unknown = [name for name in parts if name and name not in SECTIONS]
    if unknown or [name for name in SECTIONS if name in parts] != list(parts)[1:]:
        yield f"sections {list(parts)[1:]}, expected some of {SECTIONS} in this order"
    first = parts[""].strip().split("\n\n")[0]
    if not first or first[-1] not in ".:" or FILLER.fullmatch(first):
        yield "no first sentence"
    yield from parameter_faults(function, parts.get("Parameters", ""))
    results = list(entries(parts.get("Returns", "")))
    said = "\n".join(f"{r.name} : {r.kind}\n{r.text}" for r in results)
    if inspect.isclass(function):
        pass
    elif not results or not all(r.text.endswith(".") for r in results):
        yield "no Returns"
    elif not any(HOLDS_NUMBERS.search(f"{r.name} {r.kind}") for r in results):
        pass
    elif not SHAPE.search(said) or not DTYPE.search(said):
        yield "Returns without shape or dtype"
    text = parts[""] + parts.get("Notes", "")
    source = SOURCE.search(text) or re.search(r"[Ss]ee (?::func:)?`(\w+)`", text)
    if source is None and "References" not in parts:
        yield "no source"
    # NumPy 1 lacks some of the names.
    if np.__version__ >= "2" and source and not _in_numpy(source[1]):
        yield f"NumPy has no {source[1]}"
    if not doctest.DocTestParser().get_examples(parts.get("Examples", "")):
        yield "no example"
    yield from error_faults(function, parts)


def _in_numpy(path: str) -> bool:
    """Whether a path that begins with np leads anywhere; others are not looked at."""
    value: Any = np
    first, *names = path.split(".")
    for name in names if first == "np" else ():
        value = getattr(value, name, None)
    return value is not None


def parameter_faults(function: Any, text: str) -> Iterator[str]:
    """The signature's names in its order, each with a type, a sentence and its default."""
    named = [(name.lstrip("*"), e) for e in entries(text) for name in e.name.split(", ")]
    taken = dict(inspect.signature(function).parameters)
    if [name for name, _ in named] != list(taken):
        yield f"Parameters {[name for name, _ in named]}, the signature has {list(taken)}"
        return
    for name, entry in named:
        if not entry.kind:
            yield f"{name}: no type"
        if not entry.text.endswith(".") or FILLER.fullmatch(entry.text):
            yield f"{name}: no sentence"
        default = taken[name].default
        whole = " ".join(f"{entry.kind} {entry.text}".split())
        if default is None and not re.search(r"optional|None", whole):
            yield f"{name}: does not say that it may be left out"
        if default is not None and default is not inspect.Parameter.empty:
            number = f"{default:g}" if isinstance(default, float) else repr(default)
            said = {repr(default), number, f'"{default}"'}
            if not any(re.search(rf"[Dd]efault {re.escape(s)}(?![\w])", whole) for s in said):
                yield f"{name}: does not say its default {default!r}"


def error_faults(function: Any, parts: dict[str, str]) -> Iterator[str]:
    """Raises names what there is, and all that is raised for arguments that do not fit."""
    listed = list(entries(parts.get("Raises", "")))
    named = [name for e in listed for name in e.name.split(", ")]
    kinds = [getattr(errors, n, None) or getattr(builtins, n, None) for n in named]
    for name, kind in zip(named, kinds, strict=True):
        if not (inspect.isclass(kind) and issubclass(kind, Exception)):
            yield f"Raises {name}, which is no exception"
            return
    if not all(e.text.endswith(".") for e in listed):
        yield "Raises without a sentence"
    known = tuple(kinds)
    missing = {
        f"Raises lacks {type(error).__name__} ({what}: {str(error)[:60]!r})": None
        for what, error in probes(function)
        if not isinstance(error, known)
    }
    yield from missing


def probes(function: Any) -> Iterator[tuple[str, Exception]]:
    """What is raised when one argument of the example is replaced by one that does not fit."""
    call = example_call(function)
    if call is None:
        return
    bound = inspect.signature(function).bind(*call[0], **call[1])
    bound.apply_defaults()
    types = {
        name.lstrip("*"): e.kind
        for e in entries(sections(inspect.getdoc(function) or "").get("Parameters", ""))
        for name in e.name.split(", ")
    }
    for name, value in bound.arguments.items():
        many = bound.signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        for bad in unfit(name, types.get(name, ""), value[0] if many else value):
            bad = (bad, *value[1:]) if many else bad
            error = raised(function, {**bound.arguments, name: bad})
            if error is not None:
                yield f"{name}={bad!r:.40}", error


def unfit(name: str, kind: str, value: Any) -> Iterator[Any]:
    """Values of the wrong dtype, rank or size for a parameter of this type, or unknown words."""
    if re.search(r"\b(tensors?|array)\b", kind) and not re.match(r"list|tuple|sequence", kind):
        yield np.array(["a", "b"])
        yield np.zeros(np.shape(value) or (1,), "complex64")
        yield np.float32(0.5)
        yield np.zeros((1,) * 7, "float32")
        yield np.zeros((0,), "float32")
    elif isinstance(value, str):
        yield "no such word"
    elif name.startswith("axis") or name in ("source", "destination"):
        yield 99
        yield 0.5


def raised(function: Callable[..., Any], arguments: dict[str, Any]) -> Exception | None:
    """The exception of a call with these arguments."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            args += arguments[name]
        elif parameter.kind is parameter.KEYWORD_ONLY:
            kwargs[name] = arguments[name]
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs |= arguments[name]
        else:
            args.append(arguments[name])
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(*args, **kwargs)
    except Exception as error:
        return error
    return None


def example_call(function: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments of the first call of the function in its own example."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    name, init = function.__name__, function.__init__

    def recorded(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return function(*args, **kwargs)

    def recorded_init(self: Any, *args: Any, **kwargs: Any) -> None:
        if type(self) is function:
            calls.append((args, kwargs))
        init(self, *args, **kwargs)

    module = importlib.import_module(inspect.unwrap(function).__module__)
    space = dict(vars(module))
    if inspect.isclass(function):
        patch = mock.patch.object(function, "__init__", recorded_init)
    else:
        place = importlib.import_module(f"chainrule.{PATHS[function].rpartition('.')[0]}")
        patch = mock.patch.object(place, name, recorded)
        space[name] = recorded
    with redirect_stdout(io.StringIO()), patch:
        for example in doctest.DocTestParser().get_examples(inspect.getdoc(function) or ""):
            try:
                exec(compile(example.source, "<example>", "single"), space)
            except Exception:
                assert example.exc_msg is not None, example.source
    return calls[0] if calls else None


def result_faults(function: Any) -> Iterator[str]:
    """Where the result of the example, with its first argument in other dtypes, is not as said."""
    found = next(entries(sections(inspect.getdoc(function) or "").get("Returns", "")), None)
    call = example_call(function)
    if found is None or call is None:
        return
    bound = inspect.signature(function).bind(*call[0], **call[1])
    first, value = next(iter(bound.arguments.items()), ("", None))
    if first not in ("x", "a", "y", "images", "inputs"):
        return
    if np.asarray(value).dtype.kind not in "fiu":
        return
    text, kind = " ".join(found.text.split()), found.name.split()[0]
    stays = re.search(rf"(in its|the) dtype( of {first})?\.", text)
    floats = re.search(rf"in (its|the) float dtype( of `?{first}`?)?\.", text)
    shaped = re.match(rf"The shape( and the dtype)? of {first}[.,]", text) and " or (" not in text
    for dtype in ("float16", "float32", "float64", "int32", "uint8", "bool"):
        with np.errstate(invalid="ignore"):
            bound.arguments[first] = x = np.asarray(value).astype(dtype)
        try:
            results = function(*bound.args, **bound.kwargs)
        except (TypeError, ValueError):
            continue  # a dtype that it does not take
        wide = dtype if dtype.startswith("float") else "float32"
        expected = [(kind, kind in ("bool", "int32")), (wide, floats), (dtype, stays)]
        for result in results if isinstance(results, list) else [results]:
            if not isinstance(result, np.ndarray):
                continue
            for name in (name for name, applies in expected if applies and result.dtype != name):
                yield f"{dtype} gives {result.dtype}, not {name}: {text}"
            if shaped and result.shape != x.shape:
                yield f"the shape {x.shape} gives {result.shape}: {text}"


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_results_are_as_described(namespace: str) -> None:
    wrong = [
        f"{name}: {fault}"
        for name, function in FUNCTIONS.items()
        if name.rpartition(".")[0] == namespace
        for fault in result_faults(function)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_public_functions_are_described(namespace: str) -> None:
    wrong = [
        f"{name}: {'; '.join(found)}"
        for name, function in FUNCTIONS.items()
        if name.rpartition(".")[0] == namespace and (found := list(faults(function)))
    ]
    assert not wrong, f"{len(wrong)} docstrings lack something:\n" + "\n".join(wrong)


def test_there_are_functions_to_look_at() -> None:
    assert len(FUNCTIONS) > 400


# Every public class


CLASSES = [
    *("", "layers", "optimizers", "optimizers.schedules", "metrics", "callbacks", "losses"),
    *("initializers", "regularizers", "constraints", "utils", "nlp", "nlp.samplers", "audio"),
    *("nlp.tokenizers", "testing"),
]


@pytest.mark.parametrize("namespace", CLASSES)
def test_help_of_every_class_says_its_parameters_with_types(namespace: str) -> None:
    module = importlib.import_module(f"chainrule.{namespace}".rstrip("."))
    wrong = {}
    for name in module.__all__:
        cls = getattr(module, name)
        if not inspect.isclass(cls) or issubclass(cls, Exception):
            continue
        parts = sections(inspect.getdoc(cls) or "")
        # Of a report, made by chainrule alone, the attributes are what matters.
        listed = [e for part in ("Parameters", "Attributes") for e in entries(parts.get(part, ""))]
        known = {n.lstrip("*") for e in listed for n in e.name.split(", ")}
        taken = inspect.signature(cls).parameters.values()
        lacking = [p.name for p in taken if p.kind is not p.VAR_KEYWORD and p.name not in known]
        lacking = [n for n in lacking if n != "args"]
        untyped = [e.name for e in entries(parts.get("Parameters", "")) if not e.kind]
        if lacking or untyped:
            wrong[name] = lacking, untyped
    assert not wrong
