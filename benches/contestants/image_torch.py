"""PyTorch: channels_last, fused Adam, in-place ReLU; eager, or through `torch.compile`."""

from __future__ import annotations

from typing import Any

from contestants.image_task import CLASSES, NORM_EPSILON, NORM_MOMENTUM, ImageTask, blocks
from contestants.task import BETA_1, BETA_2, EPSILON
from contestants.torch_trainer import TorchTrainer


class ImageTorchTrainer(TorchTrainer):
    """The usual loop; batches are views of data that is channels last already.

    Parameters
    ----------
    task : ImageTask
    shuffle : bool
        Draw a new order of the rows each epoch.
    compiled : bool
        The network runs through `torch.compile`.
    """

    def __init__(self, task: ImageTask, shuffle: bool, compiled: bool = False) -> None:
        super().__init__(task, shuffle, task.exact)
        torch = self.torch
        self.compiled = compiled
        x, y = task.data()
        self.x = torch.from_numpy(x).permute(0, 3, 1, 2)  # (N, C, H, W), channels last in memory
        self.y = torch.from_numpy(y).long()
        networks = {"mnist_convnet": _mnist_convnet, "resnet20": _resnet20}
        model = networks[task.name](torch, task)
        self._set_weights(model)
        self.model = model.to(memory_format=torch.channels_last).train()
        self.call = torch.compile(self.model) if compiled else self.model
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), self.task.learning_rate, (BETA_1, BETA_2), EPSILON, fused=True
        )

    def _set_weights(self, model: Any) -> None:
        torch = self.torch
        modules = dict(model.named_modules())
        with torch.no_grad():
            for name, kernel in self.task.weights().items():
                value = torch.from_numpy(kernel)
                # (KH, KW, in, out) to (out, in, KH, KW); (in, out) to (out, in)
                order = (3, 2, 0, 1) if value.ndim == 4 else (1, 0)
                module = modules.get(name) or modules[f"units.{name}.conv"]
                module.weight.copy_(value.permute(order))
                if module.bias is not None:
                    module.bias.zero_()

    def _loss(self, x: Any, y: Any) -> Any:
        return self.torch.nn.functional.cross_entropy(self.call(x), y)

    def _in_short(self) -> ImageTorchTrainer:
        return ImageTorchTrainer(self.task.short(), False, self.compiled)


def _mnist_convnet(torch: Any, task: ImageTask) -> Any:
    nn = torch.nn

    class Network(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv0, self.conv1 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
            self.relu, self.pool = nn.ReLU(inplace=True), nn.MaxPool2d(2)
            self.dropout = nn.Dropout(task.dropout)
            self.logits = nn.Linear(5 * 5 * 64, CLASSES)

        def forward(self, x: Any) -> Any:
            for conv in (self.conv0, self.conv1):
                x = self.pool(self.relu(conv(x)))
            x = x.permute(0, 2, 3, 1).flatten(1)  # (N, H*W*C) without a copy
            return self.logits(self.dropout(x) if task.dropout else x)

    return Network()


def _resnet20(torch: Any, task: ImageTask) -> Any:
    nn, functional = torch.nn, torch.nn.functional

    class Unit(nn.Module):  # type: ignore[name-defined, misc]
        """A convolution and batch normalization."""

        def __init__(self, channels: int, filters: int, size: int, stride: int = 1) -> None:
            super().__init__()
            self.one_side = task.exact and stride == 2 and size == 3
            padding = 0 if self.one_side else size // 2
            self.conv = nn.Conv2d(channels, filters, size, stride, padding, bias=False)
            self.norm = nn.BatchNorm2d(filters, NORM_EPSILON, 1 - NORM_MOMENTUM)

        def forward(self, x: Any) -> Any:
            return self.norm(self.conv(functional.pad(x, (0, 1, 0, 1)) if self.one_side else x))

    class Network(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.units = nn.ModuleDict({"conv0": Unit(task.shape[-1], 16, 3)})
            channels = 16
            for block in blocks():
                name, filters, stride = block.name, block.filters, block.stride
                self.units[f"{name}_conv0"] = Unit(channels, filters, 3, stride)
                self.units[f"{name}_conv1"] = Unit(filters, filters, 3)
                if block.projects:
                    self.units[f"{name}_shortcut"] = Unit(channels, filters, 1, stride)
                channels = filters
            self.logits = nn.Linear(channels, CLASSES)

        def forward(self, x: Any) -> Any:
            x = functional.relu(self.units["conv0"](x), inplace=True)
            for block in blocks():
                y = functional.relu(self.units[f"{block.name}_conv0"](x), inplace=True)
                y = self.units[f"{block.name}_conv1"](y)
                if block.projects:
                    x = self.units[f"{block.name}_shortcut"](x)
                y += x
                x = functional.relu(y, inplace=True)
            return self.logits(x.mean((2, 3)))

    return Network()
