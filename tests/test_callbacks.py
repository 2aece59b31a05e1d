"""Callbacks at the events of a training, against a model that only remembers."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from chainrule import callbacks
from chainrule.training.state import TrainingState


class Optimizer:
    def __init__(self):
        self.learning_rate = 0.1
        self.built = True
        self.variables = [Variable(0.0)]


class Variable:
    path, stored_dtype = "v", "float32"

    def __init__(self, value):
        self.value = np.asarray(value, "float32")
        self.shape = self.value.shape

    def assign(self, value):
        self.value = np.array(value, "float32")

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)


class Model:
    built = True
    stop_training = False

    def __init__(self):
        self._training = TrainingState()
        self.optimizer = Optimizer()
        self.variables = self.trainable_variables = [Variable(0.0), Variable([0.0, 0.0])]
        self.metrics = []
        self.begun = []
        self.saved = []

    def _has_own_step(self, mode):
        return False

    def _more_optimizers(self):
        return []

    def get_weights(self):
        return [v.value for v in self.variables]

    def set_weights(self, values):
        for variable, value in zip(self.variables, values):
            variable.assign(value)

    def save(self, path, overwrite=True):
        self.saved.append(path)

    save_weights = save


def run(callback_list, losses, model=None, name="loss", batches=1):
    """Call the hooks as `fit` does: one epoch for each loss."""
    model = model or Model()
    runner = callbacks.CallbackList(
        callback_list, add_history=True, model=model, epochs=len(losses)
    )
    runner.on_train_begin()
    for epoch in range(model._training.initial_epoch or 0, len(losses)):
        model.begun.append(epoch)
        model.variables[0].assign(epoch)
        logs = {name: losses[epoch]}
        runner.on_epoch_begin(epoch)
        for batch in range(batches):
            runner.on_train_batch_begin(batch)
            runner.on_train_batch_end(batch, logs)
        runner.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    runner.on_train_end(logs)
    return model, model.history


def test_every_hook_is_called_in_order():
    calls = []

    class Recorder(callbacks.Callback):
        pass

    for hook in (n for n in dir(callbacks.Callback) if n.startswith("on_")):
        if hook in ("on_batch_begin", "on_batch_end"):
            continue
        setattr(Recorder, hook, lambda self, *args, _hook=hook, **kwargs: calls.append(_hook))
    run([Recorder()], [1.0])
    assert calls == [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_epoch_end",
        "on_train_end",
    ]


def test_old_batch_hooks_are_called():
    seen = []

    class Old(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))

    run([Old()], [3.0], batches=2)
    assert seen == [(0, 3.0), (1, 3.0)]


@pytest.mark.parametrize(
    ("callback", "wanted"),
    [
        (callbacks.Callback(), False),
        (callbacks.EarlyStopping(), False),
        (callbacks.ProgbarLogger(), False),
        (callbacks.TerminateOnNaN(), True),
        (callbacks.LambdaCallback(on_epoch_end=print), False),
        (callbacks.LambdaCallback(on_train_batch_end=print), True),
        (callbacks.ModelCheckpoint("a.chainrule"), False),
        (callbacks.ModelCheckpoint("a.chainrule", save_freq=2), True),
        (callbacks.BackupAndRestore("a"), False),
    ],
)
def test_batch_events_only_for_those_that_ask(callback, wanted):
    assert callbacks.CallbackList([callback], add_history=True).wants_batch_events is wanted


def test_batch_events_of_evaluation_and_prediction():
    class Tester(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            pass

    runner = callbacks.CallbackList([Tester()])
    assert runner.wants_test_batch_events
    assert not runner.wants_batch_events and not runner.wants_predict_batch_events


def test_a_callback_without_init_works():
    class Bare(callbacks.Callback):
        def __init__(self):
            self.epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            assert self.model is not None
            self.epochs += 1

    bare = Bare()
    run([bare], [1.0, 2.0])
    assert bare.epochs == 2


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="Callback instances"):
        callbacks.CallbackList([print])
    with pytest.raises(TypeError, match="on_epoch_stop"):
        callbacks.LambdaCallback(on_epoch_stop=print)


def test_history_has_plain_sorted_floats():
    history = callbacks.History()
    runner = callbacks.CallbackList([history], model=Model())
    runner.on_train_begin()
    runner.on_epoch_end(0, {"loss": np.float32(0.5), "acc": np.array(1), "extra": {"a": 2}})
    assert history.history == {"acc": [1.0], "a": [2.0], "loss": [0.5]}
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.epoch == [0]


@pytest.mark.parametrize("patience", [0, 1, 2, 3])
def test_early_stopping_waits(patience):
    stop = callbacks.EarlyStopping("loss", patience=patience)
    run([stop], [10.0, 9.0, 8.0, 9.0, 8.9, 8.8, 8.7, 8.6])
    assert stop.stopped_epoch == max(patience, 1) + 2


def test_early_stopping_restores_the_best_weights():
    model, _ = run(
        [callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)],
        [0.2, 0.15, 0.1, 0.11, 0.12, 0.0],
    )
    assert model.variables[0].value == 2


def test_early_stopping_counts_only_changes_of_min_delta():
    stop = callbacks.EarlyStopping("loss", patience=2, min_delta=0.1)
    _, history = run([stop], [1.0, 0.95, 0.91, 0.5])
    assert history.epoch == [0, 1, 2]


def test_early_stopping_ignores_the_first_epochs():
    stop = callbacks.EarlyStopping("loss", patience=1, start_from_epoch=3)
    _, history = run([stop], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert history.epoch[-1] == 4


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_number_beats_nan(mode, tmp_path):
    sign = 1.0 if mode == "min" else -1.0
    losses = [math.nan, sign * 3.0, sign * 2.0, math.nan, sign * 2.5, sign * 2.6, sign * 1.0]
    stop = callbacks.EarlyStopping("loss", patience=3, mode=mode, restore_best_weights=True)
    saver = callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.chainrule", "loss", save_best_only=True, mode=mode
    )
    plateau = callbacks.ReduceLROnPlateau("loss", patience=3, mode=mode, min_delta=0)
    model, history = run([stop, saver, plateau], losses)
    assert [stop.best, saver.best, plateau.best] == [sign * 2.0] * 3
    assert history.epoch == list(range(6)) and stop.best_epoch == 2
    assert model.variables[0].value == 2
    assert [path[-11] for path in model.saved] == ["1", "2", "3"]
    assert model.optimizer.learning_rate == pytest.approx(0.01)


def test_nan_alone_is_no_improvement():
    stop = callbacks.EarlyStopping("loss", patience=2)
    _, history = run([stop], [math.nan] * 6)
    assert history.epoch == [0, 1, 2]


def test_the_direction_comes_from_the_metric():
    class Metric:
        name, _direction = "score", "up"

    model = Model()
    model.metrics = [Metric()]
    stop = callbacks.EarlyStopping("val_score", patience=1)
    _, history = run([stop], [1.0, 2.0, 3.0, 2.5, 2.4], model, "val_score")
    assert history.epoch[-1] == 3


def test_an_unknown_direction_is_an_error():
    with pytest.raises(ValueError, match="mode='max'"):
        run([callbacks.EarlyStopping("strange")], [1.0], name="strange")


def test_a_missing_metric_is_warned_of():
    with pytest.warns(UserWarning, match="`val_loss` which is not available.*loss"):
        run([callbacks.EarlyStopping("val_loss")], [1.0])
    with pytest.warns(UserWarning, match="mode 'best' is unknown"):
        callbacks.EarlyStopping(mode="best")


def test_reduce_lr_on_plateau():
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, cooldown=1, min_lr=0.04)
    model, history = run([plateau], [1.0] * 9)
    rates = history.history["learning_rate"]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.04, 0.04, 0.04, 0.04])
    with pytest.raises(ValueError, match="factor"):
        callbacks.ReduceLROnPlateau(factor=1.0)


@pytest.mark.parametrize(
    "schedule", [lambda epoch, rate: rate / 2, lambda epoch: 0.1 / 2 ** (epoch + 1)]
)
def test_learning_rate_scheduler(schedule):
    model, history = run([callbacks.LearningRateScheduler(schedule)], [1.0, 1.0])
    assert model.optimizer.learning_rate == pytest.approx(0.025)


def test_a_schedule_gives_floats():
    with pytest.raises(ValueError, match="should be a float"):
        run([callbacks.LearningRateScheduler(lambda epoch, rate: (rate, rate))], [1.0])


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_terminate_on_nan(loss, capsys):
    _, history = run([callbacks.TerminateOnNaN()], [1.0, loss, 1.0])
    assert len(history.epoch) == 2
    assert "Invalid loss" in capsys.readouterr().out


def test_csv_logger_appends_without_a_second_header(tmp_path):
    path = tmp_path / "log.tsv"
    run([callbacks.CSVLogger(path, separator="\t")], [1.0])
    logger = callbacks.CSVLogger(path, separator="\t", append=True)
    run([logger], [2.0, 3.0])
    rows = list(csv.DictReader(path.open(), delimiter="\t"))
    assert [row["loss"] for row in rows] == ["1.0", "2.0", "3.0"]
    assert rows[0]["val_loss"] == "NA"


def test_checkpoints_of_the_best_epochs(tmp_path):
    saver = callbacks.ModelCheckpoint(
        tmp_path / "sub" / "{epoch:02d}-{loss:.1f}.chainrule", "loss", save_best_only=True
    )
    model, _ = run([saver], [3.0, 4.0, 2.0])
    assert [p.rsplit("/")[-1] for p in model.saved] == ["01-3.0.chainrule", "03-2.0.chainrule"]
    assert (tmp_path / "sub").is_dir()


def test_checkpoints_every_few_batches():
    saver = callbacks.ModelCheckpoint(
        "{epoch}-{batch}.safetensors", save_weights_only=True, save_freq=3
    )
    model, _ = run([saver], [1.0] * 3, batches=2)
    assert model.saved == ["2-1.safetensors", "3-2.safetensors"]


def test_bad_checkpoints_are_refused():
    with pytest.raises(ValueError, match=r"ends in '.chainrule' or .*, such as 'model.chainrule'"):
        callbacks.ModelCheckpoint("model.txt")
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("a.chainrule", save_freq="batch")
    with pytest.raises(KeyError, match="accuracy"):
        run([callbacks.ModelCheckpoint("{accuracy}.chainrule")], [1.0])


class Crash(callbacks.Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("crash")


def test_backup_goes_on_where_training_stopped(tmp_path):
    path = tmp_path / "backup"
    with pytest.raises(RuntimeError):
        run([callbacks.BackupAndRestore(path), Crash(1)], [1.0] * 4)
    model, history = run([callbacks.BackupAndRestore(path)], [1.0] * 4)
    # The backup comes last: epoch 1, in which another callback failed, is run again.
    assert history.epoch == [0, 1, 2, 3] and history.history == {"loss": [1.0] * 4}
    assert model.begun == [1, 2, 3]
    assert not path.exists()


class Counter(callbacks.Callback):
    def __init__(self):
        self.epochs = 0

    def on_train_begin(self, logs=None):
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1

    def backup_state(self):
        return {"epochs": self.epochs}

    def restore_state(self, state):
        self.epochs = state["epochs"]


def test_a_backup_holds_what_the_other_callbacks_remember(tmp_path):
    with pytest.raises(RuntimeError):
        run([callbacks.BackupAndRestore(tmp_path), Counter(), Crash(2)], [1.0] * 4)
    first, second = Counter(), Counter()
    run([callbacks.BackupAndRestore(tmp_path), first, second], [1.0] * 4)
    assert (first.epochs, second.epochs) == (4, 2)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", b"0"])
def test_a_damaged_backup_falls_back_to_the_one_before(tmp_path, damage):
    path = tmp_path / "backup"
    backup = callbacks.BackupAndRestore(path, double_checkpoint=True)
    with pytest.raises(RuntimeError):
        run([backup, Crash(2)], [1.0] * 4)
    (path / "latest.npz").write_bytes(damage)
    with pytest.warns(UserWarning, match="latest.npz': expected a whole .*; going on from"):
        model, history = run([callbacks.BackupAndRestore(path)], [1.0] * 4)
    assert model.begun == [1, 2, 3]


def test_a_backup_of_another_model_is_refused(tmp_path):
    with pytest.raises(RuntimeError):
        run([callbacks.BackupAndRestore(tmp_path), Crash(1)], [1.0] * 2)
    other = Model()
    other.variables = [Variable([1.0, 2.0, 3.0])]
    with pytest.raises(ValueError, match="another model"):
        run([callbacks.BackupAndRestore(tmp_path)], [1.0], other)
    assert other.variables[0].value[0] == 1.0


def test_averaged_weights_are_in_the_model_only_for_evaluation():
    model = Model()
    average = Variable(7.0)
    model.optimizer.use_ema = True
    model.optimizer._trainable_variables = model.variables[:1]
    model.optimizer._model_variables_moving_average = [average]
    model.variables[0].assign(1.0)
    runner = callbacks.CallbackList([callbacks.SwapEMAWeights()], model=model)
    runner.on_test_begin()
    assert (model.variables[0].value, average.value) == (7.0, 1.0)
    runner.on_test_end()
    assert (model.variables[0].value, average.value) == (1.0, 7.0)


def test_averaged_weights_need_an_optimizer_that_keeps_them():
    runner = callbacks.CallbackList([callbacks.SwapEMAWeights()], model=Model())
    with pytest.raises(ValueError, match="use_ema=True"):
        runner.on_test_begin()


def test_the_progress_bar_of_a_run(capsys):
    runner = callbacks.CallbackList(add_progbar=True, verbose=1, epochs=2, steps=5)
    runner.on_train_begin()
    for epoch in range(2):
        runner.on_epoch_begin(epoch)
        runner.on_progress(3, {"loss": 2.0})
        runner.on_test_begin()
        runner.on_progress(1, {"loss": 9.0})
        runner.on_test_end({"loss": 9.0})
        runner.on_epoch_end(epoch, {"loss": 1.5, "val_loss": 9.0})
    runner.on_train_end()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines.count("Epoch 2/2") == 1
    assert lines[-1].startswith("5/5") and lines[-1].endswith("loss: 1.5000 - val_loss: 9.0000")
