"""The state of an estimator in one .npz file, without pickle: arrays, and the rest as JSON."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from inertialab.experiments.arbal.learner import Labels, Learner, Region, Settings
from inertialab.experiments.store import replacing

if TYPE_CHECKING:
    from inertialab.experiments.arbal.estimator import ARBAL

Model = TypeVar("Model", bound="ARBAL")
SCHEMA = 2
OF_LABELS = ("x", "weighted", "y", "p", "region")
OF_REGIONS = ("low", "high", "depth", "alive", "losses", "split_due", "trim_due")


def save(model: ARBAL, path: Path) -> None:
    """Write everything that the next row depends on.

    Args:
        model: With state.
        path: Of the file.

    Raises:
        ValueError: If a setting or a label cannot be written as JSON.
    """
    inquiry = model._inquiry
    parameters = {**inquiry.settings, "refit": model.refit}
    arrays: dict[str, np.ndarray] = {
        "warm_x": np.array(inquiry.x),
        "waiting_x": np.array([row for row, _ in inquiry.waiting]),
        "waiting_p": np.array([p for _, p in inquiry.waiting]),
    }
    if not isinstance(parameters["hypotheses"], str):
        arrays["hypotheses"] = np.asarray(parameters.pop("hypotheses"), dtype=float)
    parameters["random_state"] = _seed(parameters["random_state"])
    about = {
        "schema": SCHEMA,
        "parameters": parameters,
        "stream": inquiry.random.bit_generator.state,
        "warm": inquiry.warm,
        "length": inquiry.length,
        "shown": inquiry.shown,
        "warm_y": inquiry.y,
        "classes": None if inquiry.classes is None else inquiry.classes.tolist(),
        "classes_dtype": None if inquiry.classes is None else inquiry.classes.dtype.str,
        "features": model.n_features_in_,
        "names": model.feature_names_in_.tolist() if hasattr(model, "feature_names_in_") else None,
    }
    if (learner := inquiry.learner) is not None:
        arrays |= {"center": inquiry.center, "scale": inquiry.scale, **_of_learner(learner)}
        about |= {"settings": asdict(learner.settings), "rounds": learner.rounds, "asked": learner.asked}
    try:
        text = json.dumps(about, default=_plain)
    except TypeError as error:
        raise ValueError(f"This estimator cannot be saved: {error}; labels must be numbers or text.") from None
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, about=np.array(text), **arrays)


def load(kind: type[Model], path: Path) -> Model:
    """The estimator of a file.

    Args:
        kind: Its class.
        path: Of the file.

    Raises:
        ValueError: If it is not a file of `save`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays["about"]))
        if about["schema"] == SCHEMA:
            return _restored(kind, about, arrays)
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is not a saved ARBAL: {error}.") from None
    raise ValueError(f"{path} is of schema {about['schema']}; this version reads {SCHEMA}.")


def _restored(kind: type[Model], about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    model = kind(**{"hypotheses": arrays.get("hypotheses"), **about["parameters"]})
    model.n_features_in_ = about["features"]
    inquiry = model._anew(about["warm"], about["length"])
    inquiry.random.bit_generator.state = about["stream"]
    inquiry.x, inquiry.y, inquiry.shown = list(arrays["warm_x"]), about["warm_y"], about["shown"]
    inquiry.waiting = [(row, float(p)) for row, p in zip(arrays["waiting_x"], arrays["waiting_p"], strict=True)]
    if about["names"] is not None:
        model.feature_names_in_ = np.array(about["names"], dtype=object)
    if about["classes"] is not None:
        inquiry.classes = np.array(about["classes"], dtype=about["classes_dtype"])
    if "weights" in arrays:
        inquiry.center, inquiry.scale = arrays["center"], arrays["scale"]
        inquiry.learner = _learner(about, arrays)
    return model


def _of_learner(learner: Learner) -> dict[str, np.ndarray]:
    labels = {f"label_{name}": getattr(learner.labels, name)[: learner.labels.count] for name in OF_LABELS}
    regions = {f"region_{name}": np.array([getattr(r, name) for r in learner.regions]) for name in OF_REGIONS}
    features, thresholds = learner.cuts
    return {"weights": learner.weights, "features": features, "thresholds": thresholds, **labels, **regions}


def _learner(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Learner:
    settings = Settings(**about["settings"])
    learner = Learner(arrays["weights"], (arrays["features"], arrays["thresholds"]), settings)
    learner.rounds, learner.asked = about["rounds"], about["asked"]
    columns = [arrays[f"region_{name}"] for name in OF_REGIONS]
    learner.regions = [
        Region(low.copy(), high.copy(), int(depth), alive.copy(), losses.copy(), int(split), int(trim))
        for low, high, depth, alive, losses, split, trim in zip(*columns, strict=True)
    ]
    x, weighted, y, p, region = (arrays[f"label_{name}"] for name in OF_LABELS)
    learner.labels = Labels(x.shape[1], weighted.shape[1])
    for i in range(len(x)):
        learner.labels.add(x[i], int(y[i]), float(p[i]), int(region[i]), weighted[i])
    return learner


def _seed(given: Any) -> int | None:
    """A seed as it was given; of a generator, none: its state is kept beside."""
    return int(given) if isinstance(given, int | np.integer) else None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is neither a number nor text")
