"""Wrong update maps and wrong ingredients: each makes a derivation fail."""

import inspect
from pathlib import Path

import pytest
import sympy as sp

from inertialab.theory import (
    CLAIMS,
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


SLIPS = [
    ("sgd.stationary-covariance", "SGD.step(h_i * theta + xi)", "SGD.step(-h_i * theta + xi)"),
    ("sgd.stationary-covariance", "R * noise * R.T - covariance", "noise - covariance"),
    ("sgd.stationary-variance-ou", "2 * drift * V(t) + 2 * D", "2 * drift * V(t) + D"),
    ("momentum.conventions", "{average: (1 - beta) * buffer}", "{average: buffer}"),
    ("momentum.stationary-variance", "linear_recursion(MOMENTUM_EMA", "linear_recursion(MOMENTUM_TORCH"),
    ("momentum.stationary-variance-torch", "subs(eta, momentum_conventions.formula)", "subs(eta, eta * (1 - beta))"),
    ("sgd.shuffled-variance", "n * C + n * (n - 1) * shared", "n * C + n**2 * shared"),
    ("sgd.isotropy", "sgd_stationary_variance.formula.subs(C, h / B)", "sgd_stationary_variance.formula.subs(C, h)"),
    ("sgd.stationary-covariance-mandt", "+ solution * curvature", "- solution * curvature"),
    ("sgd.modified-equation-2", "eta / 4 * sp.diff", "eta / 2 * sp.diff"),
    ("adam.stationary-variance", "{h: h / sp.sqrt(second), C: C / second}", "{h: h / sp.sqrt(second)}"),
    ("adam.stationary-variance", "second: 1 + var", "second: 1 + 2 * var"),
    ("langevin.stationary-density", "sp.diff(D_of * ito, x)", "D_of * sp.diff(ito, x)"),
    ("sgd.saddle-variance", "A[0] ** 2 * V(T) + C", "A[0] * V(T) + C"),
    ("sgd.saddle-variance-ou", "+ 2 * h * V(t) - 2 * D", "+ h * V(t) - 2 * D"),
    ("momentum.saddle-msd-continuous", "strength = 2 * D / M**2", "strength = 2 * D / M"),
    ("momentum.saddle-msd-continuous", "friction, stiffness = -(a + c)", "friction, stiffness = a + c"),
    ("momentum.saddle-msd-drift", "rate, h / (gamma * M)", "rate, h / gamma"),
    ("momentum.drift-bound", "D / (gamma**3 * M**2) * (1", "D / (gamma**2 * M**2) * (1"),
    ("adai.saddle-msd", "C * noise[1] ** 2 - v0sq", "C - v0sq"),
    ("adai.saddle-msd-attributed", "beta0 * (size / B)", "beta0 * (size / B) ** 2"),
    ("langevin.mean-first-passage", "sp.exp(-Phi_of(z)) / D_of(z), (z, x", "sp.exp(-Phi_of(z)), (z, x"),
    ("langevin.eyring-kramers", "energy = -b * x**2 / 2", "energy = b * x**2 / 2"),
    ("momentum.escape", "strength, share = d * gamma / M", "strength, share = d * gamma"),
    ("momentum.escape", "sp.diff((gamma * v - b * x / M)", "sp.diff((gamma * v + b * x / M)"),
    ("momentum.turnover", "(gamma * v + sp.diff(L, x) / M)", "(gamma * v - sp.diff(L, x) / M)"),
    ("momentum.turnover", "variance = 2 * D * squared", "variance = D * squared"),
    ("momentum.turnover", "at_1 / ((s - 1) * right)", "at_1 / (s * right)"),
    ("momentum.only-rescales", "gamma: (1 - beta) / eta", "gamma: 1 / eta"),
    ("sgd.escape-finite-step", "sp.sqrt(2 * D_of * eta) * kick", "sp.sqrt(D_of * eta) * kick"),
    ("sgd.boundary-shift", "step = sp.sqrt(2 * D * eta)", "step = sp.sqrt(D * eta)"),
    ("sgd.boundary-shift", "lam**2) / 2)) / lam**2) / (sp.pi", "lam**2) / 2)) / lam**2) / (2 * sp.pi"),
    ("sgd.entropic-factor", "variance = noise / transverse", "variance = noise"),
    ("sgd.noise-cannot-vanish", "outside = 2 * sp.integrate", "outside = sp.integrate"),
    ("sgd.noise-cannot-vanish", "+ slope * lam * transform", "- slope * lam * transform"),
    ("momentum.escape-attributed", "subs(D, eta * Ha / (2 * B))", "subs(D, eta * Ha / B)"),
    ("adam.escape-attributed", "{Hb: sp.sqrt(B * Hb), eta", "{Hb: Hb, eta"),
    ("adam.batch-crossover", "subs(second, noise + slope**2)", "subs(second, noise)"),
    ("adam.batch-crossover", "sp.sqrt(2 * Ha * dL)).subs(noise", "sp.sqrt(Ha * dL)).subs(noise"),
    ("adai.escape", "{M: eta / kappa, gamma", "{M: eta, gamma"),
    ("levy.exit", "sp.sin(sp.pi * alpha / 2) / sp.pi", "sp.sin(sp.pi * alpha) / sp.pi"),
    ("levy.exit", "tail.subs(lower, a_exit) + tail", "tail.subs(lower, a_exit) - tail"),
    ("sgd.power-law", "current = -sp.diff(L, x) * density", "current = sp.diff(L, x) * density"),
    ("noise.hessian-proportional", "loss = -sp.log(p)", "loss = sp.log(p)"),
    ("noise.squared-loss", "2: sigma**2}", "2: sigma}"),
    ("noise.saddle-zero", "(second * unit(first * x) - y)", "(second + unit(first * x) - y)"),
    ("noise.sampling", "n_samples * (n_samples - 1) * pair", "n_samples**2 * pair"),
]


def changed(subject, right, wrong):
    """The claim from the source of its module, run again with one expression changed."""
    source = Path(inspect.getsourcefile(subject.derive)).read_text()
    start = source.index(f"def {subject.derive.__name__}(")
    start = start if right in source[start:] else 0  # a helper may stand before the claim
    assert right in source[start:], f"{right} does not stand in the source of {subject.id}"
    namespace = {"__name__": subject.derive.__module__}
    exec(compile(source[:start] + source[start:].replace(right, wrong, 1), subject.id, "exec"), namespace)
    return namespace[subject.derive.__name__]


@pytest.mark.parametrize(("id", "right", "wrong"), SLIPS)
def test_a_slip_in_the_derivation_is_found(id, right, wrong):
    with pytest.raises(NotProvenError):
        list(changed(claim(id), right, wrong).derive())


def test_without_a_slip_the_source_derives_its_claim_again():
    again = changed(claim("momentum.escape"), "strength, share", "strength, share")
    assert again is not claim("momentum.escape")
    assert again.rhs == claim("momentum.escape").rhs


def test_every_claim_has_a_derivation_that_was_seen_to_fail():
    here = {row[0] for row in (*MUTATIONS, *INGREDIENTS, *SLIPS)} | {"sgd.stationary-variance", "momentum.saddle-msd"}
    assert {c.id for c in CLAIMS} - here == set()
