"""Optimizers in wells of a given barrier."""

from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES

WELL = LANDSCAPES["double-well"].at()


def sgd(ratio, eta=0.1, landscape=WELL, law="gaussian"):
    """SGD whose barrier is `ratio` times eta C/2."""
    return System(landscape, Noise.constant(landscape, 2 * 0.25 / ratio / eta, law), "sgd", {"eta": eta})


def momentum(name, ratio, law="gaussian"):
    """Momentum at the same temperature."""
    eta = 0.02 if name == "heavy-ball" else 0.1
    return System(WELL, Noise.constant(WELL, 5 / ratio, law), name, {"eta": eta, "beta": 0.8})


VALLEY = sgd(60, landscape=LANDSCAPES["curved-valley"].at())
