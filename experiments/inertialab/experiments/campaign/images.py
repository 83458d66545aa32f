"""Images for campaigns: one row a data set, as bytes; batches of them, shifted, mirrored and normalised."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.data import DATA_VARIABLE, DataMissingError, data_folder
from inertialab.experiments.errors import WrongInputError

Part = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Images:
    """Images with labels.

    Attributes:
        train: Images, shape (N, channels, height, width), uint8, and classes, shape (N,), int64.
        test: As `train`.
        classes: Number of classes.
        mean: Of a pixel of each channel, between 0 and 1, by which images are normalised.
        deviation: Standard deviation likewise.
        shift: Pixels by which training images are shifted at most, in each direction.
        mirrored: Whether half of the training images are mirrored.
    """

    train: Part
    test: Part
    classes: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    shift: int
    mirrored: bool

    def on(self, device: torch.device) -> Images:
        """The same images on a device."""
        train, test = (tuple(x.to(device) for x in part) for part in (self.train, self.test))
        return replace(self, train=train, test=test)

    def normalised(self, images: Tensor) -> Tensor:
        """Bytes as float32 numbers of mean 0 and variance 1."""
        mean, deviation = (torch.tensor(v, device=images.device).view(-1, 1, 1) for v in (self.mean, self.deviation))
        return (images.float() / 255 - mean) / deviation

    def augmented(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Each image shifted by up to `shift` pixels, black coming in, and perhaps mirrored; still bytes."""
        count, _, height, width = images.shape
        padded = torch.nn.functional.pad(images, (self.shift,) * 4)
        drawn = {"generator": generator, "device": images.device}
        down, right = (torch.randint(2 * self.shift + 1, (count, 1), **drawn) for _ in range(2))
        rows = down + torch.arange(height, device=images.device)
        columns = right + torch.arange(width, device=images.device)
        if self.mirrored:
            columns = torch.where(torch.rand(count, 1, **drawn) < 0.5, columns.flip(1), columns)
        every = torch.arange(count, device=images.device)[:, None, None]
        return padded[every, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def load_images(name: str, fraction: float = 1.0) -> Images:
    """Images of a data set.

    Args:
        name: Row of `IMAGES`.
        fraction: Share of the training and of the test images, the first ones, in (0, 1].

    Raises:
        DataMissingError: If a file is not there or not in the expected form.
        WrongInputError: If no image is left.
    """
    found = IMAGES[name](fraction)
    if min(len(labels) for _, labels in (found.train, found.test)) == 0:
        raise WrongInputError(f"--fraction {fraction}: no image is left of {name}; take a larger share.")
    return found


def _cifar10(fraction: float) -> Images:
    """CIFAR-10 from files in the parquet layout of the hub: columns img {bytes, path} and label."""
    train, test = (_parquet(f"cifar10-{part}.parquet", fraction) for part in ("train", "test"))
    return Images(train, test, 10, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), shift=4, mirrored=True)


def _digits(fraction: float) -> Images:
    """The digits of scikit-learn, 8 x 8 pixels, every fifth for testing."""
    import sklearn.datasets

    pixels, labels = sklearn.datasets.load_digits(return_X_y=True)
    images = torch.as_tensor((pixels * 255 / 16).round().astype(np.uint8)).view(-1, 1, 8, 8)
    classes, held = torch.as_tensor(labels, dtype=torch.int64), torch.arange(len(labels)) % 5 == 4
    train, test = (_first((images[chosen], classes[chosen]), fraction) for chosen in (~held, held))
    return Images(train, test, 10, (0.305,), (0.376,), shift=1, mirrored=False)


def _first(part: Part, fraction: float) -> Part:
    count = int(fraction * len(part[1]))
    return part[0][:count], part[1][:count]


IMAGES: dict[str, Callable[[float], Images]] = {"cifar10": _cifar10, "digits": _digits}
"""Every set of images by name."""


def _parquet(file: str, fraction: float) -> Part:
    import pyarrow
    from pyarrow import parquet

    path = _found(file)
    try:
        table = parquet.read_table(path, columns=["img", "label"])
        encoded = table["img"].slice(0, int(fraction * len(table))).to_pylist()
        labels = torch.tensor(table["label"].to_pylist()[: len(encoded)], dtype=torch.int64)
        pixels = np.array([_pixels(image["bytes"]) for image in encoded], dtype=np.uint8).reshape(-1, 32, 32, 3)
    except (OSError, KeyError, TypeError, ValueError, pyarrow.ArrowException) as error:
        raise DataMissingError(
            f"{path} is no parquet file with columns img (encoded images of 32 x 32 pixels) and label, as the hub's "
            f"uoft-cs/cifar10 has it: {error}."
        ) from None
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), labels


def _found(file: str) -> Path:
    folder = data_folder()
    if folder is None or not (folder / file).is_file():
        raise DataMissingError(
            f"{file} is not there: set {DATA_VARIABLE} to a folder that holds it, in the parquet layout of the hub's "
            "data set uoft-cs/cifar10 (columns img and label), or train on digits."
        )
    return folder / file


def _pixels(encoded: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
