"""What else the measurements in real training might follow: at least one rival of every claim measured there."""

from inertialab.theory import claim
from inertialab.verification.court.check import Point
from inertialab.verification.court.rivals import Rival


def _discrete(point: Point) -> float:
    return claim("sgd.stationary-variance").predict(eta=point["eta"], h=point["h"], C=point["C"])


def _continuous(point: Point) -> float:
    return point["eta"] * point["C"] / (2 * point["h"])


def _proportional(point: Point) -> float:
    """Noise that is H/B, in place of the one measured."""
    return _discrete({**point, "C": point["h"] / point["B"]})


RIVALS = (
    Rival("sgd.stationary-variance", "continuous time", _continuous),
    Rival("sgd.stationary-variance", "C = H/B", _proportional),
    Rival("sgd.stationary-covariance", "continuous time", _continuous),
    Rival("sgd.stationary-covariance", "C = H/B", _proportional),
    Rival("momentum.stationary-variance", "SGD", _discrete),
    Rival("momentum.stationary-variance", "C = H/B", _proportional),
    Rival("momentum.stationary-variance-torch", "SGD", _discrete),
)
