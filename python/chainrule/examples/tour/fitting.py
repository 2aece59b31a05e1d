"""Too small, too large, and what keeps a large network from learning scans by heart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers, regularizers
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import BLUE, COLOURS, ORANGE, Result, Settings, scans, table
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]

TITLE = "Under- and overfitting: augmentation, L1, L2, dropout"
TEXT = """\
A network underfits where it is too small for the task: its loss stays high on what it trains on as well.
It overfits where it is large and the examples are few: it learns them by heart, its training loss goes
to 0, and its loss on other scans rises again. What helps is whatever makes learning by heart harder:

    augmentation    each scan a little moved and turned, anew in every pass: more examples
    L1              a penalty l * sum |w| in the loss; its slope is l however small w is: many weights end at 0
    L2              a penalty l * sum w^2; its slope 2 l w pulls large weights most: all get small
    dropout         in training, each unit is left out with probability 1/2, so that none relies on another

(and to stop when the loss on other scans is lowest, `callbacks.EarlyStopping`). Below, 200 scans to
train on and 355 others to validate with. The losses are without the penalties, by the network as it
predicts, without dropout and augmentation.
"""
TRAINED_ON = 200
# Below it, a weight counts as 0.
NEAR_ZERO = 1e-3


class Variant(NamedTuple):
    """What differs between the networks: hidden units, their penalty, dropout, augmentation."""

    units: tuple[int, ...] = (256, 128)
    penalty: Any = None
    dropout: float = 0.0
    augmented: bool = False


VARIANTS = {
    "too small": Variant(units=(2,)),
    "large": Variant(),
    "augmentation": Variant(augmented=True),
    "L1": Variant(penalty=regularizers.L1(3e-4)),
    "L2": Variant(penalty=regularizers.L2(1e-3)),
    "dropout": Variant(dropout=0.5),
}


class Fit(NamedTuple):
    """Losses on training and validation scans after each pass, accuracy, and the first kernel."""

    training: list[float]
    validation: list[float]
    accuracy: float
    kernel: Array


def network(variant: Variant) -> Any:
    """Dense layers of ReLU on the scan as an image, with what the variant adds."""
    parts: list[Any] = [cr.Input((8, 8, 1))]
    if variant.augmented:
        parts += [
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            layers.RandomRotation(0.04, fill_mode="constant"),
        ]
    parts.append(layers.Flatten())
    for units in variant.units:
        parts.append(layers.Dense(units, activation="relu", kernel_regularizer=variant.penalty))
        if variant.dropout:
            parts.append(layers.Dropout(variant.dropout))
    return cr.Sequential([*parts, layers.Dense(10, activation="softmax")])


def fit(variant: Variant, passes: int, data: Any, validation: Any) -> Fit:
    """Train, and look at both losses after every pass."""
    model = network(variant)
    nats = cr.metrics.SparseCategoricalCrossentropy(name="nats")
    model.compile(
        cr.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=[nats, "accuracy"]
    )
    found = Fit([], [], 0.0, np.zeros(0))
    for _ in range(passes):
        model.fit(*data, verbose=0)
        for losses, part in ((found.training, data), (found.validation, validation)):
            _, loss, accuracy = model.evaluate(*part, batch_size=355, verbose=0)
            losses.append(float(loss))
    kernel = next(w for w in model.trainable_weights if w.name == "kernel")
    return found._replace(accuracy=float(accuracy), kernel=np.array(kernel))


def near_zero(kernel: Array) -> float:
    """The share of weights that are about 0."""
    return float(np.mean(np.abs(kernel) < NEAR_ZERO))


def draw(figure: Any, fits: dict[str, Fit]) -> None:
    """Both losses of each network, the weights' histograms, and the accuracies."""
    axes = figure.subplots(2, 4)
    panels = [*axes[:, :3].flat]
    for axis, (name, one) in zip(panels, fits.items()):
        passes = range(1, len(one.training) + 1)
        axis.plot(passes, one.training, "--", color=ORANGE, linewidth=2, label="training scans")
        axis.plot(passes, one.validation, color=BLUE, linewidth=2, label="validation scans")
        lowest = int(np.argmin(one.validation))
        axis.plot(lowest + 1, one.validation[lowest], "v", color=BLUE, label="lowest")
        axis.set(title=f"{name}: {one.accuracy:.1%} right", yscale="log", ylim=(1e-3, 4))
        axis.set(xlabel="pass over the training scans", ylabel="loss, nats")
        axis.grid(alpha=0.3)
    panels[0].legend(loc="lower left")
    _draw_weights(axes[0, 3], fits)
    places = np.arange(len(fits))
    axes[1, 3].barh(places, [100 * (1 - one.accuracy) for one in fits.values()], color=COLOURS[5])
    axes[1, 3].set_yticks(places, list(fits))
    axes[1, 3].invert_yaxis()
    axes[1, 3].set(xlabel="validation scans taken for another digit, %", title="mistakes")
    axes[1, 3].grid(alpha=0.3, axis="x")


def _draw_weights(axis: Any, fits: dict[str, Fit]) -> None:
    edges = np.linspace(-0.4, 0.4, 81)
    for name, colour, dashes in zip(("large", "L2", "L1"), COLOURS, ("-", "--", ":")):
        kernel = fits[name].kernel.ravel()
        label = f"{name}: {near_zero(kernel):.0%} below {NEAR_ZERO:g}"
        axis.hist(
            np.clip(kernel, -0.4, 0.4),
            edges,
            histtype="step",
            log=True,
            color=colour,
            linestyle=dashes,
            linewidth=2,
            label=label,
        )
    axis.set(xlabel="weight of the first layer", ylabel="how many", title="weights after training")
    axis.set_ylim(0.8, 3e5)
    axis.legend(loc="upper right", fontsize=8)


def run(settings: Settings) -> Result:
    """Train each variant on the same few scans, and compare."""
    (x, y), (x_test, y_test) = scans()
    chosen = np.random.default_rng(settings.seed).permutation(len(x))[:TRAINED_ON]
    data = x[chosen].reshape(-1, 8, 8, 1), y[chosen]
    validation = x_test.reshape(-1, 8, 8, 1), y_test
    fits, rows = {}, []
    for name, variant in VARIANTS.items():
        cr.utils.set_random_seed(settings.seed)
        one = fits[name] = fit(variant, 15 if settings.quick else 150, data, validation)
        rows.append(
            [
                name,
                f"{one.training[-1]:.4f}",
                f"{one.validation[-1]:.3f}",
                f"{min(one.validation):.3f}",
                f"{one.accuracy:.1%}",
                f"{np.std(one.kernel):.3f}",
                f"{near_zero(one.kernel):.0%}",
            ]
        )
    head = [
        "network",
        "training loss",
        "validation",
        "its lowest",
        "right",
        "spread of w",
        "w about 0",
    ]
    print_msg(table(head, rows) + "\n")
    save_figure(settings.picture, lambda figure: draw(figure, fits), (17, 8))
    figures = {name: one.validation[-1] for name, one in fits.items()}
    line = "validation loss " + ", ".join(f"{loss:.3f} ({name})" for name, loss in figures.items())
    figures["L1 near zero"] = near_zero(fits["L1"].kernel)
    return Result(line, figures)
