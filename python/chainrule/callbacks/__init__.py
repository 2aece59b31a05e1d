"""Callbacks: what happens at the events of `fit`, `evaluate` and `predict`."""

from chainrule.base.namespace import publish
from chainrule.callbacks.backup_and_restore import BackupAndRestore
from chainrule.callbacks.callback import Callback
from chainrule.callbacks.callback_list import CallbackList
from chainrule.callbacks.csv_logger import CSVLogger
from chainrule.callbacks.early_stopping import EarlyStopping
from chainrule.callbacks.history import History
from chainrule.callbacks.lambda_callback import LambdaCallback
from chainrule.callbacks.learning_rate_scheduler import LearningRateScheduler
from chainrule.callbacks.model_checkpoint import ModelCheckpoint
from chainrule.callbacks.monitor_callback import MonitorCallback
from chainrule.callbacks.progbar_logger import ProgbarLogger
from chainrule.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from chainrule.callbacks.swap_ema_weights import SwapEMAWeights
from chainrule.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]

publish(globals())
