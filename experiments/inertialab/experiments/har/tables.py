"""Tables for adaptive regularisation: read from a file, or made for a demonstration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments import tabular
from inertialab.experiments.campaign.images import load_images
from inertialab.experiments.data import load
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.options import Har
from inertialab.experiments.tabular import number, read_table

CLASSES_AT_MOST = 10
SPREADS = 0.15, 1.5
"""Standard deviations of the readings of both sensors."""
FLIPPED = 0.4
"""Share of the labels of noisy classes that are those of the partner."""
SHARE_OF_IMAGES = 0.08
"""Of the 50,000 images for training, as many as a CPU fits in minutes."""


@dataclass(frozen=True)
class Table:
    """Inputs, targets and groups, ready for training.

    Attributes:
        x: Inputs of mean 0 and variance 1, or pixels between 0 and 1, shape (N, d); images, shape (N, channels, ...).
        y: Numbers of mean 0 and variance 1, or classes as whole numbers, shape (N,).
        groups: Group of each row, from 0, shape (N,).
        names: Of the groups.
        outputs: 1, or the number of classes.
        digest: Of what it was made from.
        clean: What `y` scatters about, for rows of a demonstration, shape (N,); None where nobody knows.
    """

    x: Tensor
    y: Tensor
    groups: Tensor
    names: tuple[str, ...]
    outputs: int
    digest: str
    clean: Tensor | None = None


def table_of(options: Har, seed: int) -> Table:
    """The table asked for.

    Args:
        options: What was asked for.
        seed: Of a demonstration.

    Raises:
        WrongInputError: If the file cannot be used; the sentence says why.
    """
    return _read(options.data, options) if options.data is not None else DEMOS[options.demo](seed)


def _read(path: Path, options: Har) -> Table:
    table, target = read_table(path), str(options.target)
    named = (target, *options.group, *options.ignore)
    table.require(named)
    if target in options.group:
        raise WrongInputError(f"Column {target!r} cannot be both target and group.")
    _, x = table.inputs(named, "--ignore")
    names, groups = _groups(path, [table.words(name) for name in dict.fromkeys(options.group)])
    y, outputs = _targets(table, options)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    x = torch.as_tensor(_standardised(x), dtype=torch.float32)
    return Table(x, y, torch.as_tensor(groups), names, outputs, digest)


def _groups(path: Path, parts: list[tuple[str, ...]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the groups, and the group of each row, from what the group columns say."""
    keys = list(zip(*parts, strict=True))
    found = sorted(set(keys), key=", ".join)
    names = tuple(" ".join(", ".join(key).split()) for key in found)
    if len(found) < 2:
        raise WrongInputError(
            f"All rows belong to one group, {names[0]!r}; adaptive regularisation needs at least two."
        )
    for i, name in enumerate(names):
        if name in names[:i]:
            raise WrongInputError(f"{path}: two groups would have the name {name!r}; take other values.")
    place = {key: i for i, key in enumerate(found)}
    return names, np.array([place[key] for key in keys])


def _targets(table: tabular.Table, options: Har) -> tuple[Tensor, int]:
    """Targets and the number of outputs, from the column of the target."""
    words = table.words(str(options.target))
    numbers = np.array([number(word) for word in words])
    # A few words among numbers are mistakes, unless someone says that they are classes.
    text = bool(np.isnan(numbers).all() or (options.task == "classification" and np.isnan(numbers).any()))
    values = np.unique(np.array(words) if text else numbers)
    few = text or (len(values) <= CLASSES_AT_MOST and bool(np.all(values == np.round(values))))
    if options.task == "classification" or (options.task == "auto" and few):
        if len(values) < 2:
            raise WrongInputError(
                f"Column {options.target!r} has one class, {words[0]!r}; there is nothing to predict."
            )
        classes = np.array(words) if text else table.numbers(str(options.target))
        return torch.as_tensor(np.unique(classes, return_inverse=True)[1]), len(values)
    if text:
        raise WrongInputError(f"Column {options.target!r} is not of numbers; take --task classification.")
    numbers = table.numbers(str(options.target))
    if numbers.min() == numbers.max():
        raise WrongInputError(f"Column {options.target!r} is {numbers[0]:g} in every row; there is nothing to predict.")
    return torch.as_tensor(_standardised(numbers), dtype=torch.float32), 1


def _standardised(values: np.ndarray) -> np.ndarray:
    """Of mean 0 and variance 1 by column, of 0 where nothing changes; squares must neither overflow nor vanish."""
    size = np.abs(values).max(0)
    values = values / np.where(size > 0, size, 1.0)
    scale = values.std(0)
    return (values - values.mean(0)) / np.where(scale > 0, scale, 1.0)


def sensors(seed: int) -> Table:
    """Two sensors, one on either side of 0, that read a cosine with noise of variance 1:100."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(540, 1, generator=generator) * 6 - 3
    groups = (x[:, 0] > 0).long()
    clean = torch.cos(2 * torch.pi * x[:, 0] / 3)
    y = clean + torch.where(groups == 0, *SPREADS) * torch.randn(len(x), generator=generator)
    return Table(x, y, groups, ("clean sensor", "noisy sensor"), 1, "sensors", clean)


def labels(seed: int) -> Table:
    """Digits; those below 4 are swapped with a partner, 0 with 1 and 2 with 3, four times of ten; 4 and 5 are rare."""
    digits = load("digits")
    return _spoilt(digits.inputs.float(), digits.targets, digits.classes, "labels", seed)


def images(seed: int) -> Table:
    """Small colour photographs, the first of CIFAR-10, with the labels spoilt as those of `labels`."""
    found = load_images("cifar10", SHARE_OF_IMAGES)
    pixels, classes = found.train
    return _spoilt(found.normalised(pixels), classes, found.classes, "images", seed)


def _spoilt(x: Tensor, clean: Tensor, classes: int, name: str, seed: int) -> Table:
    """Classes below 4 swapped with a partner four times of ten, of classes 4 and 5 a fifth."""
    generator = torch.Generator().manual_seed(seed)
    kept = (torch.rand(len(clean), generator=generator) < 0.2) | ~((clean == 4) | (clean == 5))
    x, clean = x[kept], clean[kept]
    flip = (torch.rand(len(clean), generator=generator) < FLIPPED) & (clean < 4)
    y = torch.where(flip, clean ^ 1, clean)
    groups = torch.where(y < 4, 0, torch.where(y < 6, 1, 2))
    return Table(x, y, groups, ("flipped", "rare", "plain"), classes, name, clean)


DEMOS: dict[str, Callable[[int], Table]] = {"regression": sensors, "labels": labels, "images": images}
"""Every demonstration by name: `make(seed)`."""
