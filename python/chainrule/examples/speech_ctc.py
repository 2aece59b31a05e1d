"""Hears strings of spoken digits: `python -m chainrule.examples.speech_ctc`.

A string is three to six recordings of one speaker (Free Spoken Digit Dataset, CC BY-SA 4.0, 8 kHz),
joined with silences and under noise. The network gets the loudness of 40 mel bands every 16 ms and
learns which digits there are, in their order, but not where: connectionist temporal classification
adds up all alignments. Two bidirectional GRUs read the frames. Strings of like length make a batch,
and what pads the shorter ones is masked, so that neither the network nor the loss counts it. The
digits are then read greedily (the likeliest class of each frame) and by a beam search.

Of the fifty recordings of each speaker and digit the first five make the strings of the test, the
next five those that are watched while the other forty train: settings and epochs were chosen by what
is watched alone. `fsdd.npz` is read from `$CHAINRULE_DATA` or the cache.

The loss: Graves, Fernandez, Gomez & Schmidhuber, Connectionist Temporal Classification, ICML 2006.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import audio, layers, nlp, ops
from chainrule.examples._data import Recordings, recordings
from chainrule.examples._report import draw_curves
from chainrule.examples._training import fit_or_resume, options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["Batches", "build_model", "main", "strings"]

Array = npt.NDArray[Any]
RATE, BANDS, HOP, WINDOW = 8000, 40, 128, 256
# Of silences between digits and at the ends, in seconds, and of speech over noise, in decibels.
SILENCES, LOUDNESS = (0.05, 0.4), (10.0, 30.0)
# Decibels of no sound at all: what stands behind shorter strings.
NOTHING = -100.0
# Beginnings of labellings that the beam search keeps.
WIDTH = 20
# The convolution's frames, and its step: the network has half as many frames as the sound.
WIDE, STRIDE = 5, 2
# Batches are padded to a multiple of so many frames: fewer lengths, fewer compiled programs.
STEP = 16
# Strings to train on, to watch and to test; units; rows of a batch; epochs; learning rate.
FULL, QUICK = (3200, 320, 500, 64, 32, 30, 4e-3), (320, 32, 32, 32, 8, 14, 6e-3)


class String(NamedTuple):
    """Digits that were spoken, the frames (T, BANDS) of their sound, and where each begins and ends."""

    digits: Array
    frames: Array
    places: Array


def joined(sounds: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Array]:
    """The sounds with silences around them under white noise, and where each is, in seconds."""
    gaps = rng.uniform(*SILENCES, len(sounds) + 1)
    parts, places = [np.zeros(int(gaps[0] * RATE), "float32")], []
    for sound, gap in zip(sounds, gaps[1:]):
        begin = sum(map(len, parts))
        places.append((begin / RATE, (begin + len(sound)) / RATE))
        parts += [sound, np.zeros(int(gap * RATE), "float32")]
    whole = np.concatenate(parts)
    speech = np.sqrt(np.mean(np.square(np.concatenate(list(sounds)))))
    noise = speech * 10 ** (-rng.uniform(*LOUDNESS) / 20)
    noisy = whole + noise * rng.standard_normal(len(whole), dtype="float32")
    return (0.05 / speech * noisy).astype("float32"), np.array(places)


def strings(data: Recordings, rows: Array, count: int, seed: int) -> list[String]:
    """So many strings of the recordings that `rows` names, each of one speaker."""
    rng = np.random.default_rng(seed)
    speakers = data.labels["speaker"][rows]
    by_speaker = [rows[speakers == speaker] for speaker in np.unique(speakers)]
    made = []
    for _ in range(count):
        chosen = rng.choice(by_speaker[rng.integers(len(by_speaker))], rng.integers(3, 7))
        sound, places = joined([data.sound(row) for row in chosen], rng)
        made.append((data.labels["digit"][chosen], sound, places))
    result = []
    for first in range(0, count, 32):
        some = made[first : first + 32]
        sounds = cr.preprocessing.sequence.pad_sequences(
            [sound for _, sound, _ in some], dtype="float32", padding="post"
        )
        bands = audio.log_mel(
            sounds, RATE, fft_length=WINDOW, sequence_stride=HOP, num_mel_bins=BANDS, top_db=None
        )
        for (digits, sound, places), each in zip(some, np.swapaxes(bands, 1, 2)):
            result.append(String(digits, each[: len(sound) // HOP], places))
    return result


class Batches(cr.utils.PyDataset):
    """Batches (frames, labels) of strings of like length; `order` says which string is where.

    Behind a string's frames stands NOTHING. Label d + 1 is the digit d; behind the labels stand
    zeros, which are CTC's blank.
    """

    def __init__(self, made: Sequence[String], batch_size: int = 32) -> None:
        super().__init__()
        self.made = made
        self.order = np.argsort([len(string.frames) for string in made], kind="stable")
        self.rows = np.array_split(self.order, math.ceil(len(made) / batch_size))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        some = [self.made[row] for row in self.rows[index]]
        # At least so many that the convolution never sees the end of the padding.
        least = max(len(string.frames) for string in some) + WIDE // 2
        longest = math.ceil(least / STEP) * STEP
        pad = cr.preprocessing.sequence.pad_sequences
        x = pad([s.frames for s in some], longest, "float32", padding="post", value=NOTHING)
        return x, pad([s.digits + 1 for s in some], 6, padding="post")


def build_model(units: int, mean: Array, variance: Array, seed: int) -> Any:
    """From decibels (frames, bands) to logits of a blank and ten digits for each frame."""
    inputs = layers.Input((None, len(mean)))
    there = ops.any(ops.not_equal(inputs, NOTHING), axis=-1)
    x = layers.Normalization(mean=mean, variance=variance)(inputs)
    x = audio.SpecAugment(2, 12, 2, 6, seed=seed)(x)
    x = layers.Conv1D(units, WIDE, strides=STRIDE, padding="same", use_bias=False)(x)
    # A convolution hands no mask on: the layers behind it get that of the frames which it keeps.
    x = layers.ReLU()(layers.BatchNormalization()(x, mask=there[:, ::STRIDE]))
    for number in range(2):
        x = layers.Bidirectional(layers.GRU(units, return_sequences=True))(x)
        x = layers.Dropout(0.3, seed=seed + 1 + number)(x)
    return cr.Model(inputs, layers.Dense(11)(x), name="speech_ctc")


def recognised(model: Any, batches: Batches, strategy: str) -> list[list[int]]:
    """The digits that the network hears in each string."""
    heard: list[list[int]] = [[] for _ in batches.made]
    for index, rows in enumerate(batches.rows):
        logits = model.predict_on_batch(batches[index][0])
        lengths = [math.ceil(len(batches.made[row].frames) / STRIDE) for row in rows]
        (labels,), _ = ops.ctc_decode(logits, lengths, strategy, beam_width=WIDTH)
        for row, found in zip(rows, labels):
            heard[row] = (found[found > 0] - 1).tolist()
    return heard


def word_error_rate(made: Sequence[String], heard: Sequence[Sequence[int]]) -> float:
    """Digits to insert, delete or replace, over the digits that were spoken."""
    return float(nlp.EditDistance()([string.digits for string in made], heard))


def draw_string(axes: Any, string: String, probabilities: Array, heard: Sequence[int]) -> None:
    """A string's mel bands above, below what the network takes each frame for."""
    above, below = axes
    seconds = len(string.frames) * HOP / RATE
    above.imshow(
        string.frames.T, origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, BANDS)
    )
    for digit, (begin, end) in zip(string.digits, string.places):
        above.text((begin + end) / 2, BANDS - 5, str(digit), color="white", ha="center")
        above.axvspan(begin, end, fill=False, color="white", alpha=0.4)
    said, read = ("".join(map(str, digits)) for digits in (string.digits, heard))
    above.set(title=f"spoken {said}, recognised {read}", ylabel="mel band")
    times = (np.arange(len(probabilities)) + 0.5) * STRIDE * HOP / RATE
    below.plot(times, probabilities[:, 0], ":", color="black", label="blank")
    for digit in range(10):
        p = probabilities[:, digit + 1]
        if p.max() > 0.1:
            below.plot(times, p, color=f"C{digit}", label=str(digit))
    below.set(xlabel="seconds", ylabel="probability", xlim=(0, seconds), ylim=(0, 1.05))
    below.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)


