"""Wrong implementations: rows of the board, judged on small studies, must notice each; so must the tests of errors."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.linalg
import torch
from mapped import Mapped, changed, g, k, row

from inertialab.experiments import ensemble, system
from inertialab.optim import OPTIMIZERS
from inertialab.theory.dynamics import MAPS, UpdateMap
from inertialab.theory.notation import b, beta, beta0, eta, kappa, m, q, theta, v, v_hat, v_mean
from inertialab.verification.court.errors import between_seeds
from inertialab.verification.court.judgement import compare_all, judge_all
from inertialab.verification.docket import CHECKS, STUDIES, errors
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact import saddle as exact_saddle
from inertialab.verification.studies.exact import stationary as exact_stationary
from inertialab.verification.studies.exact import steps as chain_steps
from inertialab.verification.studies.particles import entering, leaving, saddle, stationary
from inertialab.verification.studies.particles import escape as particles_escape
from inertialab.verification.studies.training import fluctuations

FEW = {"particles": 20_000}
SMALL = {
    "sgd-spread": {**FEW, "times": (1, 3, 10)},
    "ema-spread": {**FEW, "times": (1, 3, 10)},
    "ema-entered": FEW,
    "cold-spread": {**FEW, "times": (1, 10)},
    "ema-grown": {"particles": 1000, "points": STUDIES["ema-grown"].config["points"][4:8]},
    "sgd-minimum-matrix": {**FEW, "problems": STUDIES["sgd-minimum-matrix"].config["problems"][:2]},
    "sgd-spread-matrix": {**FEW, "problems": STUDIES["sgd-spread-matrix"].config["problems"][:2]},
    "adam-spread": {
        "particles": 8192,
        "hold": 200,
        "times": (1000,),
        "points": STUDIES["adam-spread"].config["points"][2:4],
    },
    "counted-steps": {"events": 20_000, "points": STUDIES["counted-steps"].config["points"][:1]},
    "adai-spread": {"particles": 8192, "hold": 200, "points": STUDIES["adai-spread"].config["points"][:4]},
    "banknote-softmax-sgd": {"data": "wine", "batch": 64, "chains": 150, "relaxations": 5.0, "directions": 2},
    "digits-softmax-torch": {"data": "wine", "l2": 0.01, "directions": 3, "chains": 300, "relaxations": 10.0},
}
"""What is run in the place of a study's own configuration; exact studies run as they are."""


def contradicted(id):
    """Verdicts of a study's own rows that contradict the expected ones; undecided is none."""
    findings = STUDIES[id].run(**SMALL.get(id, {}))
    judgements = judge_all(compare_all([c for c in CHECKS if c.study.id == id], {id: findings}))
    return [j for j in judgements if {j.verdict, j.comparison.expected} == {"confirmed", "refuted"}]


def scattered():
    """The verdict on the errors of particles."""
    findings = errors.SPREAD.run(particles=200, seeds=80)
    (judged,) = between_seeds([errors.ErrorCheck(errors.SPREAD, saddle.spread)], {errors.SPREAD.id: findings})
    return judged.verdict


@dataclass(frozen=True)
class Wrong:
    """A slip, where it is made, and what notices it.

    Attributes:
        name: What is wrong.
        make: Called with pytest's monkeypatch; makes the slip.
        notices: Study whose rows must contradict, or "scatter" for the test of the errors.
    """

    name: str
    make: Callable
    notices: str


def _rule(name, optimizer, symbol, change, notices):
    """A line of an optimizer's rule that says something else."""

    def make(patch):
        update = changed(optimizer, symbol, change)
        patch.setitem(OPTIMIZERS, optimizer, row(OPTIMIZERS[optimizer], update))
        patch.setattr(system, "MAPS", {**MAPS, optimizer: update})

    return Wrong(f"{optimizer}: {name}", make, notices)


def _made(name, optimizer, constructor, notices):
    """An optimizer made by something else."""
    return Wrong(
        f"{optimizer}: {name}",
        lambda patch: patch.setitem(OPTIMIZERS, optimizer, replace(OPTIMIZERS[optimizer], make=constructor)),
        notices,
    )


