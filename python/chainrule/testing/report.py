"""What a check of a user's own code found: one line a check, as text and as a table of a notebook."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from chainrule.checks import GradientReport
from chainrule.utils.tables import html_table, text_table

__all__ = ["Check", "CheckReport", "LeftOut", "Wrong", "told"]

_HEAD = ("check", "dtype", "verdict", "what was found")
_OURS = Path(__file__).resolve().parents[1]


class Wrong(Exception):
    """A check failed; the message says what was expected and what was found."""


class LeftOut(Exception):
    """A check does not apply; the message says why."""


@dataclass(frozen=True)
class Check:
    """One line of a report.

    Attributes
    ----------
    name : str
        What was checked.
    dtype : str
        In which dtype; empty where there is no choice.
    verdict : {"ok", "WRONG", "left out"}
    detail : str
        What was found; for a check that was left out, why.
    """

    name: str
    dtype: str
    verdict: str
    detail: str

    def __str__(self) -> str:
        dtype = f" ({self.dtype})" if self.dtype else ""
        return f"{self.name}{dtype}: {self.detail}"


@dataclass
class CheckReport:
    """What a check of `chainrule.testing` found; prints as a table, and shows as one in a notebook.

    It is true where every check passed: ``assert report.ok, str(report)`` is the line of a test.

    Attributes
    ----------
    subject : str
        What was checked.
    checks : list of Check
    gradients : dict of str to GradientReport
        By dtype, what `check_gradients` says of each weight and input.

    Examples
    --------
    >>> report = CheckReport("Scale", [Check("config", "", "WRONG", "`factor` is lost")])
    >>> report.ok, report.wrong
    (False, ['config'])
    >>> print(report)
    check   dtype  verdict  what was found
    ------  -----  -------  --------------
    config         WRONG    `factor` is lost
    Scale: WRONG in 1 of 1 checks: config
    """

    subject: str
    checks: list[Check] = field(default_factory=list)
    gradients: dict[str, GradientReport] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether something was checked and nothing is wrong."""
        judged = [check for check in self.checks if check.verdict != "left out"]
        return bool(judged) and not self.wrong

    @property
    def wrong(self) -> list[str]:
        """The names of the checks that failed, each once."""
        failed = (check.name for check in self.checks if check.verdict == "WRONG")
        return list(dict.fromkeys(failed))

    def __bool__(self) -> bool:
        return self.ok

    def run(self, name: str, dtype: str, check: Callable[[], str]) -> bool:
        """Run one check and add its line.

        Parameters
        ----------
        name, dtype : str
            Of the line.
        check : callable
            Returns what it found; raises `Wrong` or `LeftOut`, or whatever the code under test
            raises, which is wrong too.

        Returns
        -------
        bool
            Whether it is not wrong.
        """
        try:
            verdict, detail = "ok", check()
        except LeftOut as reason:
            verdict, detail = "left out", str(reason)
        except Wrong as reason:
            verdict, detail = "WRONG", str(reason)
        except Exception as error:
            verdict, detail = "WRONG", told(error)
        self.checks.append(Check(name, dtype, verdict, detail))
        return verdict != "WRONG"

    def _verdict(self) -> str:
        judged = sum(check.verdict != "left out" for check in self.checks)
        if not self.wrong:
            return f"{self.subject}: ok, {judged} checks"
        count = sum(check.verdict == "WRONG" for check in self.checks)
        return f"{self.subject}: WRONG in {count} of {judged} checks: {', '.join(self.wrong)}"

    def _cells(self) -> list[tuple[str, ...]]:
        return [(check.name, check.dtype, check.verdict, check.detail) for check in self.checks]

    def __str__(self) -> str:
        table = text_table(_HEAD, self._cells(), len(_HEAD), is_open=True)
        wrong = [
            f"{dtype}:\n{report}" for dtype, report in self.gradients.items() if not report.ok
        ]
        return "\n".join([table, *wrong, self._verdict()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"{html_table(_HEAD, self._cells())}<p>{escape(self._verdict())}</p>"


def told(error: BaseException) -> str:
    """An exception in one line, with the place in the user's code that it comes from."""
    message = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    outside = [f for f in frames if _OURS not in Path(f.filename).resolve().parents]
    place = f" (at {Path(outside[-1].filename).name}:{outside[-1].lineno})" if outside else ""
    return f"{type(error).__name__}: {message}{place}"


@contextmanager
def said(what: str) -> Iterator[None]:
    """Exceptions of the code under test, with what was being done in front of them."""
    try:
        yield
    except (Wrong, LeftOut):
        raise
    except Exception as error:
        raise Wrong(f"{what}: {told(error)}") from error
