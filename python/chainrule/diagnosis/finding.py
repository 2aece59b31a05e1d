"""Finding: one thing that is wrong, with its number, the threshold's source, and the remedy as code."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

__all__ = ["EXPLAINS", "KINDS", "SOURCES", "Finding", "finding"]

# Causes before what follows from them.
KINDS = (
    "not_finite_data",
    "unfit_targets",
    "targets_out_of_range",
    "single_softmax",
    "logits_as_probabilities",
    "probabilities_as_logits",
    "unscaled_inputs",
    "unscaled_targets",
    "constant_features",
    "leaking_validation_data",
    "sorted_data",
    "frozen_layer",
    "exploding_gradients",
    "vanishing_gradients",
    "saturated_units",
    "dead_units",
    "rate_too_high",
    "rate_too_low",
    "class_imbalance",
    "overfitting",
    "underfitting",
)

_WIDTH = 100

_ANY_SIGNAL = (
    "exploding_gradients",
    "vanishing_gradients",
    "saturated_units",
    "dead_units",
    "rate_too_high",
    "rate_too_low",
    "overfitting",
    "underfitting",
)
# What is not said besides, because it follows from what is said.
EXPLAINS: dict[str, tuple[str, ...]] = {
    "not_finite_data": ("unscaled_inputs", "unscaled_targets", *_ANY_SIGNAL),
    "unfit_targets": _ANY_SIGNAL,
    "targets_out_of_range": ("unscaled_targets", *_ANY_SIGNAL),
    "single_softmax": ("targets_out_of_range", *_ANY_SIGNAL),
    "logits_as_probabilities": _ANY_SIGNAL,
    "probabilities_as_logits": _ANY_SIGNAL,
    "unscaled_inputs": _ANY_SIGNAL,
    "unscaled_targets": ("rate_too_high", "rate_too_low", "underfitting"),
    "leaking_validation_data": ("overfitting",),
    "sorted_data": ("rate_too_high", "rate_too_low", "underfitting", "overfitting", "dead_units"),
    "frozen_layer": ("underfitting", "rate_too_low"),
    "exploding_gradients": ("rate_too_high", "rate_too_low", "underfitting", "overfitting"),
    "vanishing_gradients": ("rate_too_low", "underfitting"),
    "saturated_units": ("vanishing_gradients", "rate_too_low", "underfitting"),
    "dead_units": ("vanishing_gradients", "rate_too_low", "underfitting"),
    "rate_too_high": ("rate_too_low", "underfitting", "overfitting"),
    "rate_too_low": ("underfitting",),
}

SOURCES = {
    "barz": "Barz and Denzler 2020, Do we train on test data? Purging CIFAR of near-duplicates",
    "glorot": "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward "
    "neural networks",
    "goodfellow": "Goodfellow, Bengio and Courville 2016, Deep Learning",
    "he": "He et al. 2015, Delving deep into rectifiers",
    "garcia": "He and Garcia 2009, Learning from imbalanced data",
    "hochreiter": "Hochreiter and Schmidhuber 1997, Long short-term memory",
    "karpathy": "Karpathy, CS231n, Neural networks part 3: ratio of weights and updates",
    "lecun": "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp",
    "lu": "Lu et al. 2019, Dying ReLU and initialization",
    "pascanu": "Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural "
    "networks",
    "prechelt": "Prechelt 1998, Early stopping - but when?",
    "rasmussen": "Rasmussen and Williams 2006, Gaussian processes for machine learning, 5.4.2",
    "yosinski": "Yosinski et al. 2014, How transferable are features in deep neural networks?",
}


@dataclass(frozen=True)
class Finding:
    """What keeps a network from learning, and what to do about it.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    layer : str
        Path of the layer; empty where it is none of one layer.
    number, threshold : float
        What was measured, and from where on it is a finding.
    what : str
        The finding in a sentence.
    source : str
        Where the effect is described, and, where the threshold is not from there, why it is this.
    remedy : str
        Python code. It runs where `keras`, `np`, `model`, `x` and `y` (and `validation_data`, if
        that was given) are what was diagnosed, and leaves in them what to go on with.
    """

    kind: str
    layer: str
    number: float
    threshold: float
    what: str
    source: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.layer}: " if self.layer else ""
        texts = (
            f"{self.kind.replace('_', ' ').upper()}  {where}{self.what}",
            f"measured {self.number:.3g}, threshold {self.threshold:.3g} ({self.source})",
        )
        lines = [textwrap.fill(text, _WIDTH, subsequent_indent="    ") for text in texts]
        code = textwrap.indent(self.remedy, " " * 8)
        return f"{lines[0]}\n    {lines[1]}\n    remedy:\n{code}"


def finding(
    kind: str,
    layer: str,
    number: float,
    threshold: float,
    what: str,
    source: str,
    remedy: str,
    reason: str = "",
) -> Finding:
    """A finding whose source is a key of `SOURCES`, with why the threshold is what it is."""
    where = SOURCES[source]
    whole = f"{where}; {reason}" if reason else where
    return Finding(kind, layer, float(number), float(threshold), what, whole, remedy.strip())
