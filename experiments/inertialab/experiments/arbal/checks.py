"""What the estimator refuses, in sentences: settings that mean nothing, and labels that are not of two classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

BETWEEN = {"delta": (0, 1), "gain": (0, 1), "split_slack": (0, np.inf)}
AT_LEAST = {"regions": 1, "cuts": 1, "n_hypotheses": 2, "n_warm": 2}


def check_settings(settings: dict[str, Any]) -> None:
    """Refuse settings that mean nothing.

    Args:
        settings: As `get_params` gives them.

    Raises:
        ValueError: With a sentence that names the setting.
    """
    hypotheses = settings["hypotheses"]
    if isinstance(hypotheses, str) and hypotheses not in ("warm", "random"):
        raise ValueError(f"hypotheses are 'warm', 'random' or an array, got {hypotheses!r}.")
    for name, (low, high) in BETWEEN.items():
        if not (_is_number(settings[name]) and low < settings[name] < high):
            raise ValueError(f"{name} must lie between {low} and {high}, got {settings[name]!r}.")
    for name, low in AT_LEAST.items():
        whole = isinstance(settings[name], int | np.integer) and not isinstance(settings[name], bool)
        if not (whole and settings[name] >= low):
            raise ValueError(f"{name} must be a whole number of at least {low}, got {settings[name]!r}.")
    if not (_is_number(settings["split_phase"]) and 0 <= settings["split_phase"] < np.inf):
        raise ValueError(f"split_phase is a fraction or a number of rounds, got {settings['split_phase']!r}.")
    if not isinstance(settings["refit"], bool | np.bool_):
        raise ValueError(f"refit is True or False, got {settings['refit']!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def generator(seed: Any) -> np.random.Generator:
    """A stream of random numbers.

    Raises:
        ValueError: If the seed is none.
    """
    if isinstance(seed, np.random.RandomState):
        return np.random.default_rng(seed.randint(2**31 - 1))
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(
            f"random_state must be None, a whole number of at least 0, or a generator, got {seed!r}."
        ) from None


def one_label(y: Any) -> Any:
    """A label as a plain value.

    Raises:
        ValueError: If it is missing, or more than one.
    """
    if np.size(y) != 1:
        raise ValueError(f"Give one label a row, got {y!r}.")
    label = y.item() if hasattr(y, "item") else y
    if label is None or (label == label) is not True:
        raise ValueError(f"The label of a row is missing, got {label!r}; a row that is asked for must get one.")
    return label


def in_order(labels: set[Any]) -> list[Any]:
    """Different labels, sorted.

    Raises:
        ValueError: If they cannot be.
    """
    try:
        return sorted(labels)
    except TypeError:
        kinds = " and ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(f"Labels must be of one type, got {kinds}.") from None


def answers_by_place(y: Any, rows: int, classes: Any = None, whole: bool = True) -> Callable[[int], Any]:
    """An oracle that knows the labels; checked as scikit-learn does.

    Args:
        y: Labels, shape (rows,).
        rows: How many there must be.
        classes: The two that are allowed, if they are known.
        whole: Whether they are all there will be, so that both classes must be among them.

    Raises:
        ValueError: If they are not of two classes, or not as many as rows.
    """
    labels = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    if len(labels) != rows:
        raise ValueError(f"There are {rows} rows and {len(labels)} labels; give one label a row.")
    kind = type_of_target(labels, input_name="y")
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    if classes is not None and (other := set(labels.tolist()) - set(two_classes(classes).tolist())):
        raise ValueError(f"The labels hold {in_order(other)[0]!r}, which is not among the classes {list(classes)}.")
    if whole and classes is None and len(np.unique(labels)) < 2:
        raise ValueError(f"ARBAL needs two classes; the labels hold one class, {labels[:1].tolist()[0]!r}.")
    return lambda i: labels[i]


def two_classes(classes: Any) -> np.ndarray:
    """The two classes in order, shape (2,).

    Raises:
        ValueError: If there are not two.
    """
    different = in_order({one_label(c) for c in classes})
    if len(different) != 2:
        raise ValueError(f"ARBAL tells two classes apart, got {len(different)}: {different}.")
    return np.unique(np.asarray(classes))


def given_hypotheses(hypotheses: Any, dimensions: int) -> np.ndarray:
    """Slopes and intercepts, shape (M, dimensions + 1).

    Raises:
        ValueError: If the array is not of this shape, or of one hypothesis.
    """
    try:
        weights = np.asarray(hypotheses, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("hypotheses must be an array of numbers: slopes and an intercept a row.") from None
    if not np.isfinite(weights).all():
        raise ValueError("hypotheses hold a number that is not finite.")
    if weights.ndim != 2 or weights.shape[1] != dimensions + 1 or len(weights) < 2:
        raise ValueError(
            f"hypotheses must be an array of at least 2 rows of {dimensions} slopes and an intercept, got shape "
            f"{weights.shape}."
        )
    return weights
