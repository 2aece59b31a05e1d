"""Callbacks: what happens at the events of `fit`, `evaluate` and `predict`."""

from chainrule.base.namespace import publish
from chainrule.callbacks.backup_and_restore import BackupAndRestore as BackupAndRestore
from chainrule.callbacks.callback import Callback as Callback
from chainrule.callbacks.callback_list import CallbackList as CallbackList
from chainrule.callbacks.csv_logger import CSVLogger as CSVLogger
from chainrule.callbacks.diagnosis import Diagnosis as Diagnosis
from chainrule.callbacks.early_stopping import EarlyStopping as EarlyStopping
from chainrule.callbacks.history import History as History
from chainrule.callbacks.lambda_callback import LambdaCallback as LambdaCallback
from chainrule.callbacks.learning_rate_finder import LearningRateFinder as LearningRateFinder
from chainrule.callbacks.learning_rate_scheduler import (
    LearningRateScheduler as LearningRateScheduler,
)
from chainrule.callbacks.model_checkpoint import ModelCheckpoint as ModelCheckpoint
from chainrule.callbacks.monitor_callback import MonitorCallback as MonitorCallback
from chainrule.callbacks.progbar_logger import ProgbarLogger as ProgbarLogger
from chainrule.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau as ReduceLROnPlateau
from chainrule.callbacks.remote_monitor import RemoteMonitor as RemoteMonitor
from chainrule.callbacks.swap_ema_weights import SwapEMAWeights as SwapEMAWeights
from chainrule.callbacks.tensor_board import TensorBoard as TensorBoard
from chainrule.callbacks.terminate_on_nan import TerminateOnNaN as TerminateOnNaN

publish(globals())
