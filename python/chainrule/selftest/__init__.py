"""`python -m chainrule.selftest`: whether the installed chainrule computes rightly on this machine.

Every op runs on a few rows against the NumPy reference; the digests of its results, and of the
weights of three small trainings, are compared with those that the release publishes, which are the
same for every processor and any number of threads; a check of gradients runs, and the rate of matrix
products is measured. The report is one text for a bug report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.namespace import late, publish

if TYPE_CHECKING or not late(globals()):
    from chainrule.selftest.report import SelfTest as SelfTest
    from chainrule.selftest.running import run as run

publish(globals())
