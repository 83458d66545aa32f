"""What else the measurements in real training might follow: at least one rival of every claim measured there."""

from collections.abc import Callable

import numpy as np

from inertialab.theory import claim
from inertialab.verification.court.check import Point, arguments, looked_at
from inertialab.verification.court.rivals import Rival


def _discrete(point: Point) -> float:
    return claim("sgd.stationary-variance").predict(eta=point["eta"], h=point["h"], C=point["C"])


def _continuous(point: Point) -> float:
    return point["eta"] * point["C"] / (2 * point["h"])


def _constant(point: Point) -> float:
    """Hessian and noise of the minimum itself."""
    return point["eta"] * point["C"] / (point["h"] * (2 - point["eta"] * point["h"]))


def _proportional(point: Point) -> float:
    """Noise that is H/B, in place of the one measured."""
    return _discrete({**point, "C": point["h"] / point["B"]})


def _without_growth(point: Point) -> float:
    """Free diffusion, as if a saddle had no curvature."""
    return point["eta"] ** 2 * point["C"] * point["T"]


def _leaving(point: Point) -> float:
    return claim("sgd.saddle-variance").evaluate(**{name: point[name] for name in ("eta", "h", "C", "T")})


def _leaving_proportional(point: Point) -> float:
    """Noise that is |h|/B, in place of the one measured."""
    return _leaving({**point, "C": abs(point["h"]) / point["B"]})


def _flight(point: Point) -> float:
    """A buffer that carries freely, as if a saddle had no curvature."""
    return claim("momentum.ballistic").evaluate(
        eta=point["eta"], h=0.0, beta=point["beta"], T=point["T"], m0=point["m0"]
    )


def _alike(point: Point) -> float:
    """Growth of the square of a deviation if all batches had the Hessian of all samples."""
    return (1 - point["eta"] * point["h"]) ** (2 * point["T"]) * point["M0"][0][0] * (point["h"] == point["H"][0][0])


def _without_steps(point: Point) -> float:
    """Leaving in continuous time: a boundary that is felt where it is."""
    known = {name: point[name] for name in ("H", "C", "level")}
    return claim("sgd.quasi-potential-ellipsoid").evaluate(eta=1e-9, **known)


def _sgd_exits(point: Point) -> float:
    """Time in which SGD would leave the same level, over that of the optimizer's own linear chain."""
    known = {name: [[point[name[0]]]] for name in ("h", "C")}
    law = claim("sgd.quasi-potential-ellipsoid").evaluate
    return law(eta=point["eta"], H=known["h"], C=known["C"], level=point["level"]) / point["linear_time"]


def _by_scalars(id: str) -> Callable[[Point], float]:
    """A law of one direction, where another is judged."""
    return lambda point: claim(id).evaluate(**{str(s): point[str(s)] for s in claim(id).arguments})


def _diffusion(point: Point) -> float:
    """Gaussian noise of the samples' variance at every place."""
    g, w = np.array(point["gradients"]), np.array(point["shares"])
    slope = g @ w
    return point["B"] / point["eta"] * float(np.array(point["lengths"]) @ (2 * slope / (g**2 @ w - slope**2)))


def _as_published(point: Point) -> float:
    """That of sgd.escape-attributed: noise in proportion to the curvature of either end, each for half of the way."""
    return point["B"] * point["dL"] * (1 / point["Ha"] + 1 / point["Hb"]) / point["eta"]


def _level(point: Point) -> float:
    """Adam with noise that is H/B and a Hessian along the axes."""
    return point["eta"] / (2 * (point["B"] * point["h"]) ** 0.5)


def _undamped(point: Point) -> float:
    """Squared step of SGD at the same rate."""
    return point["eta"] ** 2 * 2 * point["C"] / (2 - point["eta"] * point["h"])


def _without_momentum(point: Point) -> float:
    """The first relation without its factor 1 + beta."""
    return 1 / (1 + point.get("beta", 0.0))


def _independent(point: Point) -> float:
    """An epoch of batches drawn with replacement: the loss that gradient descent follows."""
    return -(point["eta"] ** 2) * point["n_batches"] * point["full_slope"] / 4


def _by_trace(point: Point) -> float:
    """Drift along a valley in the limit of short steps."""
    return -point["eta"] * point["sigma"] ** 2 * float(np.trace(point["H_along"])) / (4 * point["B"])


def _of_matrices(id: str, change: Callable[[Point], Point]) -> Callable[[Point], float]:
    """A matrix law at other matrices or settings than those measured."""

    def predict(point: Point) -> float:
        whole = point["whole"]
        law = claim(id).evaluate(**arguments(claim(id), {**whole, **change(whole)}))
        return float(looked_at(np.asarray(law), whole)[point["entry"]])

    return predict


def _penalised(point: Point) -> Point:
    return {"H": np.array(point["H"]) + point["decay"] * np.eye(len(point["H"]))}


def _decayed_twice(point: Point) -> Point:
    """With the mean gradient that there is."""
    return {"decay": 2 * point["decay"], "theta_rest": np.array(point["theta_rest"]) / 2}


