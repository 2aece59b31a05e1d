"""paths, scores = the likeliest labellings of frames that a beam search finds, and their log p

Of each beginning w two probabilities are kept: of the ways that end in its last label, and of those
that end in a blank. At a frame with p = softmax(logits), w stays by a blank (both p_blank) or by its
last label (the first times p_label), and grows by each label c to w + c: by both, or by the second
alone where c is w's last label. The `beam_width` likeliest are kept; of equal ones those with the
lower label come first where they part, and the longer ones where they do not.

Shapes: logits (N, T, C); lengths (N); paths (top_paths, N, T), filled up with -1; scores
(N, top_paths), minus infinity where fewer labellings are found.
Dtypes: logits floats, lengths integers, paths int32. It has no derivative.
Errors: a length outside [0, T].
Source: Hannun, Maas, Jurafsky and Ng, First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs, 2014, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference.log_softmax import log_softmax

Path = tuple[int, ...]
# log p of the ways that end in the last label, and of those that end in a blank.
Beams = dict[Path, tuple[float, float]]


def _advance(beams: Beams, log_p: Array, blank: int) -> Beams:
    grown: Beams = {}

    def add(path: Path, label: float, pause: float) -> None:
        old = grown.get(path, (-np.inf, -np.inf))
        grown[path] = (float(np.logaddexp(old[0], label)), float(np.logaddexp(old[1], pause)))

    for path, (label, pause) in beams.items():
        both = float(np.logaddexp(label, pause))
        add(path, label + log_p[path[-1]] if path else -np.inf, both + log_p[blank])
        for c, p in enumerate(log_p):
            if c != blank:
                add((*path, c), (pause if path[-1:] == (c,) else both) + p, -np.inf)
    return grown


def _best(beams: Beams, most: int, classes: int) -> Beams:
    """The likeliest first; `classes` ends a path in comparisons, so that longer ones come first."""
    scores = {path: np.logaddexp(*both) for path, both in beams.items()}
    likely = [path for path in beams if scores[path] > -np.inf]
    order = sorted(likely, key=lambda path: (-scores[path], (*path, classes)))
    return {path: beams[path] for path in order[:most]}


def forward(attrs: Attrs, logits: Array, lengths: Array) -> tuple[Array, Array]:
    """paths, scores"""
    rows, frames, classes = logits.shape
    paths = np.full((attrs["top_paths"], rows, frames), -1, np.int32)
    scores = np.full((rows, attrs["top_paths"]), -np.inf, logits.dtype)
    for row in range(rows):
        if not 0 <= lengths[row] <= frames:
            raise ValueError("ctc_beam_search: a length is out of range")
        beams: Beams = {(): (-np.inf, 0.0)}
        for log_p in log_softmax(logits[row, : lengths[row]], -1):
            grown = _advance(beams, log_p, attrs["mask_index"])
            beams = _best(grown, attrs["beam_width"], classes)
        for place, (path, both) in enumerate(_best(beams, attrs["top_paths"], classes).items()):
            paths[place, row, : len(path)] = path
            scores[row, place] = np.logaddexp(*both)
    return paths, scores


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """None for every input: the core refuses to derive it"""
    return None, None
