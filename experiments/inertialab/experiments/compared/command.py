"""What the word compare does: run, keep, draw and tell."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Any

from matplotlib import rc_context
from rich.console import Console
from rich.progress import Progress
from scipy.stats import t as student

from inertialab.experiments import picture, sources, store
from inertialab.experiments.answers import require_writable
from inertialab.experiments.compared import counterexample, digits, minima
from inertialab.experiments.compared.options import Compare
from inertialab.experiments.compared.picture import figure
from inertialab.experiments.kept import Kept


def carried_out(options: Compare, console: Console) -> int:
    """Run and draw, or take the record; returns the exit code.

    Raises:
        WrongInputError: If an option cannot be followed.
        FloatingPointError: If a run diverges.
    """
    require_writable(options.out)
    settings, what = options.settings(), options.experiment
    given = {"command": "compare", "experiment": what, **settings, "seed": options.seed}
    key = {**given, "code": sources.digest(__name__)}
    path = options.out / f"compare-{what}-{store.fingerprint(key)[:8]}.json"
    kept = Kept(path.with_suffix(".part.pt"), store.fingerprint(store.complete(key)))
    taken = (f"{n} {' '.join(f'{x:g}' for x in (v if isinstance(v, tuple) else (v,)))}" for n, v in settings.items())
    console.print(f"{what}: {', '.join(taken)}, seed {options.seed}", highlight=False, soft_wrap=True)
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(what, total=_work(what, settings))
            found = store.record(path, key, lambda: _run(options, kept, lambda n: progress.advance(bar, n)))
    except Exception:
        kept.path.unlink(missing_ok=True)  # nothing of a run that cannot end well is worth going on from
        raise
    kept.path.unlink(missing_ok=True)
    with rc_context(picture.STYLE):
        picture.save(figure(what, found["key"], found["result"]), path.with_suffix(".svg"))
    console.print(told(what, found["key"], found["result"]), highlight=False, soft_wrap=True)
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    console.print(f"Picture {path.with_suffix('.svg')}", highlight=False, soft_wrap=True)
    return 0


def _work(what: str, settings: dict[str, Any]) -> int:
    own = {"counterexample": counterexample.work, "minima": minima.work}
    return own[what](settings) if what in own else digits.work(what, settings)


def _run(options: Compare, kept: Kept, tick: Callable[[int], None]) -> dict[str, Any]:
    """What goes into the record."""
    runs = {
        "counterexample": counterexample.compared,
        "warmup": digits.warmups,
        "conformity": digits.conformities,
        "minima": minima.minima,
    }
    return runs[options.experiment](options.settings(), options.seed, kept, tick)


def told(what: str, key: dict[str, Any], result: dict[str, Any]) -> str:
    """A result in a few lines.

    Args:
        what: An experiment.
        key: Settings of the record.
        result: Of the record.
    """
    if what == "counterexample":
        lines = [
            f"{arm}: drifts {'up, the wrong way' if seen['drift'][0] > 0 else 'down'}, {1e3 * seen['drift'][0]:.3g} ± "
            f"{1.96e3 * seen['drift'][1]:.2g} learning rates in 1000 steps"
            for arm, seen in result["arms"].items()
        ]
        return "\n".join(
            [*lines, f"In the last three quarters of {key['steps']} steps, 95% intervals over {key['runs']} runs."]
        )
    factor = float(student.ppf(0.975, key["runs"] - 1))
    if what == "minima":
        lines = [
            f"{arm}: " + ", ".join(f"{name} {_times(seen, factor)}" for name, seen in against.items())
            for arm, against in result["against"].items()
        ]
        first = next(iter(result["arms"]))
        end = f"In units of those of {first} from the same start, at a training loss of {key['loss']:g}, "
        return "\n".join([*lines, f"{end}95% intervals over {key['runs']} seeds."])
    if what == "warmup":
        lines = [
            f"eta {eta}, {arm}: loss {_last(seen['loss'], factor)}"
            for eta, arms in result["rates"].items()
            for arm, seen in arms.items()
        ]
    else:
        lines = [
            f"{arm}: mean scale {_last(seen['scale'], factor)}, loss {_last(seen['loss'], factor)}"
            for arm, seen in result["arms"].items()
        ]
    return "\n".join([*lines, f"After {key['steps']} steps, 95% intervals over {key['runs']} seeds."])


def _times(seen: list[float], factor: float) -> str:
    """A ratio and its interval, from the mean logarithm and its error."""
    mean, error = seen
    low, value, high = (exp(mean + k * factor * error) for k in (-1, 0, 1))
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def _last(seen: dict[str, list[float]], factor: float) -> str:
    return f"{seen['mean'][-1]:.4g} ± {factor * seen['error'][-1]:.2g}"
