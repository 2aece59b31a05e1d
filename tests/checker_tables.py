"""The two tables of the checker: right models, none called wrong, and planted faults, each found.

``python -m tests.checker_tables [MODELS [FAULTS]]`` prints both, for 300 models and 300 faults.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tests import random_models
from tests.planted_faults import SIDES, Fault, draw, planted


def check(case: random_models.Case) -> Any:
    """The report of a case."""
    return case.model.check_gradients(case.x, case.y, case.sample_weight)


def right_models(seeds: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """How many models of each kind were checked, and the reports of those called wrong."""
    counts: Counter[str] = Counter()
    alarms = []
    for seed in seeds:
        case = random_models.make(seed)
        report = check(case)
        counts[random_models.KINDS[seed % len(random_models.KINDS)]] += 1
        if not report.ok:
            alarms.append(f"model {seed}: {case.name}\n{report}")
    return counts, alarms


def faulty_models(seeds: Iterable[int]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How many faults of each side and change were planted, and what was said of those missed.

    A fault is missed where the report is ok, or where the layer it names first is another.
    """
    counts: Counter[tuple[str, str]] = Counter()
    missed = []
    for seed in seeds:
        case = random_models.make(seed)
        drawn = draw(case, np.random.default_rng([11, seed]))
        if drawn is None:
            continue
        fault, layer = drawn
        side = SIDES[seed % len(SIDES)]
        counts[side, fault.change] += 1
        report = found(case, fault, side)
        named = report.faults[0].layer if report.faults else None
        if report.ok or named != layer:
            missed.append(f"{side}, {fault} in {layer!r}: {case.name}\n{report}")
    return counts, missed


def found(case: random_models.Case, fault: Fault, side: str) -> Any:
    """The report of a case with a fault."""
    with planted(fault, side):
        return check(case)


def main(models: int = 300, faults: int = 300) -> int:
    """Print both tables; 1 where either has an exception."""
    warnings.simplefilter("ignore")
    counts, alarms = right_models(range(models))
    print("right models, every other round of them trained   checked  called WRONG")
    for kind in random_models.KINDS:
        wrong = sum(f": {kind}, " in alarm or f": {kind}: " in alarm for alarm in alarms)
        print(f"{kind:<50}{counts[kind]:>7}{wrong:>14}")
    print(f"{'all':<50}{counts.total():>7}{len(alarms):>14}\n")
    planted_counts: Counter[tuple[str, str]] = Counter()
    missed: list[str] = []
    seed = 0
    while planted_counts.total() < faults:
        more, wrong_ones = faulty_models([seed])
        planted_counts += more
        missed += wrong_ones
        seed += 1
    print("faults planted in                 factor   sign   term   axis    all")
    for side in SIDES:
        row = [planted_counts[side, change] for change in ("factor", "sign", "term", "axis")]
        print(f"{side:<33}" + "".join(f"{n:>7}" for n in (*row, sum(row))))
    print(f"not called WRONG, or another layer named: {len(missed)}")
    print("\n\n".join(alarms + missed))
    return int(bool(alarms or missed))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
