"""The state of a model as nested dicts, keyed by the parts of each variable's path."""

from __future__ import annotations

from typing import Any

from chainrule.base.errors import DataError, too_deep

__all__ = ["get_state_tree", "set_state_tree"]

_GROUPS = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)


def _variables(model: Any) -> dict[str, list[Any]]:
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    found = (model.trainable_variables, model.non_trainable_variables, optimizer)
    return dict(zip(_GROUPS, (*found, model.metrics_variables)))


def get_state_tree(model: Any, value_format: str = "backend_tensor") -> dict[str, Any]:
    """Weights, optimizer state and metrics by path, as arrays.

    Raises
    ------
    ValueError
        Two variables of one path, or an unknown format.
    """
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(
            "Invalid `value_format` argument. Expected 'backend_tensor' or 'numpy_array', got "
            f"{value_format!r}"
        )
    state: dict[str, Any] = {}
    for group, variables in _variables(model).items():
        branch: dict[str, Any] = state.setdefault(group, {})
        for variable in variables:
            *parts, name = variable.path.split("/")
            place = branch
            for part in parts:
                place = place.setdefault(part, {})
            if name in place:
                raise ValueError(
                    "The following variable path is found twice in the model: "
                    f"'{variable.path}'. `get_state_tree()` needs unique paths; give the layers "
                    "different names."
                )
            place[name] = variable.numpy()
    return state


def set_state_tree(model: Any, state: dict[str, Any]) -> None:
    """Assign what `get_state_tree` returned; groups and paths that are missing stay.

    Raises
    ------
    DataError
        An unknown group or path; nothing has changed.
    """
    assignments = []
    known = _variables(model)
    for group, branch in state.items():
        if group not in known:
            raise DataError(f"set_state_tree: expected one of {list(known)}, got '{group}'")
        by_path = {variable.path: variable for variable in known[group]}
        for path, value in _leaves(branch, ""):
            if path not in by_path:
                raise DataError(f"set_state_tree: no variable '{path}' in '{group}'")
            assignments.append((by_path[path], value))
    for variable, value in assignments:
        variable.assign(value)


def _leaves(branch: Any, prefix: str) -> list[tuple[str, Any]]:
    if not isinstance(branch, dict):
        return [(prefix.rstrip("/"), branch)]
    try:
        return [leaf for key, value in branch.items() for leaf in _leaves(value, f"{prefix}{key}/")]
    except RecursionError:
        raise too_deep("a state tree") from None
