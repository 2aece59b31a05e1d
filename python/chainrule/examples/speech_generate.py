"""Speaks a digit in someone's voice: `python -m chainrule.examples.speech_generate`.

A recurrent network learns from 2,700 recordings of ten digits by six speakers (Free Spoken Digit
Dataset) to go on with a spectrogram: given a digit, a speaker and the frames so far, it says which
three frames of 64 mel bands come next, and whether the word is over. Then it speaks by itself, frame after
frame, from silence; Griffin and Lim's algorithm makes sound of the frames, which is written to WAV files.
Another network, which has heard real recordings only, judges those files: which digit, whose
voice? Its answers to 300 real recordings that neither network has learnt from are printed beside it, and
to the same recordings after they went through mel bands and Griffin-Lim, which is the most that a
generator could reach. `fsdd.npz` is read from `$CHAINRULE_DATA` or the cache.

The decoder is that of Wang et al. (2017), "Tacotron: Towards End-to-End Speech Synthesis",
arXiv:1703.10135, without its attention: a word of half a second needs none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import audio, layers
from chainrule.examples._data import recordings
from chainrule.examples._report import class_table, confusion_matrix, draw_confusions
from chainrule.examples._training import fit_or_resume, options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["build_decoder", "build_judge", "main"]

Array = npt.NDArray[Any]
RATE, BANDS = 8000, 64
# Window, hop and transform of the spectrograms: 50, 12.5 and 64 ms.
WINDOW, HOP, FFT = 400, 100, 512
# Frames of a word at most, 0.75 s, and how many the decoder makes at once.
FRAMES, GROUP = 60, 3
# Decibels from the quietest to the loudest, which become -1 and 1.
RANGE = 60.0
BATCH_SIZE, UNITS, EPOCHS, JUDGE_EPOCHS = 64, 192, 40, 20
# Words of each digit by each speaker.
SAMPLES = 5
HEARD = {
    "loss": "sparse_categorical_crossentropy",
    "metrics": {"digit": "accuracy", "speaker": "accuracy"},
}
SAID = {
    "loss": {"frames": "mae", "over": cr.losses.BinaryCrossentropy(from_logits=True)},
    "loss_weights": {"frames": 1.0, "over": 0.1},
}
DIGITS = [str(digit) for digit in range(10)]


def mel_frames(sounds: Sequence[Array]) -> Array:
    """(N, FRAMES, BANDS), from -1, which is 60 dB below the loudest place or less, to 1.

    What is shorter is followed by silence, what is longer is cut.
    """
    samples = np.zeros((len(sounds), FRAMES * HOP - 1), "float32")
    for row, sound in zip(samples, sounds, strict=True):
        row[: len(sound)] = sound[: len(row)]
    bands = audio.mel_spectrogram(samples, RATE, FFT, HOP, WINDOW, num_mel_bins=BANDS)
    loudest = bands.max(axis=(1, 2), keepdims=True)
    loudness = audio.power_to_db(bands / np.maximum(loudest, 1e-10), top_db=None)
    scaled: Array = np.asarray(np.maximum(1 + loudness * (2 / RANGE), -1), "float32")
    return np.swapaxes(scaled, 1, 2)


def sounds_of(frames: Array, iterations: int = 32, seed: int = 0) -> Array:
    """Signals (N, steps) of such frames, by Griffin and Lim's algorithm."""
    bands = 10 ** ((frames - 1) * (RANGE / 20)).swapaxes(1, 2)
    magnitudes = audio.mel_to_magnitudes(bands, RATE, FFT)
    sounds = audio.griffin_lim(magnitudes, WINDOW, HOP, FFT, iterations, seed=seed)
    return np.asarray(0.9 * sounds / np.abs(sounds).max(axis=1, keepdims=True))


