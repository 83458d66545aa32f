"""One training of a campaign: epochs, each of which can be the last of a piece."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch
from torch import Tensor, nn

from inertialab.experiments.campaign.images import Images, load_images
from inertialab.experiments.campaign.inertia import inertia
from inertialab.experiments.campaign.networks import network
from inertialab.experiments.campaign.options import Campaign
from inertialab.experiments.campaign.published import SETTINGS, Setting, factor
from inertialab.experiments.store import replacing

EVALUATED = 1000
"""Images in a batch of the evaluation."""


class Training:
    """A network, its optimizer and its images.

    Every epoch trains on all images once in a new order, the last batch being a smaller one, each image shifted and
    mirrored at random. Weights are drawn on the CPU, everything else on the device.

    Args:
        options: What is trained.
        setting: How.
        device: Where.

    Attributes:
        history: What was seen in each epoch.
        here: Epochs trained by this object; the others were resumed.
        model: The network.

    Raises:
        DataMissingError: If the images are not there.
        WrongInputError: If the fraction leaves none.
    """

    def __init__(self, options: Campaign, setting: Setting, device: torch.device):
        self.options, self.setting, self.device = options, setting, device
        self.images: Images = load_images(options.data, options.fraction).on(device)
        weights, self.generator = torch.Generator().manual_seed(options.seed), torch.Generator(device)
        self.generator.manual_seed(options.seed)
        model = network(options.model, self.images.train[0].shape[1], self.images.classes, weights)
        self.model = model.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.optimizer = setting.optimizer(self.model)
        self.history: list[dict[str, Any]] = []
        self.here = 0

    @property
    def batches(self) -> int:
        """Steps in an epoch."""
        return math.ceil(len(self.images.train[1]) / self.options.batch)

    def epoch(self, tick: Callable[[int], None]) -> None:
        """Train on all images once and evaluate.

        Args:
            tick: Called with 1 after each step.

        Raises:
            FloatingPointError: If the loss is not finite any more.
        """
        began, number = time.perf_counter(), len(self.history)
        eta = self.setting.eta * factor(number, self.options.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = eta
        loss = self._trained(tick)
        if not math.isfinite(loss):
            raise FloatingPointError(f"The loss is {loss} in epoch {number + 1}; take a smaller --eta than {eta:g}.")
        seen = {"eta": eta, "train loss": loss, "test error": self.test_error(), **inertia(self.optimizer)}
        self.history.append({**seen, "seconds": round(time.perf_counter() - began, 2)})
        self.here += 1

    def _trained(self, tick: Callable[[int], None]) -> float:
        """Steps through all images; mean loss on the way."""
        inputs, targets = self.images.train
        order = torch.randperm(len(targets), generator=self.generator, device=self.device)
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        self.model.train()
        for chosen in order.split(self.options.batch):
            batch = self.images.augmented(inputs[chosen], self.generator)
            loss = nn.functional.cross_entropy(self._outputs(batch), targets[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(chosen)
            tick(1)
        return float(total / len(targets))

    def _outputs(self, images: Tensor) -> Tensor:
        x = self.images.normalised(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bfloat16"):
            return self.model(x).float()

    @torch.no_grad()
    def test_error(self) -> float:
        """Share of the test images that are classified wrongly."""
        self.model.eval()
        parts = zip(*(x.split(EVALUATED) for x in self.images.test), strict=True)
        wrong = sum((self._outputs(x).argmax(1) != y).sum() for x, y in parts)
        return float(wrong) / len(self.images.test[1])

    def save(self, path: Path, key: str) -> None:
        """Keep all that the next epoch rests on.

        Args:
            path: Of the file, replaced atomically.
            key: What the training is made of.
        """
        kept = {
            "key": key,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "history": json.dumps(self.history),
        }
        with replacing(path) as file:
            torch.save(kept, file)

    def resume(self, path: Path, key: str) -> bool:
        """Go on from what `save` has kept; whether there was a file of the same training."""
        try:
            with ZipFile(path) as file:
                if file.testzip():  # torch itself reads on over a flipped bit
                    return False
            kept = torch.load(path, map_location=self.device, weights_only=True)
        except Exception:  # a file that is not whole can fail in any way; the training then begins anew
            return False
        if not isinstance(kept, dict) or kept.get("key") != key:
            return False
        self.model.load_state_dict(kept["model"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.generator.set_state(kept["generator"].cpu())
        self.history = json.loads(kept["history"])
        return True

    def save_weights(self, path: Path) -> str:
        """Write parameters and buffers alone; the first 16 digits of the file's SHA-256."""
        with replacing(path) as file:
            torch.save({name: value.cpu() for name, value in self.model.state_dict().items()}, file)
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def published(options: Campaign) -> Setting:
    """The published setting with what the options say instead."""
    row = SETTINGS[options.optimizer]
    eta = row.eta if options.eta is None else options.eta
    decay = row.weight_decay if options.weight_decay is None else options.weight_decay
    return Setting(row.name, eta, decay, row.settings)
