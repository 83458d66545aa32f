"""What the word campaign does: train in pieces, keep what was seen, draw it."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

from inertialab.experiments import picture, sources, store
from inertialab.experiments.answers import require_writable
from inertialab.experiments.campaign.options import Campaign
from inertialab.experiments.campaign.training import Training, published
from inertialab.experiments.devices import chosen_device, device_name


class PieceEnded(BaseException):
    """The time of a piece is over: like an interruption, it leaves the record open."""


def carried_out(options: Campaign, console: Console) -> int:
    """Train until the end or until the time of this piece is over, or take the record; returns the exit code.

    Raises:
        WrongInputError: If an option cannot be followed.
        DataMissingError: If the images are not there.
        FloatingPointError: If the loss is not finite any more.
    """
    began, device = time.monotonic(), torch.device(chosen_device(options.device))
    require_writable(options.out)
    key = key_of(options, device)
    path = options.out / f"{name_of(options)}-{store.fingerprint(key)[:8]}.json"
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("campaign", total=None)
        try:
            record = store.record(path, key, lambda: _trained(options, device, path, key, began, (progress, bar)))
        except PieceEnded as ended:
            progress.stop()
            console.print(f"{ended} The same command goes on.", highlight=False)
            return 0
    console.print(told(record["result"]), highlight=False)
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    console.print(f"Picture {path.with_suffix('.svg')}", highlight=False, soft_wrap=True)
    return 0


def key_of(options: Campaign, device: torch.device) -> dict[str, Any]:
    """All that the result depends on."""
    asked = {k: v for k, v in asdict(options).items() if k not in ("out", "minutes", "device")}
    setting = published(options)
    how = {"eta": setting.eta, "weight_decay": setting.weight_decay, **setting.settings}
    where = device_name(device.type)
    return {"command": "campaign", **asked, **how, "device": where, "code": sources.digest(Training.__module__)}


def name_of(options: Campaign) -> str:
    """Beginning of the names of all files of a training."""
    return f"campaign-{options.data}-{options.model}-{options.optimizer}"


def _trained(
    options: Campaign,
    device: torch.device,
    path: Path,
    key: dict[str, Any],
    began: float,
    shown: tuple[Progress, Any],
) -> dict[str, Any]:
    """Epochs until the last; what goes into the record."""
    training, kept, digest = (
        Training(options, published(options), device),
        path.with_suffix(".pt"),
        store.fingerprint(key),
    )
    training.resume(kept, digest)
    progress, bar = shown
    progress.update(bar, total=options.epochs * training.batches, completed=len(training.history) * training.batches)
    # The same algorithm for every convolution of a shape, so that a training that goes on is the one that did not stop.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        while (done := len(training.history)) < options.epochs:
            _in_time(options, began, training)
            training.epoch(lambda n: progress.advance(bar, n))
            training.save(kept, digest)
            last = training.history[-1]
            progress.console.print(
                f"epoch {done + 1} of {options.epochs}: train loss {last['train loss']:.4f}, "
                f"test error {last['test error']:.2%}, {last['seconds']:.1f} s",
                highlight=False,
            )
    weights = path.with_suffix(".weights.pt")
    result = {**seen(training), "weights": {"file": weights.name, "sha256": training.save_weights(weights)}}
    draw(result["epochs"], path.with_suffix(".svg"))
    kept.unlink(missing_ok=True)
    return result


def _in_time(options: Campaign, began: float, training: Training) -> None:
    """End the piece if one more epoch, as long as the longest so far, would end too late; a first one always runs."""
    if options.minutes is None or not training.here:
        return
    longest = max(epoch["seconds"] for epoch in training.history)
    if time.monotonic() - began + longest > 60 * options.minutes:
        raise PieceEnded(f"{len(training.history)} of {options.epochs} epochs are done.")


def seen(training: Training) -> dict[str, Any]:
    """What a finished training has shown."""
    errors = [epoch["test error"] for epoch in training.history]
    best = min(range(len(errors)), key=errors.__getitem__)
    return {
        "parameters": sum(p.numel() for p in training.model.parameters()),
        "images": {"train": len(training.images.train[1]), "test": len(training.images.test[1])},
        "last": {"epoch": len(errors), "test error": errors[-1]},
        "best": {"epoch": best + 1, "test error": errors[best]},
        "epochs": training.history,
    }


def told(result: dict[str, Any]) -> str:
    """A finished training in one line."""
    last, best = result["last"], result["best"]
    return (
        f"Test error {last['test error']:.2%} after the last of {last['epoch']} epochs; "
        f"the best, chosen on the test images, is {best['test error']:.2%} (epoch {best['epoch']})."
    )


def draw(epochs: list[dict[str, Any]], path: Path) -> None:
    """Training loss and test error against the epoch.

    Args:
        epochs: What was seen in each.
        path: Of the picture.
    """
    with rc_context(picture.STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        numbers = range(1, len(epochs) + 1)
        for axes, what in zip(figure.subplots(1, 2), ("train loss", "test error"), strict=True):
            axes.plot(numbers, [epoch[what] for epoch in epochs])
            axes.set(xlabel="epoch", ylabel=what, ylim=(0, None))
        picture.save(figure, path)