def draw(whole: Any, curves: Any, model: Any, batches: Batches, heard: Sequence[Any]) -> None:
    """The loss, the first string of the test, and the first one with a mistake."""
    wrong = [i for i, s in enumerate(batches.made) if s.digits.tolist() != heard[i]]
    first = next(i for i in range(len(heard)) if i not in wrong) if len(wrong) < len(heard) else 0
    left, right = whole.subfigures(1, 2, width_ratios=(1, 2.4))
    axis = left.subplots()
    draw_curves(axis, "loss", {"": curves})
    axis.set(title="CTC loss of a string", yscale="log")
    shown = [first, *wrong[:1]]
    axes = right.subplots(2 * len(shown), 1, squeeze=False)[:, 0]
    for number, row in enumerate(shown):
        string = batches.made[row]
        logits = model.predict(Batches([string]), verbose=0)[0]
        probabilities = np.asarray(ops.softmax(logits[: math.ceil(len(string.frames) / STRIDE)]))
        draw_string(axes[2 * number : 2 * number + 2], string, probabilities, heard[row])


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train, recognise, and give the word error rates of the test, greedily and by beam."""
    parser = options_of(__doc__.splitlines()[0])
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    data = recordings("fsdd.npz", RATE)
    index = data.labels["index"]
    *counts, units, batch_size, epochs, rate = QUICK if options.quick else FULL
    learned, watched, tested = (
        Batches(
            strings(data, np.flatnonzero(chosen), count, 1000 * options.seed + part), batch_size
        )
        for part, (chosen, count) in enumerate(
            zip((index >= 10, (index >= 5) & (index < 10), index < 5), counts)
        )
    )
    frames = np.concatenate([string.frames for string in learned.made])
    cr.utils.set_random_seed(options.seed)
    model = build_model(units, frames.mean(axis=0), frames.var(axis=0), options.seed)
    model.summary()
    steps = len(learned) * epochs
    schedule = cr.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 20, warmup_target=rate, warmup_steps=steps // 20
    )
    model.compile(cr.optimizers.Adam(schedule, global_clipnorm=5.0), "ctc")
    name = f"speech_ctc-{'quick-' * options.quick}{options.seed}"
    curves = fit_or_resume(
        model, options.out / name, learned, epochs=epochs, validation_data=watched
    )

    rate_watched = word_error_rate(watched.made, recognised(model, watched, "greedy"))
    print_msg(f"word error rate of {counts[1]} strings that were watched: {rate_watched:.1%}")
    heard = {name: recognised(model, tested, name) for name in ("greedy", "beam_search")}
    rates = {name: word_error_rate(tested.made, each) for name, each in heard.items()}
    for string, each in list(zip(tested.made, heard["beam_search"]))[:5]:
        print_msg(f"spoken {string.digits.tolist()}, recognised {each}")
    print_result(
        "speech_ctc",
        f"word error rate of {counts[2]} strings: greedy {rates['greedy']:.1%}, beam search "
        f"{rates['beam_search']:.1%}",
        start,
    )
    save_figure(
        options.out / "speech_ctc.png",
        lambda whole: draw(whole, curves, model, tested, heard["beam_search"]),
        (16, 9),
    )
    return rates


if __name__ == "__main__":
    main()
