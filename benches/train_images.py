"""Whole training steps of convolutional networks: chainrule's `fit` and its peers on the same task.

    python benches/train_images.py                          the table, some minutes
    python benches/train_images.py --model resnet20 --rounds 5
    python benches/train_images.py --only "fit|PyTorch" --quick

Two networks at batch 128 with Adam, softmax cross-entropy and float32: mnist_convnet, Keras's
example (3x3 convolutions of 32 and 64 filters with ReLU, each in front of a 2x2 maximum, dropout
0.5, 10 classes; images of 28x28x1), and ResNet-20 for CIFAR (He et al. 2015, sec. 4.2, with 1x1
convolutions as shortcuts; images of 32x32x3). Images are random. The rest is as in `train.py`: the
same rows, order, weights and cores for everyone, equal loss curves first, interleaved rounds.

Each peer stands in an ordinary form of its own. JAX: one jitted step with donated state, called for
each batch or scanned. Keras: `fit`; on TensorFlow with `jit_compile=False` and oneDNN on. PyTorch:
channels_last, fused Adam, eager and `torch.compile`. PyTorch pads a convolution of stride 2 on both
sides in what is timed, as its users do; for the loss curves it pads one side, as `same` does
elsewhere. GFLOP/s count the convolutions and matrix products, taps in the padding included. Peers
that are not installed are named and left out; `pip install keras jax tensorflow-cpu torch` adds
them.
"""

from __future__ import annotations

from collections.abc import Callable

from contest import CORE, OURS, SCAN, main
from contestants.image_task import TASKS, ImageTask
from contestants.task import Contestant

NEEDS = {
    OURS: ("chainrule",),
    CORE: ("chainrule",),
    "JAX, jitted step": ("jax",),
    SCAN: ("jax",),
    "Keras on JAX, fit": ("keras", "jax"),
    "Keras on TensorFlow, fit": ("keras", "tensorflow"),
    "PyTorch, eager": ("torch",),
    "PyTorch, compiled": ("torch",),
}


def make(kind: str, task: ImageTask, shuffle: bool) -> Contestant:
    """The contestant; called in the process where it lives."""
    from contestants.image_jax import ImageJaxTrainer
    from contestants.image_keras import ImageCoreTrainer, ImageKerasTrainer
    from contestants.image_torch import ImageTorchTrainer

    kinds: dict[str, Callable[[], Contestant]] = {
        OURS: lambda: ImageKerasTrainer(task, shuffle, "chainrule"),
        CORE: lambda: ImageCoreTrainer(task, shuffle, "chainrule"),
        "JAX, jitted step": lambda: ImageJaxTrainer(task, shuffle),
        SCAN: lambda: ImageJaxTrainer(task, shuffle, scan=True),
        "Keras on JAX, fit": lambda: ImageKerasTrainer(task, shuffle, "keras", "jax"),
        "Keras on TensorFlow, fit": lambda: ImageKerasTrainer(
            task, shuffle, "keras", "tensorflow", jit_compile=False
        ),
        "PyTorch, eager": lambda: ImageTorchTrainer(task, shuffle),
        "PyTorch, compiled": lambda: ImageTorchTrainer(task, shuffle, compiled=True),
    }
    return kinds[kind]()


if __name__ == "__main__":
    main(__doc__ or "", TASKS, make, NEEDS)
