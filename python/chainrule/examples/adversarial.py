"""Fools a network, and trains one that is harder to fool: `python -m chainrule.examples.adversarial`.

The gradient of the loss by the pixels says which way to change a scan so that the network errs. The fast
gradient sign method (Goodfellow et al. 2015, arXiv 1412.6572) changes every pixel by eps at once,

    x' = x + eps sign(dL/dx);

projected gradient descent (Madry et al. 2018, arXiv 1706.06083) takes ten smaller steps and brings each
back to within eps of the scan. A second network of the same first weights is trained on every scan twice:
as it is, and as its own step has changed it by the fast method just before. MNIST is read from `$CHAINRULE_DATA` or the cache, or
downloaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import digit_scans
from chainrule.examples._training import options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["Hardened", "fgsm", "main", "pgd"]

Array = npt.NDArray[Any]
EPSILON = 0.15
STEPS = 10
NAMES = ("clean", "FGSM", "PGD")


def loss_of(model: Any) -> Callable[[Any, Any], Any]:
    """The summed cross-entropy as a function of scans and labels: each scan's gradient is its own."""

    def loss(x: Any, y: Any) -> Any:
        logits = model(x, training=False)
        return ops.sum(keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True))

    return loss


def fgsm(gradient: Callable[[Any, Any], Any], x: Any, y: Any, epsilon: float = EPSILON) -> Any:
    """The scans changed by one step of `epsilon` along the gradient's sign, within 0 to 1."""
    return ops.clip(x + epsilon * ops.sign(gradient(x, y)), 0.0, 1.0)


def pgd(gradient: Callable[[Any, Any], Any], x: Any, y: Any, epsilon: float = EPSILON) -> Any:
    """The scans changed by `STEPS` steps, none of which leaves the box of `epsilon` around them."""
    changed = x
    for _ in range(STEPS):
        changed = fgsm(gradient, changed, y, 2.5 * epsilon / STEPS)
        changed = ops.clip(changed, x - epsilon, x + epsilon)
    return changed


class Hardened(keras.Sequential):
    """A network whose step also reads the scans as the step itself has changed them to fool it."""

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        changed = ops.stop_gradient(fgsm(keras.grad(loss_of(self)), x, y))
        both = ops.concatenate([x, changed]), ops.concatenate([y, y])
        return dict(super().train_step(both))


def network(kind: type[Any], seed: int) -> Any:
    """Two convolutions of stride 2 and logits, with the same first weights for the same seed."""
    keras.utils.set_random_seed(seed)
    model = kind(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, 5, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    return model


def attacked(model: Any, x: Array, y: Array) -> list[Array]:
    """The scans as they are, and changed by either method against this network."""
    gradient = keras.grad(loss_of(model))
    return [x, np.asarray(fgsm(gradient, x, y)), np.asarray(pgd(gradient, x, y))]


def draw(whole: Any, shown: dict[str, tuple[list[Array], list[Array]]], found: Any) -> None:
    """Scans, what was made of them and what they were taken for, and the accuracies."""
    left, right = whole.subfigures(1, 2, width_ratios=(1.5, 1))
    columns = [(name, k) for name in shown for k in range(len(NAMES))]
    for row, axes in enumerate(left.subplots(4, len(columns))):
        for axis, (name, k) in zip(axes, columns):
            scans, taken = shown[name]
            axis.imshow(scans[k][row].squeeze(), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.set_xlabel(f"taken for {taken[k][row]}", fontsize=8)
            if row == 0:
                axis.set_title(f"{name},\n{NAMES[k]}", fontsize=9)
    axis = right.subplots()
    for place, (name, accuracies) in enumerate(found.items()):
        across = np.arange(len(NAMES)) + 0.4 * place - 0.2
        heights = [100 * accuracy for accuracy in accuracies]
        bars = axis.bar(across, heights, 0.38, color=("#0072B2", "#E69F00")[place], label=name)
        axis.bar_label(bars, [f"{height:.1f}" for height in heights])
    axis.set_xticks(range(len(NAMES)), NAMES)
    axis.set(ylabel="right on test scans, %", ylim=(0, 118), title=f"pixels changed by {EPSILON}")
    axis.legend(loc="upper right", ncols=2)


def main(arguments: Sequence[str] | None = None) -> dict[str, list[float]]:
    """Train both networks, attack both, and give their accuracies: clean, FGSM, PGD."""
    options = options_of("Fools a network, and trains one that is harder to fool.")
    chosen = options.parse_args(arguments)
    start = time.perf_counter()
    count, epochs = (1500, 5) if chosen.quick else (8000, 8)
    scans = digit_scans(small=False)
    x, y = scans.x_train[:count], scans.y_train[:count]
    x_test, y_test = scans.x_test[:500], scans.y_test[:500]
    found: dict[str, list[float]] = {}
    shown = {}
    for name, kind in (("ordinary", keras.Sequential), ("hardened", Hardened)):
        model = network(kind, chosen.seed)
        model.fit(x, y, batch_size=64, epochs=epochs, verbose=2)
        parts = attacked(model, x_test, y_test)
        taken = [model.predict(part, batch_size=500, verbose=0).argmax(axis=1) for part in parts]
        found[name] = [float((answers == y_test).mean()) for answers in taken]
        shown[name] = ([part[:4] for part in parts], [answers[:4] for answers in taken])
    print_msg(f"{'right by':>12}  " + "  ".join(f"{name:>6}" for name in NAMES))
    for name, accuracies in found.items():
        print_msg(f"{name:>12}  " + "  ".join(f"{accuracy:6.1%}" for accuracy in accuracies))
    path = chosen.out / "adversarial.png"
    save_figure(path, lambda whole: draw(whole, shown, found), (14, 6))
    figures = f"under PGD within {EPSILON}: {found['ordinary'][2]:.1%} right, hardened"
    print_result("adversarial", f"{figures} {found['hardened'][2]:.1%}", start)
    return found


if __name__ == "__main__":
    main()