def _put(name, module, attribute, wrong, notices):
    """A function of a module that does something else; `wrong` is called with the right one."""
    return Wrong(name, lambda patch: patch.setattr(module, attribute, wrong(getattr(module, attribute))), notices)


def _before_the_buffer(params, **settings):
    """EMA momentum that moves before it takes the gradient in."""
    right = MAPS["momentum-ema"]
    return Mapped(UpdateMap(right.name, right.state, right.assignments[::-1]), params, **settings)


def _undamped_start(params, *, eta, beta):
    return torch.optim.SGD(params, lr=eta, momentum=beta, dampening=beta)


def _clipped(params, *, eta):
    optimizer = torch.optim.SGD(params, lr=eta)

    def clip(optimizer, *_):
        for p in optimizer.param_groups[0]["params"]:
            p.grad.clamp_(-1, 1)

    optimizer.register_step_pre_hook(clip)
    return optimizer


RULES = (
    _rule("rate a thousandth too large", "sgd", theta, lambda e: e - 0.001 * eta * g, "sgd-iterated"),
    _rule("uphill", "sgd", theta, lambda e: theta + eta * g, "sgd-iterated-matrix"),
    _rule("weights decay", "sgd", theta, lambda e: e - 1e-4 * eta * theta, "sgd-iterated"),
    _made("gradients clipped", "sgd", _clipped, "sgd-spread"),
    _rule("beta squared", "momentum-ema", m, lambda e: e.subs(beta, beta**2), "ema-iterated"),
    _rule("not damped", "momentum-ema", m, lambda e: beta * m + g, "ema-iterated"),
    _rule("nothing forgotten", "momentum-ema", m, lambda e: m + (1 - beta) * g, "ema-growth"),
    _rule("damped by 1 - beta squared", "momentum-ema", m, lambda e: beta * m + (1 - beta**2) * g, "ema-grown"),
    _rule("Nesterov", "momentum-ema", theta, lambda e: theta - eta * (beta * m + (1 - beta) * g), "ema-entry"),
    _rule("rate over 1 - beta", "momentum-ema", theta, lambda e: theta - eta * m / (1 - beta), "ema-entered"),
    _made("old buffer", "momentum-ema", _before_the_buffer, "ema-entry"),
    _made("first gradient undamped", "momentum-ema", _undamped_start, "ema-spread"),
    _rule("damped", "momentum-torch", b, lambda e: beta * b + (1 - beta) * g, "convention-rate"),
    _rule("half of beta", "momentum-torch", b, lambda e: e.subs(beta, beta / 2), "convention-rate"),
    _rule("old buffer again", "momentum-torch", theta, lambda e: theta - eta * beta * b, "convention-rate"),
    _rule("no bias correction of the mean", "adam", theta, lambda e: e.subs(beta**k, 0), "cold-spread"),
    _rule("bias correction a step late", "adam", theta, lambda e: e.subs(beta**k, beta ** (k + 1)), "cold-spread"),
    _rule("second moment without its root", "adam", theta, lambda e: e.subs(v, v**2), "adam-spread"),
    _rule("no bias correction", "adai", theta, lambda e: e.subs(q, 1), "cold-start"),
    _rule("gradient in the place of the mean", "adai", theta, lambda e: e.subs(m, g), "cold-start"),
    _rule("no bound of the inertia", "adai", kappa, lambda e: beta0 * v_hat / v_mean, "cold-start"),
    _rule("inertia halved", "adai", m, lambda e: e.subs(kappa, 2 * kappa), "adai-spread"),
    _rule("every coordinate its own mean", "adai", kappa, lambda e: beta0 + 0 * v_mean, "adai-spread"),
)


