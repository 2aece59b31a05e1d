"""The two tables of `diagnose`: sick networks, each named and cured, and sound ones, left alone.

``python -m tests.diagnosis_tables [SEEDS [NAME [FIRST]]]`` prints both, for one network of each kind
whose name holds NAME, and each of SEEDS seeds from FIRST on.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

import chainrule as keras
from tests.sick_networks import SICK, Sick, State
from tests.sound_networks import SOUND, Sound

__all__ = ["Verdict", "examine", "is_sound"]


class Verdict:
    """What was found of a sick network, and its score as it is and cured, after the same training."""

    def __init__(self, kinds: list[str], sick: float, cured: float, wanted: str) -> None:
        self.kinds = kinds
        self.sick = sick
        self.cured = cured
        self.is_named = bool(kinds) and kinds[0] == wanted
        self.is_cured = bool(np.isfinite(cured) and not cured >= sick)

    @property
    def ok(self) -> bool:
        """Whether the first finding is the right one, and its remedy helps."""
        return self.is_named and self.is_cured


def _seeded(seed: int) -> np.random.Generator:
    keras.utils.set_random_seed(seed)
    return np.random.default_rng(seed)


def _score(state: State, model: Any, x: Any, y: Any) -> float:
    if state.score is not None:
        return state.score(model, x, y)
    data = (x, y) if state.test is None else state.test
    return float(model.evaluate(*data, verbose=0))


def _train(model: Any, x: Any, y: Any, arguments: dict[str, Any]) -> None:
    if arguments:
        model.fit(x, y, verbose=0, **arguments)


def _prepared(case: Sick, seed: int) -> State:
    state = case.make(_seeded(seed))
    _train(state.model, state.x, state.y, state.before)
    return state


def _after(state: State, validation_data: Any) -> dict[str, Any]:
    more = {} if validation_data is None or state.before else {"validation_data": validation_data}
    return {**state.after, **more}


def report_of(state: State) -> Any:
    """The diagnosis of a network as it stands."""
    more = {} if state.validation_data is None else {"validation_data": state.validation_data}
    return state.model.diagnose(state.x, state.y, **more)


def examine(case: Sick, seed: int) -> Verdict:
    """Diagnose a sick network, apply the first finding's remedy, and train both."""
    state = _prepared(case, seed)
    found = report_of(state).findings
    space = {"keras": keras, "np": np, "model": state.model, "x": state.x, "y": state.y}
    if state.validation_data is not None:
        space["validation_data"] = state.validation_data
    cured = float("nan")
    if found:
        exec(found[0].remedy, space)
        x, y, model = space["x"], space["y"], space["model"]
        again = dict(_after(state, space.get("validation_data")))
        if model is not state.model:
            # A model that begins anew gets all the epochs of the other one.
            again["epochs"] += state.before.get("epochs", 0)
        if found[0].kind != "overfitting":
            _train(model, x, y, again)
        cured = _score(state, model, x, y)
    other = _prepared(case, seed)
    _train(other.model, other.x, other.y, _after(other, other.validation_data))
    sick = _score(other, other.model, other.x, other.y)
    return Verdict([f.kind for f in found], sick, cured, case.kind)


def is_sound(case: Sound, seed: int) -> tuple[list[str], list[str]]:
    """The kinds of findings of a sound network, fresh and trained."""
    model, x, y, arguments = case.make(_seeded(seed))
    held = arguments.get("validation_data")
    more = {} if held is None else {"validation_data": held}
    fresh = [f"{f.kind}: {f.what}" for f in model.diagnose(x, y, **more).findings]
    model.fit(x, y, verbose=0, **arguments)
    trained = [f"{f.kind}: {f.what}" for f in model.diagnose(x, y, **more).findings]
    return fresh, trained


def main(seeds: int = 1, only: str = "", first: int = 0) -> int:
    """Print both tables; 1 where either has an exception."""
    warnings.simplefilter("ignore")
    wrong = 0
    print(f"{'sick network':<36}{'seed':>4}  {'first finding':<26}{'sick':>9}{'cured':>9}")
    for seed in range(first, first + seeds):
        for case in SICK:
            if only not in case.name:
                continue
            verdict = examine(case, seed)
            wrong += not verdict.ok
            shown = verdict.kinds[0] if verdict.kinds else "none"
            mark = "" if verdict.ok else f"  WRONG, wanted {case.kind}; all: {verdict.kinds}"
            print(
                f"{case.name:<36}{seed:>4}  {shown:<26}{verdict.sick:>9.3g}{verdict.cured:>9.3g}"
                f"{mark}",
                flush=True,
            )
    print(f"\n{'sound network':<44}{'seed':>4}  {'fresh':<8}{'trained':<8}")
    for seed in range(first, first + seeds):
        for sound in SOUND:
            if only not in sound.name:
                continue
            fresh, trained = is_sound(sound, seed)
            wrong += bool(fresh or trained)
            cells = [("nothing" if not found else "WRONG") for found in (fresh, trained)]
            more = "" if not fresh + trained else f"  {fresh} {trained}"
            print(f"{sound.name:<44}{seed:>4}  {cells[0]:<8}{cells[1]:<8}{more}", flush=True)
    print(f"\nwrong: {wrong}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(a) if a.isdigit() else a for a in sys.argv[1:])))  # type: ignore[arg-type]
