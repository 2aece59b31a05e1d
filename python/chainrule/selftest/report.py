"""What the selftest found, as text to paste in a bug report and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from chainrule.selftest.op_checks import OpResult

__all__ = ["Rate", "SelfTest", "Training"]

_MOST_FAULTS = 12


@dataclass(frozen=True)
class Training:
    """A training and the digest of its weights.

    Attributes
    ----------
    name, digest : str
    expected : str
        What was published; empty where nothing was.
    """

    name: str
    digest: str
    expected: str

    @property
    def ok(self) -> bool:
        """Whether the weights have the bits that were published."""
        return self.digest == self.expected


@dataclass(frozen=True)
class Rate:
    """How fast a matrix product was.

    Attributes
    ----------
    side : int
        Of the square matrices.
    gflops : float
        Billions of multiplications and additions a second.
    """

    side: int
    gflops: float


@dataclass
class SelfTest:
    """The result of `chainrule.selftest.run`.

    Attributes
    ----------
    system : dict of str to str
        Versions, processor, instruction set, threads, load.
    ops : list of OpResult
        By op and dtype.
    expected : dict of str to str
        The published digest of each op's results, by ``"op dtype"``.
    trainings : list of Training
    gradients : dict of str to str
        By dtype, the verdict of a check of gradients; ``"ok"``, or the report.
    rates : dict of str to Rate
        By dtype, that of a matrix product.
    seconds : float
    """

    system: dict[str, str]
    ops: list[OpResult] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)
    trainings: list[Training] = field(default_factory=list)
    gradients: dict[str, str] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def other_bits(self) -> list[str]:
        """The ops whose results have other bits than those that were published."""
        return [
            f"{result.op} {result.dtype}"
            for result in self.ops
            if result.digest != self.expected.get(f"{result.op} {result.dtype}")
        ]

    def faults(self) -> Iterator[str]:
        """All that is wrong, in words."""
        for result in self.ops:
            yield from (f"{fault} ({result.dtype})" for fault in result.faults)
        for name in self.other_bits:
            yield f"{name}: other bits than those published"
        for training in self.trainings:
            if not training.ok:
                yield f"training, {training.name}: other weights than those published"
        for dtype, verdict in self.gradients.items():
            if verdict != "ok":
                yield f"gradients of a network in {dtype}:\n{verdict}"

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults())

    def __str__(self) -> str:
        lines = [f"{name + ':':<17}{value}" for name, value in self.system.items()]
        count = sum(result.rows for result in self.ops)
        wrong = {result.op for result in self.ops if result.faults}
        kinds = len({result.op for result in self.ops})
        verdict = f"WRONG: {', '.join(sorted(wrong))}" if wrong else "ok"
        lines.append(f"{'ops:':<17}{kinds} on {count} rows against the NumPy reference: {verdict}")
        for dtype in self.rates:
            errors = [r.error for r in self.ops if r.dtype == dtype]
            lines.append(f"{'':<17}{dtype}: largest error {max(errors, default=0.0):.1e}")
        other = self.other_bits
        bits = f"OTHER BITS: {', '.join(other)}" if other else "ok"
        lines.append(f"{'bits of ops:':<17}as published: {bits}")
        for training in self.trainings:
            bits = "ok" if training.ok else f"OTHER BITS than {training.expected[:16] or 'none'}"
            lines.append(f"{'training:':<17}{training.name}, {training.digest[:16]}: {bits}")
        for dtype, verdict in self.gradients.items():
            short = verdict if verdict == "ok" else "WRONG"
            lines.append(f"{'gradients:':<17}a network in {dtype}: {short}")
        for dtype, rate in self.rates.items():
            lines.append(f"{'matrix product:':<17}{dtype}, {rate.side}: {rate.gflops:.3g} GFLOP/s")
        found = list(self.faults())
        lines += [f"  {fault}" for fault in found[:_MOST_FAULTS]]
        if len(found) > _MOST_FAULTS:
            lines.append(f"  and {len(found) - _MOST_FAULTS} more")
        lines.append(f"{'selftest:':<17}{'ok' if self.ok else 'FAILED'} in {self.seconds:.1f} s")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same as JSON, with `ok` and `faults`."""
        found: dict[str, Any] = asdict(self)
        del found["expected"]
        return json.dumps({"ok": self.ok, "faults": list(self.faults()), **found}, indent=1)
