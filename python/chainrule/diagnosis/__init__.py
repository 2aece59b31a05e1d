"""Why a network does not learn: statistics by layer, findings with their sources, remedies as code."""

from __future__ import annotations

from chainrule.diagnosis.diagnose import diagnose as diagnose
from chainrule.diagnosis.finding import KINDS as KINDS
from chainrule.diagnosis.finding import Finding as Finding
from chainrule.diagnosis.report import DiagnosisReport as DiagnosisReport
