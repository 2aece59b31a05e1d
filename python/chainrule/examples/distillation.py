"""A small network learns from a large one: `python -m chainrule.examples.distillation`.

A convolutional network, the teacher, learns MNIST's digits from 6,000 scans. A student of 16 hidden
units learns them twice from the same 1,000 of those scans and the same first weights: from the labels
alone, and by distillation (Hinton, Vinyals and Dean 2015, arXiv 1503.02531) from the teacher's answers as
well. With logits z and t of student and teacher and a temperature T, the loss of the second is

    (1 - a) cross-entropy(label, softmax(z)) + a T^2 KL(softmax(t / T), softmax(z / T)).

The teacher also answers for scans whose labels the student never sees: the others of the 6,000.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import digit_scans
from chainrule.examples._training import options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["Distilled", "main"]

Array = npt.NDArray[Any]
LABELLED = 1000
TEMPERATURE, ALPHA = 4.0, 0.9


class Distilled(keras.Model):
    """A student that learns from labels, where a scan has one, and from its teacher's logits.

    Its targets are (N, 2) integers: the label, and whether it counts.
    """

    def __init__(self, student: Any, teacher: Any) -> None:
        super().__init__(name="distilled")
        self.student, self.teacher = student, teacher
        teacher.trainable = False
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]

    def call(self, x: Any) -> Any:
        return self.student(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        label, counts = y[:, 0], ops.cast(y[:, 1], "float32")
        soft = ops.softmax(self.teacher(x, training=False) / TEMPERATURE)
        weights = self.student.trainable_weights
        with keras.GradientTape() as tape:
            logits = self.student(x, training=True)
            hard = keras.losses.sparse_categorical_crossentropy(label, logits, from_logits=True)
            mine = ops.log_softmax(logits / TEMPERATURE)
            apart = ops.sum(soft * (ops.log(soft + 1e-9) - mine), axis=-1)
            loss = ops.mean((1 - ALPHA) * counts * hard + ALPHA * TEMPERATURE**2 * apart)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


def build_teacher() -> Any:
    """Two convolutions with pooling, dropout, and logits: 34,826 weights."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10),
        ],
        name="teacher",
    )


def build_student(seed: int) -> Any:
    """16 hidden units: 12,730 weights, the same for the same seed."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(10),
        ]
    )


def compiled(model: Any, rate: float) -> Any:
    """For labels and logits."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def draw(whole: Any, x: Array, soft: Array, accuracies: dict[str, float]) -> None:
    """The accuracies, and scans with what the teacher says of them at the temperature."""
    left, right = whole.subfigures(1, 2, width_ratios=(1, 1.6))
    axis = left.subplots()
    shown = axis.bar(list(accuracies), [100 * a for a in accuracies.values()], color="#0072B2")
    axis.bar_label(shown, [f"{a:.1%}" for a in accuracies.values()])
    axis.set(ylabel="right on test scans, %", ylim=(0, 108), title="who learnt what")
    right.suptitle(f"what a label does not say: the teacher at temperature {TEMPERATURE:g}")
    for pair, image, answer in zip(right.subplots(2, 4).T.reshape(4, 2), x, soft):
        pair[0].imshow(image.squeeze(), cmap="gray_r")
        pair[0].axis("off")
        pair[1].bar(range(10), answer, color="#D55E00")
        pair[1].set(ylim=(0, 0.5), xlabel="digit", ylabel="probability")
        pair[1].set_xticks(range(0, 10, 3))


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train teacher and both students, and give their accuracies on test scans."""
    options = options_of("A small network learns from a large one.").parse_args(arguments)
    start = time.perf_counter()
    count = 2000 if options.quick else 6000
    scans = digit_scans(small=False)
    x, y = scans.x_train[:count], scans.y_train[:count]
    x_test, y_test = scans.x_test[:2000], scans.y_test[:2000]
    labelled = LABELLED // 4 if options.quick else LABELLED
    keras.utils.set_random_seed(options.seed)
    teacher = compiled(build_teacher(), 2e-3)
    teacher.fit(x, y, batch_size=64, epochs=4, verbose=2)

    passes = 30
    alone = compiled(build_student(options.seed), 2e-3)
    # As many steps as the distilled student takes.
    epochs = passes * count // labelled
    alone.fit(x[:labelled], y[:labelled], batch_size=64, epochs=epochs, verbose=0)
    student = build_student(options.seed)
    distilled = Distilled(student, teacher)
    distilled.compile(keras.optimizers.Adam(2e-3))
    targets = np.stack([y, np.arange(count) < labelled], axis=1)
    targets[labelled:, 0] = 0
    distilled.fit(x, targets, batch_size=64, epochs=passes, verbose=0)

    answers = {"teacher": teacher, "student alone": alone, "distilled": student}
    accuracies = {
        name: float((model.predict(x_test, verbose=0).argmax(axis=1) == y_test).mean())
        for name, model in answers.items()
    }
    for name, accuracy in accuracies.items():
        print_msg(f"{name:>14}  {answers[name].count_params():7,} weights  {accuracy:.1%}")
    logits = teacher.predict(x_test, verbose=0)
    soft = np.asarray(ops.softmax(logits / TEMPERATURE))
    unsure = np.argsort(soft.max(axis=1))[[5, 20, 50, 100]]
    path = options.out / "distillation.png"
    save_figure(
        path, lambda whole: draw(whole, x_test[unsure], soft[unsure], accuracies), (13, 4.8)
    )
    figures = ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in accuracies.items())
    print_result("distillation", f"{figures} of {len(x_test)} test scans", start)
    return accuracies


if __name__ == "__main__":
    main()
