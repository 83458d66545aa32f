"""Real data sets, standardised, in float64."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DATA_VARIABLE = "INERTIALAB_DATA"


class DataMissingError(RuntimeError):
    """A data set that is not here, with the sentence that says where to put it."""


@dataclass(frozen=True)
class Dataset:
    """A classification data set.

    Attributes:
        name: Its name in records.
        inputs: Features, shape (N, d): pixels between 0 and 1; table columns of mean 0 and variance 1.
        targets: Class of each sample, shape (N,), 0 to classes - 1.
        classes: Number of classes.
    """

    name: str
    inputs: Tensor
    targets: Tensor
    classes: int


def _dataset(name: str, X: np.ndarray, y: np.ndarray) -> Dataset:
    labels, targets = np.unique(y, return_inverse=True)
    return Dataset(name, torch.as_tensor(X, dtype=torch.float64), torch.as_tensor(targets), len(labels))


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    # Not standardised: a border pixel that is rarely lit would become an outlier of many standard deviations,
    # and the gradient noise would depend on position far more than it does in training on images.
    return _dataset("digits", X / 16, y)


def _table(name: str, target: str, folder: Path) -> Dataset:
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise DataMissingError(
            f"{name}.csv is not in the data folder {folder}. Put the UCI data set there as a CSV file with a header "
            f"and the class in column {target!r}, or unset {DATA_VARIABLE} to leave its experiments out."
        )
    header = path.read_text().partition("\n")[0].strip().split(",")
    if target not in header:
        raise DataMissingError(f"{path} has no column {target!r} for the class; its columns are {', '.join(header)}.")
    rows = np.genfromtxt(path, delimiter=",", skip_header=1)
    if not np.isfinite(rows).all():
        raise DataMissingError(f"{path} holds a value that is not a number; every field must be numeric.")
    column = header.index(target)
    X = np.delete(rows, column, axis=1)
    scale = X.std(axis=0)
    return _dataset(name, (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0), rows[:, column])


TABLES = {"banknote": "class", "cardiotocography": "NSP"}
"""UCI data sets read from the data folder, and the column of their class."""


def data_folder() -> Path | None:
    """The folder that INERTIALAB_DATA names, None when it is not set.

    Raises:
        DataMissingError: If it is set and is not a folder.
    """
    value = os.environ.get(DATA_VARIABLE)
    if not value:
        return None
    if not Path(value).is_dir():
        raise DataMissingError(
            f"{DATA_VARIABLE} is {value!r}, which is not a folder. Set it to one that holds {_files()}, or unset it."
        )
    return Path(value)


def _files() -> str:
    return " and ".join(f"{name}.csv" for name in TABLES)


def load(name: str) -> Dataset:
    """Load a data set.

    Args:
        name: `digits` (inside scikit-learn), or `banknote` or `cardiotocography` (from the data folder).

    Raises:
        DataMissingError: If its file is not there or not in the expected form.
        ValueError: If there is no data set of this name.
    """
    if name == "digits":
        return _digits()
    if name not in TABLES:
        raise ValueError(f"There is no data set {name!r}; choose digits, {' or '.join(TABLES)}.")
    folder = data_folder()
    if folder is None:
        raise DataMissingError(f"{name} needs a data folder: set {DATA_VARIABLE} to a folder with {_files()}.")
    return _table(name, TABLES[name], folder)