def build_decoder(units: int, speakers: int, steps: int = FRAMES // GROUP) -> tuple[Any, Any]:
    """The decoder as it is trained, on all steps of a word, and as it speaks, step by step.

    The first takes {"before", "digit", "speaker"} and gives {"frames", "over"}; the second takes and
    gives the states "state0" and "state1" too. They share their layers.
    """
    wide = GROUP * BANDS
    prenet = [layers.Dense(n, activation="relu") for n in (128, 128)]
    digits, voices = layers.Embedding(10, 32), layers.Embedding(speakers, 32)
    first = layers.GRU(units, return_sequences=True, return_state=True)
    second = layers.GRU(units, return_sequences=True, return_state=True)
    frames, over = layers.Dense(wide, name="frames"), layers.Dense(1, name="over")
    drop = layers.Dropout(0.5)

    def connected(steps: int) -> Any:
        before = layers.Input((steps, wide), name="before")
        digit = layers.Input((1,), dtype="int32", name="digit")
        speaker = layers.Input((1,), dtype="int32", name="speaker")
        inputs = {"before": before, "digit": digit, "speaker": speaker}
        states: list[Any] = [None, None]
        if steps == 1:
            states = [layers.Input((units,), name=f"state{i}") for i in (0, 1)]
            inputs |= {f"state{i}": state for i, state in enumerate(states)}
        x = before
        for dense in prenet:
            # Dropout stays when it speaks: it is what makes one word differ from the next.
            x = drop(dense(x), training=True)
        wanted = layers.Concatenate()([digits(digit), voices(speaker)])
        wanted = layers.Reshape((64,))(wanted)
        wanted = layers.RepeatVector(steps)(wanted)
        x = layers.Concatenate()([x, wanted])
        x, state0 = first(x, initial_state=states[0])
        y, state1 = second(x, initial_state=states[1])
        x = layers.Concatenate()([x, y, wanted])
        outputs = {"frames": frames(x), "over": over(x)}
        if steps == 1:
            outputs |= {"state0": state0, "state1": state1}
        return cr.Model(inputs, outputs)

    return connected(steps), connected(1)


def taught(frames: Array, lengths: Array, digit: Array, speaker: Array) -> tuple[Any, Any, Any]:
    """Inputs, targets and their weights, from frames (N, FRAMES, BANDS) and how many are no silence."""
    steps = FRAMES // GROUP
    targets = frames.reshape(len(frames), steps, GROUP * BANDS)
    before = np.pad(targets, ((0, 0), (1, 0), (0, 0)), constant_values=-1.0)[:, :-1]
    end = (lengths[:, None] - 1) // GROUP
    step = np.arange(steps)
    over = (step >= end).astype("float32")
    # What follows the end is heard by no one; a few steps of it make the end sharp.
    weights = (step <= end + 2).astype("float32")
    x = {"before": before, "digit": digit[:, None], "speaker": speaker[:, None]}
    y = {"frames": targets, "over": over[..., None]}
    return x, y, {"frames": weights, "over": weights}


def speak(speaker: Any, digit: Array, voice: Array) -> Array:
    """Frames (N, FRAMES, BANDS) that the decoder makes, each from those before it."""
    count, (wide, units) = len(digit), (GROUP * BANDS, speaker.input["state0"].shape[-1])
    x = {"before": np.full((count, 1, wide), -1, "float32")}
    x |= {"digit": digit[:, None], "speaker": voice[:, None]}
    x |= {f"state{i}": np.zeros((count, units), "float32") for i in (0, 1)}
    said, silent = [], np.zeros(count, bool)
    for _ in range(FRAMES // GROUP):
        y = speaker.predict_on_batch(x)
        step = np.where(silent[:, None, None], -1, np.clip(y["frames"], -1, 1))
        said.append(step.reshape(count, GROUP, BANDS))
        silent |= y["over"].ravel() > 0
        x |= {"before": step.astype("float32"), "state0": y["state0"], "state1": y["state1"]}
    frames = np.concatenate(said, axis=1)
    # A mean of many ways to say it is paler than each of them: the loudest place is 1 again.
    loudest = frames.max(axis=(1, 2), keepdims=True)
    return np.asarray((frames + 1) * (2 / np.maximum(loudest + 1, 1e-3)) - 1)


def build_judge(speakers: int) -> Any:
    """Which digit, and whose voice: convolutions over (FRAMES, BANDS)."""
    inputs = x = layers.Input((FRAMES, BANDS))
    x = audio.SpecAugment(2, 10, 2, 10, fill_value=-1.0)(x)
    x = layers.Reshape((FRAMES, BANDS, 1))(layers.GaussianNoise(0.1)(x))
    for filters in (12, 24, 48):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
    x = layers.Dense(96, use_bias=False)(layers.Dropout(0.3)(layers.Flatten()(x)))
    x = layers.Dropout(0.3)(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
    heads = {"digit": 10, "speaker": speakers}
    return cr.Model(
        inputs,
        {name: layers.Dense(n, activation="softmax", name=name)(x) for name, n in heads.items()},
    )


def train(model: Any, folder: Path, epochs: int, rate: float, data: Any, **compiled: Any) -> None:
    """Fit with a rate that rises over the first twentieth of the steps and falls as a cosine."""
    x, y, weights = data
    steps = -(-len(next(iter(y.values()))) // BATCH_SIZE) * epochs
    schedule = cr.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=rate, warmup_steps=steps // 20
    )
    model.compile(cr.optimizers.AdamW(schedule, weight_decay=0.02, clipnorm=1.0), **compiled)
    model.summary()
    settings = {"sample_weight": weights, "batch_size": BATCH_SIZE, "epochs": epochs}
    fit_or_resume(model, folder, x, y, **settings)


def judged(judge: Any, frames: Array, digit: Array, speaker: Array) -> tuple[Any, float, float]:
    """Which digits and speakers the judge hears, and which parts of both are right."""
    said = judge.predict(frames, verbose=0)
    heard = {name: answers.argmax(axis=1) for name, answers in said.items()}
    right = float(np.mean(heard["digit"] == digit))
    return heard, right, float(np.mean(heard["speaker"] == speaker))


def draw(whole: Any, pairs: list[tuple[str, Array, Array]], confusions: dict[str, Any]) -> None:
    """Mel spectrograms of real words above generated ones, and what the judge heard in these."""
    above, below = whole.subfigures(1, 2, width_ratios=(2.2, 1))
    half = (len(pairs) + 1) // 2
    axes = above.subplots(4, half, sharex=True, sharey=True)
    for number, (title, real, made) in enumerate(pairs):
        row, column = 2 * (number // half), number % half
        for axis, frames, kind in (
            (axes[row, column], real, "real"),
            (axes[row + 1, column], made, "generated"),
        ):
            axis.imshow(
                frames.T,
                origin="lower",
                aspect="auto",
                vmin=-1,
                vmax=1,
                cmap="magma",
                extent=(0, FRAMES * HOP / RATE, 0, BANDS),
            )
            axis.set_title(f"{title}, {kind}", fontsize=8)
    above.supxlabel("seconds")
    above.supylabel("mel band")
    for axis, (what, (counts, names)) in zip(below.subplots(2, 1), confusions.items(), strict=True):
        draw_confusions(axis, counts, names)
        axis.set(title="generated words", ylabel=f"{what} that was wanted", xlabel="what was heard")


def main(arguments: Sequence[str] | None = None) -> tuple[float, float]:
    """Train both networks, speak, judge; give the parts recognised as the digit and the speaker."""
    parser = options_of("Speak digits in the voices of six speakers.")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    units, epochs, judge_epochs, samples = UNITS, EPOCHS, JUDGE_EPOCHS, SAMPLES
    first, last, iterations = 0, 50, 32
    if options.quick:
        units, epochs, judge_epochs, samples, first, last = 64, 4, 4, 1, 4, 14
        iterations = 8
    data = recordings("fsdd.npz")
    names = [str(name) for name in data.labels["speakers"]]
    used = np.flatnonzero((data.labels["index"] >= first) & (data.labels["index"] < last))
    digit, speaker, index = (
        data.labels[key][used].astype("int32") for key in ("digit", "speaker", "index")
    )
    frames = mel_frames([data.sound(int(i)) for i in used])
    lengths = np.diff(data.offsets)[used] // HOP + 1
    learnt, test = index >= 5, index < 5
    whole_words = learnt & (lengths <= FRAMES)
    folder = options.out / f"speech_generate-{units}-{epochs}-{options.seed}"

    print_msg(f"\nThe judge, on {learnt.sum()} real recordings")
    cr.utils.set_random_seed(options.seed)
    judge = build_judge(len(names))
    told = {"digit": digit[learnt], "speaker": speaker[learnt]}
    train(judge, folder / "judge", judge_epochs, 3e-3, (frames[learnt], told, None), **HEARD)

    print_msg(f"\nThe decoder, on {whole_words.sum()} of them")
    decoder, speaking = build_decoder(units, len(names))
    lesson = taught(*(x[whole_words] for x in (frames, lengths, digit, speaker)))
    train(decoder, folder / "decoder", epochs, 2e-3, lesson, **SAID)

    wanted, voice = (x.ravel() for x in np.indices((10, len(names)), "int32"))
    wanted, voice = np.tile(wanted, samples), np.tile(voice, samples)
    said = speak(speaking, wanted, voice)
    heard = []
    for number, sound in enumerate(sounds_of(said, iterations, options.seed)):
        word = f"{wanted[number]}_{names[voice[number]]}_{number // (10 * len(names))}.wav"
        end = HOP * int((said[number].max(axis=1) > -1).sum())
        (folder / "words").mkdir(exist_ok=True)
        audio.write_wav(folder / "words" / word, sound[:end], RATE)
        heard.append(audio.read_wav(folder / "words" / word)[0][:, 0])
    print_msg(f"Words: {(folder / 'words').resolve()}")

    taken, right, own = judged(judge, mel_frames(heard), wanted, voice)
    real = frames[test]
    again = mel_frames(list(sounds_of(real, iterations, options.seed)))
    for kind, x in (("real recordings", real), ("the same, out of their mel bands", again)):
        _, digits, speakers = judged(judge, x, digit[test], speaker[test])
        print_msg(f"{kind}: {digits:.1%} of the digits, {speakers:.1%} of the speakers")
    print_msg(class_table(wanted, taken["digit"], DIGITS, "digit", "words"))
    pairs = []
    for number in range(10):
        who = number % len(names)
        row = np.flatnonzero(test & (digit == number) & (speaker == who))[0]
        pairs.append((f"{number}, {names[who]}", frames[row], said[number * len(names) + who]))
    confusions = {
        "digit": (confusion_matrix(wanted, taken["digit"], 10), DIGITS),
        "speaker": (confusion_matrix(voice, taken["speaker"], len(names)), names),
    }
    save_figure(options.out / "speech_generate.png", lambda f: draw(f, pairs, confusions), (17, 9))
    figures = (
        f"{right:.1%} of {len(wanted)} words heard as the right digit, {own:.1%} as the speaker"
    )
    print_result("speech_generate", figures, start)
    return right, own


if __name__ == "__main__":
    main()
