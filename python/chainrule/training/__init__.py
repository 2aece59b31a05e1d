"""Training: data in, the traced step, the loop over epochs."""

from __future__ import annotations

from chainrule.training.compile_loss import CompileLoss as CompileLoss
from chainrule.training.compile_metrics import CompileMetrics as CompileMetrics

