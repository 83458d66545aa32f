"""Wrong update maps and wrong ingredients: each makes a derivation fail."""

import pytest
import sympy as sp

from inertialab.theory import (
    NotProvenError,
    adaptive,
    adaptive_escape,
    adaptive_saddle,
    claim,
    continuous,
    escape,
    finite_step,
    fluctuation,
    minibatch,
    momentum_saddle,
    noise,
    power_laws,
    saddle,
    scaling,
    stationary,
    transients,
    turnover,
)
from inertialab.theory.dynamics import UpdateMap
from inertialab.theory.notation import Hb, beta, eta, g, kappa, theta, theta_prev, v, v_mean
from inertialab.theory.notation import b as buffer
from inertialab.theory.notation import m as average
from inertialab.theory.turnover import u


def test_a_wrong_sign_in_the_update_map_breaks_the_derivation(monkeypatch):
    monkeypatch.setattr(stationary, "SGD", UpdateMap("wrong", (theta,), ((theta, theta + eta * g),)))
    subject = claim("sgd.stationary-variance")
    with pytest.raises(NotProvenError, match="Not proven"):
        list(subject.derive())


def test_a_wrong_factor_in_the_map_of_momentum_breaks_the_derivation(monkeypatch):
    right = saddle.MOMENTUM_EMA
    wrong = UpdateMap("wrong", right.state, (right.assignments[0], (theta, theta - 2 * eta * right.state[1])))
    monkeypatch.setattr(saddle, "MOMENTUM_EMA", wrong)
    with pytest.raises(NotProvenError):
        list(claim("momentum.saddle-msd").derive())


def _other_map(update, symbol, change):
    """The same update map with one line changed."""
    return UpdateMap(
        update.name,
        update.state,
        tuple((s, change(e) if s == symbol else e) for s, e in update.assignments),
        update.mean,
    )


MUTATIONS = [
    ("sgd.fluctuation-dissipation", fluctuation, "MOMENTUM_TORCH", lambda e: e.subs(beta, beta**2), buffer),
    ("sgd.fluctuation-dissipation-2", fluctuation, "SGD", lambda e: theta + eta * g, theta),
    ("momentum.stationary-velocity", fluctuation, "MOMENTUM_EMA", lambda e: e.subs(eta, 2 * eta), theta),
    ("momentum.stationary-covariance-torch", fluctuation, "MOMENTUM_TORCH", lambda e: e - 2 * g, buffer),
    ("adai.stationary-variance", continuous, "ADAI", lambda e: e + average, average),
    ("momentum.growth-slower", momentum_saddle, "MOMENTUM_EMA", lambda e: e.subs(beta, -beta), average),
    ("momentum.ballistic", momentum_saddle, "MOMENTUM_EMA", lambda e: e.subs(eta, -eta), theta),
    ("momentum.bias-correction", momentum_saddle, "ADAM", lambda e: e.subs(beta, beta**2), average),
    ("adam.escape", adaptive_escape, "ADAM", lambda e: e.subs(v, v**2), theta),
    ("scaling.identity", scaling, "ADAI", lambda e: e.subs(v_mean, sp.sqrt(v_mean)), kappa),
    ("scaling.identity", scaling, "HEAVY_BALL", lambda e: e + eta**2 * g, theta_prev),
    ("sgd.escape-finite-step", finite_step, "SGD", lambda e: theta + eta * g, theta),
    ("adai.inertia-mean", adaptive, "ADAI", lambda e: e.subs(v_mean, 2 * v_mean), kappa),
    ("adai.scale-invariance", adaptive, "ADAI", lambda e: e.subs(v_mean, sp.sqrt(v_mean)), kappa),
    ("adai.momentum-bias", adaptive, "ADAI", lambda e: e + average, average),
    ("adai.convergence-attributed", adaptive, "ADAI", lambda e: e - eta, theta),
]


@pytest.mark.parametrize(("id", "module", "name", "change", "symbol"), MUTATIONS)
def test_a_changed_line_of_an_update_map_breaks_the_derivation(monkeypatch, id, module, name, change, symbol):
    monkeypatch.setattr(module, name, _other_map(getattr(module, name), symbol, change))
    with pytest.raises((NotProvenError, ValueError)):
        list(claim(id).derive())


INGREDIENTS = [
    ("sgd.escape", minibatch, "ito_prefactor", lambda: 2 * sp.pi / Hb),
    ("sgd.escape-attributed", minibatch, "ito_prefactor", lambda: 2 * sp.pi / Hb),
    ("sgd.power-law", power_laws, "ito_prefactor", lambda: 2 * sp.pi / Hb),
    ("momentum.turnover", turnover, "_kernel", lambda loss: sp.exp(-((u + loss) ** 2) / loss) / sp.sqrt(sp.pi * loss)),
    ("langevin.eyring-kramers", escape, "_laplace", lambda *args: sp.Integer(1)),
    ("adam.saddle-msd", adaptive_saddle, "FREE_THERMAL", 2 * transients.FREE_THERMAL),
    ("momentum.saddle-msd-drift", transients, "FREE_THERMAL", 2 * transients.FREE_THERMAL),
    ("momentum.modified-equation", continuous, "eta", 2 * eta),
    ("noise.sampling", noise, "_between_batches", lambda n, variance: sp.Integer(0)),
]


@pytest.mark.parametrize(("id", "module", "name", "wrong"), INGREDIENTS)
def test_a_wrong_ingredient_breaks_the_derivation(monkeypatch, id, module, name, wrong):
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(NotProvenError):
        list(claim(id).derive())