def _twice(simulate):
    def repeated(*arguments, particles, **more):
        half = simulate(*arguments, particles=particles // 2, **more)
        return np.concatenate([half, half], axis=1)

    return repeated


def _late(simulate):
    return lambda *a, times, **more: simulate(*a, times=[t + 1 for t in times], **more)


def _without(*names):
    return lambda simulate: lambda *a, **more: simulate(*a, **{n: x for n, x in more.items() if n not in names})


def _half_hessian(simulate):
    return lambda *a, hessian, **more: simulate(*a, hessian=hessian / 2, **more)


def _elsewhere(simulate):
    return lambda *a, **more: simulate(*a, **more) + 0.5


def _frozen(colored):
    """The numbers of the first step again and again."""
    kept = {}

    def again(like, root, generator):
        if like.shape not in kept or kept[like.shape][0] is not generator:
            kept[like.shape] = (generator, colored(like, root, generator))
        return kept[like.shape][1]

    return again


def _uncorrelated(matrix_root):
    return lambda C: matrix_root(C.diag().diag())


def _one_for_all(colored):
    return lambda like, root, generator: colored(like[:1], root, generator).expand(like.shape).clone()


ENSEMBLES = (
    _put("noise not centred", ensemble, "_colored", lambda f: lambda *a: f(*a) + 0.5, "sgd-spread"),
    _put("covariance in the place of its root", ensemble, "matrix_root", lambda f: lambda C: C, "sgd-spread"),
    _put("root transposed", ensemble, "matrix_root", lambda f: lambda C: f(C).T, "sgd-minimum-matrix"),
    _put("noise without correlations", ensemble, "matrix_root", _uncorrelated, "sgd-minimum-matrix"),
    _put("the same noise at every step", ensemble, "_colored", _frozen, "sgd-spread"),
    _put("the same noise for every particle", ensemble, "_colored", _one_for_all, "scatter"),
    _put("second half repeats the first", saddle, "simulate", _twice, "scatter"),
    _put("looked at a step late", saddle, "simulate", _late, "sgd-spread"),
    _put("warm buffers forgotten", saddle, "simulate", _without("buffer_std", "buffer_mean"), "ema-spread"),
    _put("entry forgotten", entering, "simulate", _without("buffer_mean"), "ema-entered"),
    _put("half of the Hessian", saddle, "simulate", _half_hessian, "sgd-spread"),
    _put("started beside the critical point", saddle, "simulate", _elsewhere, "sgd-spread"),
    _put(
        "correlated noise of compiled loops transposed",
        leaving,
        "quadratic_system",
        lambda f: lambda name, settings, H, root: f(name, settings, H, root.T),
        "sgd-spread-matrix",
    ),
)


def _one_step_less(moments_after):
    return lambda A, Q, start, steps: moments_after(A, Q, start, steps - 1)


def _noise_first(moments_after):
    return lambda A, Q, start, steps: moments_after(A, A @ Q @ A.T, start, steps)


def _continuous(_):
    return lambda A, Q: scipy.linalg.solve_continuous_lyapunov(A - np.eye(len(A)), -Q)


def _nearer(walk):
    return lambda eta, D, b: walk(eta, D, b - 0.1 * (D * eta) ** 0.5 * b)


def _at_the_saddle(count_escapes):
    return lambda *a, boundary, **more: count_escapes(*a, boundary=0.0, **more)


def _fewer_rows(run_chains):
    """Batches without replacement, as a shuffled loader draws them."""

    def drawn(n, shape, generator, device):
        chains, batch = shape
        return torch.rand(chains, n, generator=generator, device=device).argsort(1)[:, :batch]

    def run(*arguments, **more):
        right = torch.randint
        torch.randint = drawn
        try:
            return run_chains(*arguments, **more)
        finally:
            torch.randint = right

    return run


def _other_beta(run_chains):
    return lambda problem, name, settings, **more: run_chains(problem, name, {**settings, "beta": 0.5}, **more)


def _other_batch(run_chains):
    return lambda *a, batch, **more: run_chains(*a, batch=batch // 2, **more)


def _no_burn_in(run_chains):
    return lambda *a, burn_in, samples, **more: run_chains(*a, burn_in=0, samples=max(samples // 8, 2), **more)


def _error(factor):
    """Standard errors that are a multiple of what they are."""

    def wrong(right):
        def mean(units):
            one = right(units)
            return Estimate(one.value, one.se * factor(len(units)), one.n)

        return mean

    return wrong


CHAINS = (
    _put("one step less", exact_saddle, "moments_after", _one_step_less, "sgd-iterated"),
    _put("noise before the step", exact_saddle, "moments_after", _noise_first, "ema-iterated"),
    _put("stationary in continuous time", exact_stationary, "stationary_moments", _continuous, "sgd-lyapunov"),
    _put("threshold early", chain_steps, "_walk", _nearer, "walk-threshold"),
    _put("left at the saddle", particles_escape, "count_escapes", _at_the_saddle, "counted-steps"),
    _put("batches without replacement", fluctuations, "run_chains", _fewer_rows, "banknote-softmax-sgd"),
    _put("half of the batch", fluctuations, "run_chains", _other_batch, "banknote-softmax-sgd"),
    _put("another beta", fluctuations, "run_chains", _other_beta, "digits-softmax-torch"),
    _put("no burn-in", fluctuations, "run_chains", _no_burn_in, "banknote-softmax-sgd"),
)


def _valued(value):
    """Estimates of another value with the right error."""
    return lambda mean_square: lambda x: replace(mean_square(x), value=float(value(x)))


def _median(x):
    return np.median(x**2)


def _mean_size(x):
    return np.abs(x).mean() ** 2


def _same_twice(mean_product):
    return lambda x, i, j: mean_product(x, i, i)


def _mixed_up(mean_product):
    return lambda x, i, j: mean_product(x, 1 - i, 1 - j)


def _reversed(simulate):
    return lambda *a, **more: simulate(*a, **more)[::-1]


ESTIMATORS = (
    _put("error a third", Estimate, "mean", _error(lambda n: 1 / 3), "scatter"),
    _put("every unit counted twice", Estimate, "mean", _error(lambda n: 0.5**0.5), "scatter"),
    _put("error without the root of n", Estimate, "mean", _error(lambda n: n**0.5), "scatter"),
    _put("median in the place of the mean", saddle, "mean_square", _valued(_median), "sgd-spread"),
    _put("mean size squared", saddle, "mean_square", _valued(_mean_size), "ema-spread"),
    _put("one coordinate twice", leaving, "mean_product", _same_twice, "sgd-spread-matrix"),
    _put("coordinates mixed up", stationary, "mean_product", _mixed_up, "sgd-minimum-matrix"),
    _put("regression the wrong way round", entering, "simulate", _reversed, "ema-grown"),
)
WRONG = (*RULES, *ENSEMBLES, *CHAINS, *ESTIMATORS)


@pytest.mark.parametrize("id", sorted({w.notices for w in WRONG} - {"scatter"}))
def test_right_implementations_contradict_no_row(id):
    assert contradicted(id) == []


def test_right_errors_are_not_refuted():
    assert scattered() != "refuted"


@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w.name)
def test_a_wrong_implementation_is_noticed(wrong, monkeypatch):
    wrong.make(monkeypatch)
    if wrong.notices == "scatter":
        assert scattered() == "refuted"
    else:
        assert contradicted(wrong.notices)


def test_forty_two_slips_are_tried():
    assert len(WRONG) >= 42
    assert len({w.name for w in WRONG}) == len(WRONG)


@pytest.mark.parametrize("name", ["sgd", "momentum-ema", "momentum-torch", "adam", "adai"])
def test_the_rules_that_are_changed_are_otherwise_those_of_the_optimizers(name):
    """Without a slip a mapped optimizer goes where the optimizer goes."""
    given = {"eta": 0.1, "beta": 0.9, "beta0": 0.1, "beta2": 0.9, "delta": 0.01, "eps": 0.001}
    settings = {s: given[s] for s in ("eta", *OPTIMIZERS[name].settings)}
    one, other = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    pair = (OPTIMIZERS[name].make([one], **settings), Mapped(MAPS[name], [other], **settings))
    for gradient in np.random.default_rng(0).standard_normal((20, 5)) * np.arange(1, 6):
        for p, optimizer in zip((one, other), pair, strict=True):
            p.grad = torch.as_tensor(gradient)
            optimizer.step()
    assert torch.allclose(one, other, rtol=1e-12, atol=0)
