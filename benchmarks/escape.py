"""Escape times from a double well, found in different ways; what they agree on is the page on escape.

Exact numbers of the discrete chain come first; counted escapes and forward flux are compared with them, and so is the
diffusion, which is not what an optimizer does.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from inertialab.experiments import store
from inertialab.experiments.escape import count_escapes
from inertialab.experiments.flux import forward_flux
from inertialab.experiments.passage import chain_passage, diffusion_passage, pair_chain_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES

RESULT = Path(__file__).parents[1] / "results" / "escape.json"
WELL = LANDSCAPES["double-well"].at()
HEIGHT, CURVATURE, SADDLE = 0.25, 2.0, 1.0
PLACE = {"start": [-1.0], "boundary": 1.0}


def well(ratio: float, optimizer: str = "sgd", **settings: float) -> System:
    """The barrier is `ratio` times the temperature, ηC/2 over (1 - β) for momentum."""
    variance = 2 * HEIGHT / ratio / settings["eta"] * (1 - settings.get("beta", 0.0))
    return System(WELL, Noise.constant(WELL, variance), optimizer, settings)


def counted(system: System, particles: int, steps: int) -> Callable[[], tuple[float, float, float]]:
    """Mean steps and 95% interval by counting."""

    def measure() -> tuple[float, float, float]:
        # Weak friction takes 1/(1 - β) steps to heat up particles that start at rest.
        burn_in = 2000 + int(5 / (1 - system.settings.get("beta", 0.0)))
        arguments = {**PLACE, "particles": particles, "steps": steps, "burn_in": burn_in}
        found = count_escapes(system, **arguments, seed=1)  # pyright: ignore[reportArgumentType]
        return (found.steps, *found.interval())

    return measure


def flux(system: System) -> Callable[[], tuple[float, float, float]]:
    """Mean steps and 95% interval by forward flux."""

    def measure() -> tuple[float, float, float]:
        found = forward_flux(system, **PLACE, seed=1)  # pyright: ignore[reportArgumentType]
        return (found.steps, *found.interval)

    return measure


def row(case: str, way: str, exact: float, measure: Callable[[], tuple[float, float, float]]) -> dict[str, object]:
    """One comparison with an exact number."""
    began = time.perf_counter()
    found = [float(v / exact) for v in measure()]
    took = time.perf_counter() - began
    text = f"{found[0]:.4f} ({found[1]:.4f} to {found[2]:.4f})"
    print(f"{case:34} {way:16} exact {exact:.6g}  found/exact {text}  {took:.1f} s")
    return {
        "case": case,
        "way": way,
        "exact": exact,
        "ratio": found[0],
        "low": found[1],
        "high": found[2],
        "seconds": round(took, 1),
    }


def main() -> None:
    """Compare, print and keep."""
    rows, turnover = [], []
    for ratio, particles, steps in ((5.0, 200_000, 40_000), (10.0, 400_000, 40_000), (20.0, 0, 0)):
        system, case = well(ratio, eta=0.1), f"SGD, eta = 0.1, barrier {ratio:g}"
        exact = chain_passage(system, -1.0, 1.0).steps
        flow = diffusion_passage(system, -1.0, 1.0).steps
        rows.append(row(case, "diffusion", exact, lambda flow=flow: (flow, flow, flow)))
        if steps:
            rows.append(row(case, "counted", exact, counted(system, particles, steps)))
        rows.append(row(case, "forward flux", exact, flux(system)))
    inert = well(5.0, "heavy-ball", eta=0.1, beta=0.5)
    exact = pair_chain_passage(inert, -1.0, 1.0).steps
    rows.append(row("heavy ball, eta = 0.1, beta = 0.5, barrier 5", "counted", exact, counted(inert, 200_000, 40_000)))
    rows.append(row("heavy ball, eta = 0.1, beta = 0.5, barrier 5", "forward flux", exact, flux(inert)))
    for beta in (0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.99, 0.997, 0.999, 0.9999):
        system = well(5.0, "heavy-ball", eta=0.02, beta=beta)
        trace = 1 + beta + 0.02 * SADDLE
        growth = np.log((trace + np.sqrt(trace**2 - 4 * beta)) / 2)
        kramers = 2 * np.pi / growth * np.sqrt(SADDLE / CURVATURE) * np.exp(5)
        steps = int(min(60_000, 4 * kramers + 5000))
        found, low, high = counted(system, 100_000, steps)()
        turnover.append(
            {
                "beta": beta,
                "friction": (1 - beta) / 0.02**0.5,
                "ratio": kramers / found,
                "low": kramers / high,
                "high": kramers / low,
            }
        )
        print(f"heavy ball, beta {beta:g}: rate over Kramers and Langer's {kramers / found:.3f}")
    content = {"schema": 1, "commit": store.commit()[0], "rows": rows, "turnover": turnover}
    store.write_json(RESULT, content)


if __name__ == "__main__":
    main()
