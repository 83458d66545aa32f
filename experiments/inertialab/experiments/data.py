"""Real data sets, in float64: one row each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from inertialab.experiments.errors import WrongInputError

DATA_VARIABLE = "INERTIALAB_DATA"
Arrays = tuple[np.ndarray, np.ndarray]


class DataMissingError(WrongInputError):
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


@dataclass(frozen=True)
class DatasetRow:
    """Where a data set comes from and how it is read.

    Attributes:
        title: What it is, for people.
        source: Who made it, where it can be had.
        licence: Under which it may be used.
        read: Gives features, shape (N, d), and labels, shape (N,).
        file: Its file in the data folder; empty for one that scikit-learn carries.
        digest: SHA-256 of the file that committed results were made from, first 16 digits; empty without a file.
    """

    title: str
    source: str
    licence: str
    read: Callable[[], Arrays]
    file: str = ""
    digest: str = ""


def _embedded(name: str) -> Arrays:
    """Data inside scikit-learn."""
    import sklearn.datasets

    return getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)


def _digits() -> Arrays:
    # Not standardised: a border pixel that is rarely lit would become an outlier of many standard deviations,
    # and the gradient noise would depend on position far more than it does in training on images.
    X, y = _embedded("digits")
    return X / 16, y


def _standardised(X: np.ndarray, y: np.ndarray) -> Arrays:
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0), y


def _table(file: str, target: str, without: str = "") -> Arrays:
    """A table in the data folder: a header, one column for the class, whatever its names, and numbers.

    Args:
        file: Its name.
        target: Column of the class.
        without: Column that is left out, if it is there: which samples others have trained on.
    """
    path = _path(file)
    if not path.is_file():
        raise DataMissingError(
            f"{file} is not in the data folder {path.parent}. Put the UCI data set there as a CSV file with a header "
            f"and the class in column {target!r}, or unset {DATA_VARIABLE} to leave its experiments out."
        )
    table = pd.read_csv(path).drop(columns=without, errors="ignore")
    if target not in table:
        raise DataMissingError(f"{path} has no column {target!r} for the class; its columns are {', '.join(table)}.")
    numbers = table.drop(columns=target).apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if not np.isfinite(numbers).all() or table[target].isna().any():  # pyright: ignore[reportGeneralTypeIssues]
        raise DataMissingError(f"{path} holds a value that is not a number; every field must be numeric.")
    return _standardised(numbers, table[target].to_numpy())


def _scaled(name: str) -> Arrays:
    return _standardised(*_embedded(name))


_SKLEARN = "inside scikit-learn"

DATASETS = {
    "digits": DatasetRow(
        "Optical recognition of handwritten digits, 1797 images of 8 x 8 pixels, 10 classes",
        f"Alpaydin and Kaynak, UCI; {_SKLEARN}",
        "CC BY 4.0",
        _digits,
    ),
    "breast-cancer": DatasetRow(
        "Breast Cancer Wisconsin (Diagnostic), 569 samples of 30 features, 2 classes",
        f"Wolberg, Mangasarian, Street and Street, UCI; {_SKLEARN}",
        "CC BY 4.0",
        partial(_scaled, "breast_cancer"),
    ),
    "wine": DatasetRow(
        "Wine, 178 samples of 13 features, 3 classes",
        f"Aeberhard and Forina, UCI; {_SKLEARN}",
        "CC BY 4.0",
        partial(_scaled, "wine"),
    ),
    "banknote": DatasetRow(
        "Banknote Authentication, 1372 samples of 4 features, 2 classes",
        "Lohweg, UCI",
        "CC BY 4.0",
        partial(_table, "banknote.csv", "class"),
        "banknote.csv",
        "a4e6eb57f00dc0c5",
    ),
    "cardiotocography": DatasetRow(
        "Cardiotocography, 2126 samples of 21 features, 3 classes",
        "Campos and Bernardes, UCI",
        "CC BY 4.0",
        partial(_table, "cardiotocography.csv", "NSP"),
        "cardiotocography.csv",
        "2e29eb0e194e32c0",
    ),
    "avila": DatasetRow(
        "Avila, 20867 samples of 10 features of handwriting, 12 copyists",
        "De Stefano, Maniaci, Fontanella and Scotto di Freca, UCI",
        "CC BY 4.0",
        partial(_table, "avila.csv", "class", without="split"),
        "avila.csv",
        "0a235ecd511cb378",
    ),
}
"""Every data set by name."""


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
    *others, last = (row.file for row in DATASETS.values() if row.file)
    return f"{', '.join(others)} and {last}"


def _path(file: str) -> Path:
    folder = data_folder()
    if folder is None:
        raise DataMissingError(f"{file} needs a data folder: set {DATA_VARIABLE} to a folder with {_files()}.")
    return folder / file


def _row(name: str) -> DatasetRow:
    if name not in DATASETS:
        raise ValueError(f"There is no data set {name!r}; choose {', '.join(DATASETS)}.")
    return DATASETS[name]


def missing(name: str) -> str:
    """Why a data set cannot be had, in one sentence; empty when it can.

    Raises:
        DataMissingError: If a data folder is named and lacks its file.
        ValueError: If there is no data set of this name.
    """
    row = _row(name)
    if row.file and data_folder() is None:
        return f"{name} needs a data folder; set {DATA_VARIABLE} to it."
    load(name)
    return ""


def load(name: str) -> Dataset:
    """Load a data set.

    Args:
        name: Row of `DATASETS`.

    Raises:
        DataMissingError: If its file is not there or not in the expected form.
        ValueError: If there is no data set of this name.
    """
    X, y = _row(name).read()
    labels, targets = np.unique(y, return_inverse=True)
    return Dataset(name, torch.as_tensor(X, dtype=torch.float64), torch.as_tensor(targets), len(labels))


def content_digest(name: str) -> str:
    """Digest of what a data set holds: of its file, or of the arrays that scikit-learn carries.

    Args:
        name: Row of `DATASETS`.

    Returns:
        16 hexadecimal digits.

    Raises:
        DataMissingError: If its file is not there.
        ValueError: If there is no data set of this name.
    """
    row = _row(name)
    arrays = row.read()  # says what is wrong with a file, if it is
    content = _path(row.file).read_bytes() if row.file else b"".join(map(_bytes, arrays))
    return hashlib.sha256(content).hexdigest()[:16]


def _bytes(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()
