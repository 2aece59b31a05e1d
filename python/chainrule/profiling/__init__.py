"""Where the time of a step goes: by layer and by op, as tables, a picture, and a trace."""

from __future__ import annotations

from chainrule.profiling.profile import profile as profile
from chainrule.profiling.report import ProfileReport as ProfileReport
from chainrule.profiling.task import Task as Task
