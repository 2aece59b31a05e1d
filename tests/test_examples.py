"""The examples run and say what they promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule
from chainrule.datasets import cifar10_small
from chainrule.examples import cifar_resnet, digits, mnist_convnet, serving, transfer
from chainrule.examples._report import draw_report
from tests.example_runs import DRAWN, interrupted, needs

needs_mnist = needs("mnist.npz")


def test_digits(tmp_path, capsys):
    path = tmp_path / "curves.png"
    accuracy = digits.main(["--epochs", "6", "--seed", "1", "--out", str(path)])
    out = capsys.readouterr().out
    assert accuracy > 0.93
    assert f"test accuracy: {accuracy:.1%}" in out
    assert "Epoch 6/6" in out and "Total params" in out and "precision" in out
    assert "WRONG" not in out
    assert path.exists() == DRAWN


def test_digits_reads_well_enough(capsys, tmp_path):
    assert digits.main(["--out", str(tmp_path / "curves.png")]) >= 0.97


@needs_mnist
def test_mnist_convnet(tmp_path, capsys):
    out = tmp_path / "pictures"
    options = ["--epochs", "6", "--limit", "1500", "--seed", "1", "--out", str(out)]
    accuracy = mnist_convnet.main(options)
    text = capsys.readouterr().out
    assert accuracy > 0.8
    assert f"test accuracy: {accuracy:.2%}" in text and "s an epoch" in text
    assert "Epoch 6/6" in text and "34,826" in text and "precision" in text
    assert (out / "mnist_convnet.png").exists() == DRAWN


@needs_mnist
def test_transfer(tmp_path, capsys):
    path = tmp_path / "transfer.png"
    options = "--images 4000 --pretrain-epochs 1 --shots 5 --epochs 8 --out".split()
    accuracy = transfer.main([*options, str(path)])
    out = capsys.readouterr().out
    assert accuracy["fine-tuned"] > accuracy["new weights"] + 0.05
    assert min(accuracy["frozen body"], accuracy["fine-tuned"]) > 0.6
    for name, value in accuracy.items():
        assert f"{name:>12}  {value:.1%}" in out
    assert path.exists() == DRAWN


def test_serving(capsys):
    rates = serving.main("--units 32 --seconds 0.3 --wait 0.5 --most 5".split())
    out = capsys.readouterr().out
    assert "Epoch 2/2" in out and "8 clients, 0.3 s each" in out
    for name, rate in rates.items():
        assert rate > 0 and f"{name:>12}  " in out
    assert list(rates) == ["one by one", "in batches"]


def test_questions_of_many_threads_are_answered_in_batches():
    sizes = []

    def predict(x):
        sizes.append(len(x))
        if (x < 0).any():
            raise ValueError("expected numbers of 0 or more")
        return 2 * x

    with serving.Batches(predict, wait=0.5, most=4) as ask, ThreadPoolExecutor(4) as threads:
        rows = [np.full((1, 3), i, "float32") for i in range(12)]
        for row, answer in zip(rows, threads.map(ask, rows), strict=True):
            np.testing.assert_array_equal(answer, 2 * row)
        assert sum(sizes) == 12 and 1 < max(sizes) <= 4
        with pytest.raises(ValueError, match="0 or more"):
            ask(np.full((1, 3), -1.0))
        np.testing.assert_array_equal(ask(rows[1]), 2 * rows[1])


def test_cifar_resnet_goes_on_where_it_was_stopped(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (48, 32, 32, 3), "uint8"), np.arange(48).reshape(-1, 1) % 10
    monkeypatch.setattr(cifar10_small, "load_data", lambda: ((x, y), (x[:20], y[:20])))
    options = ["--epochs", "3", "--limit", "40", "--out"]

    straight = cifar_resnet.main([*options, str(tmp_path / "straight")])
    out = capsys.readouterr().out
    assert "Total params" in out and "Epoch 3/3" in out and "precision" in out
    assert f"test accuracy with augmentation: {straight[1]:.1%}" in out
    picture = tmp_path / "straight" / "cifar_resnet.png"
    assert picture.exists() == DRAWN

    with monkeypatch.context() as patch:
        patch.setattr(chainrule.callbacks, "BackupAndRestore", interrupted(2))
        with pytest.raises(KeyboardInterrupt):
            cifar_resnet.main([*options, str(tmp_path / "stopped")])
    again = cifar_resnet.main([*options, str(tmp_path / "stopped")])
    assert again == straight
    for run in ("without_augmentation", "with_augmentation"):
        one, other = (
            np.genfromtxt(next((tmp_path / name).rglob(f"{run}/epochs.csv")), delimiter=",")
            for name in ("straight", "stopped")
        )
        assert one.shape == (4, 5) and other[1:, 0].tolist() == [0, 1, 2]
        np.testing.assert_array_equal(one[1:], other[1:])
    capsys.readouterr()
    assert cifar_resnet.main([*options, str(tmp_path / "stopped")]) == straight
    assert capsys.readouterr().out.count("Trained before") == 2


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 40])
def test_pictures_count_whole_epochs_and_say_how_wrong_a_mistake_is(
    epochs,
):
    whole = pytest.importorskip("matplotlib.figure").Figure()
    labels = np.array([0, 1, 1])
    probabilities = np.array([[0.25, 0.75], [0.97, 0.03], [0.1, 0.9]])
    curve = {"loss": np.linspace(1, 0, epochs), "accuracy": np.linspace(0, 1, epochs)}
    images = np.zeros((3, 4, 4, 1))
    draw_report(whole, {"": curve}, images, labels, probabilities, ["a", "b"])
    whole.canvas.draw()
    loss, accuracy, _, *mistakes = whole.axes
    for axis in (loss, accuracy):
        low, high = axis.get_xlim()
        ticks = [t for t in axis.get_xticks() if low <= t <= high]
        assert ticks and all(t == int(t) and 1 <= t <= epochs for t in ticks)
        assert (axis.lines[0].get_marker() == ".") == (epochs < 10)
    titles = [axis.get_title() for axis in mistakes if axis.get_title()]
    assert titles == ["b (p = 0.03), not a", "a (p = 0.25), not b"]