RIVALS = (
    Rival("sgd.stationary-variance", "continuous time", _continuous),
    Rival("sgd.stationary-variance", "C = H/B", _proportional),
    Rival("sgd.stationary-covariance", "continuous time", _continuous),
    Rival("sgd.stationary-covariance", "C = H/B", _proportional),
    Rival("momentum.stationary-variance", "SGD", _discrete),
    Rival("momentum.stationary-variance", "C = H/B", _proportional),
    Rival("momentum.stationary-variance-torch", "SGD", _discrete),
    *(
        Rival(id, name, predict)
        for id in ("sgd.saddle-variance", "sgd.saddle-variance-ou", "sgd.saddle-covariance")
        for name, predict in (("no growth", _without_growth), ("C = |h|/B", _leaving_proportional))
    ),
    Rival("momentum.saddle-msd", "SGD", _leaving),
    Rival("momentum.saddle-msd-continuous", "SGD", _leaving),
    Rival("momentum.ballistic", "free flight", _flight),
    Rival("momentum.bias-correction", "SGD", lambda point: point["T"]),
    Rival("momentum.growth-slower", "SGD", lambda point: 1 - point["eta"] * point["h"]),
    Rival("adam.saddle-covariance", "as published, no Hessian", _by_scalars("adam.saddle-msd")),
    Rival("adai.saddle-covariance", "SGD", _leaving),
    Rival("adai.saddle-covariance", "one inertia along a direction", _by_scalars("adai.saddle-msd")),
    Rival("adai.saddle-speed", "as published, faster", _by_scalars("adai.faster-than-sgd")),
    Rival("sgd.escape-minibatch", "diffusion", _diffusion),
    Rival("sgd.escape-minibatch", "C = H/B, as published", _as_published),
    Rival("sgd.quasi-potential-plane", "continuous time", _without_steps),
    Rival("sgd.quasi-potential-ellipsoid", "continuous time", _without_steps),
    Rival("minima.exits-linear", "SGD", _sgd_exits),
    Rival("sgd.symmetric-saddle", "all batches alike", _alike),
    Rival("momentum.stationary-velocity", "SGD", _undamped),
    Rival("sgd.stationary-variance-multiplicative", "constant noise", _discrete),
    Rival("sgd.stationary-covariance-cloud", "Hessian and noise at the minimum", _constant),
    Rival("gd.edge-of-stability", "half of the edge", lambda point: 1 / point["eta"]),
    Rival("heavy-ball.edge-of-stability", "that of gradient descent", lambda point: 2 / point["eta"]),
    Rival("adam.edge-of-stability", "that of gradient descent", lambda point: 2 / point["eta"]),
    Rival("scale-invariance.equilibrium", "twice the decay", lambda p: p["eta"] * p["G2"] / (4 * p["decay"])),
    Rival("scale-invariance.angle", "twice the decay", lambda p: 2 * (p["eta"] * p["decay"]) ** 0.5),
    Rival("sgd.probability-current", "detailed balance", lambda _: 0.0),
    Rival("sgd.tail-index", "diffusion", _by_scalars("sgd.tail-index-diffusion")),
    Rival("sgd.mean-square-stability", "gradient descent", lambda point: 2 / point["h"]),
    Rival("sgd.mean-shift", "no shift", lambda _: 0.0),
    Rival("noise.sampling", "with replacement", lambda _: 1.0),
    Rival("noise.hessian-proportional", "half of the Hessian", lambda _: 0.5),
    Rival("noise.squared-loss", "the root of the variance", lambda point: point["sigma2"] ** -0.5),
    Rival("sgd.fluctuation-dissipation", "without 1 + beta", _without_momentum),
    Rival("sgd.fluctuation-dissipation-2", "without its half", lambda _: 2.0),
    Rival("sgd.fluctuation-dissipation-2-next", "as published", lambda _: 1.0),
    Rival("sgd.shuffled-variance", "independent batches", _discrete),
    Rival("label-noise.flatness-network", "a quarter of the trace", _by_trace),
    Rival("label-noise.flatness-sampled", "noise of labels alone", _by_scalars("label-noise.flatness-network")),
    Rival("sgd.shuffled-modified-loss", "independent batches", _independent),
    Rival("momentum.stationary-covariance-torch", "SGD", _discrete),
    Rival("adam.stationary-covariance", "C = H/B along the axes", _level),
    Rival("adam.stationary-covariance", "SGD", _discrete),
    Rival("adamw.stationary-covariance", "no decay", _of_matrices("adam.stationary-covariance", lambda _: {})),
    Rival("adamw.stationary-covariance", "an L2 penalty", _of_matrices("adam.stationary-covariance", _penalised)),
    Rival(
        "adamw.stationary-covariance", "twice the decay", _of_matrices("adamw.stationary-covariance", _decayed_twice)
    ),
    Rival("adamw.resting-place", "an L2 penalty", lambda point: point["decay"]),
    Rival("adamw.resting-place", "second moment of the noise", lambda point: point["decay"] * point["C"] ** 0.5),
    Rival("adai.stationary-covariance", "C = H/B", _proportional),
    Rival("adai.stationary-variance", "C = H/B", _proportional),
    Rival("har.both-groups", "groups gain nothing", lambda _: 1.0),
    Rival("har.both-groups", "each gains as much as the clean one", _by_scalars("har.clean-group")),
)
