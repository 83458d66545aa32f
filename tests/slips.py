"""Wrong implementations, and the small studies by which rows of the board or the tests of errors must notice each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg
import sympy as sp
import torch
from mapped import Mapped, changed, g, k, row

from inertialab.experiments import data, ensemble, system
from inertialab.experiments.arbal import bounds
from inertialab.experiments.arbal.inquiry import Inquiry
from inertialab.experiments.arbal.learner import Learner
from inertialab.experiments.har import smoother
from inertialab.experiments.training import paths as real_paths
from inertialab.experiments.training import rows
from inertialab.optim import OPTIMIZERS
from inertialab.optim.radam import RAdam
from inertialab.theory.dynamics import MAPS, UpdateMap
from inertialab.theory.notation import b, beta, beta0, beta2, decay, eta, kappa, m, q, theta, v, v_hat, v_mean
from inertialab.verification.court.errors import between_seeds
from inertialab.verification.court.judgement import compare_all, judge_all
from inertialab.verification.docket import CHECKS, STUDIES, errors
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact import ellipses as exact_ellipses
from inertialab.verification.studies.exact import saddle as exact_saddle
from inertialab.verification.studies.exact import selection as exact_selection
from inertialab.verification.studies.exact import sharpness as exact_sharpness
from inertialab.verification.studies.exact import stationary as exact_stationary
from inertialab.verification.studies.exact import steps as chain_steps
from inertialab.verification.studies.exact import tails as exact_tails
from inertialab.verification.studies.particles import ellipses as particles_ellipses
from inertialab.verification.studies.particles import entering, leaving, saddle, stationary
from inertialab.verification.studies.particles import escape as particles_escape
from inertialab.verification.studies.particles import flux as particles_flux
from inertialab.verification.studies.particles import selection as particles_selection
from inertialab.verification.studies.particles import sharpness as particles_sharpness
from inertialab.verification.studies.particles import tails as particles_tails
from inertialab.verification.studies.regularisation import gradients as har_gradients
from inertialab.verification.studies.regularisation import labels as har_labels
from inertialab.verification.studies.related import shifted
from inertialab.verification.studies.training import (
    clouds,
    edges,
    exits,
    fluctuations,
    gradients,
    motion,
    normalised,
    one_weight,
    paths,
    resting,
    saddles,
    second_relation,
    symmetric,
)
from inertialab.verification.studies.training import tails as real_tails

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
    "weak-friction-flux": {"particles": 2048, "replicates": 64, "wanted": 0.0},
    "torch-flux": {"particles": 4096, "replicates": 32, "wanted": 0.0},
    "minibatch-flux": {"particles": 2048, "replicates": 32, "wanted": 0.0},
    "counted-steps": {"events": 20_000, "points": STUDIES["counted-steps"].config["points"][:1]},
    "adai-spread": {"particles": 8192, "hold": 200, "points": STUDIES["adai-spread"].config["points"][:4]},
    "banknote-softmax-sgd": {"data": "wine", "batch": 64, "chains": 150, "relaxations": 5.0, "directions": 2},
    "adam-resting": {"particles": 100, "problems": STUDIES["adam-resting"].config["problems"][:2]},
    "adai-resting": {"particles": 300, "problems": STUDIES["adai-resting"].config["problems"][2:]},
    "adamw-resting": {"particles": 100, "problems": STUDIES["adamw-resting"].config["problems"][1:2]},
    "wine-softmax-adamw": {"chains": 200, "relaxations": 15.0, "directions": 3},
    "wine-softmax-adai": {"chains": 200, "relaxations": 15.0, "directions": 3},
    "one-weight-line": {"chains": 500},
    "one-weight-logit": {"chains": 80},
    "own-classes": {"samples": 100_000},
    "sampled-gradients": {"draws": 9_000},
    "breast-cancer-wider": {"chains": 100, "members": 50, "relaxations": 10.0},
    "wine-softmax-relations": {"chains": 200, "relaxations": 20.0},
    "normalised-network": {"chains": 30, "points": STUDIES["normalised-network"].config["points"][:1]},
    "gd-training": {"seeds": 6, "looks": 2, "wait": 2500},
    "wine-softmax-currents": {"chains": 300, "relaxations": 20.0},
    "wine-softmax-steps": {"chains": 150, "relaxations": 8.0},
    "breast-cancer-softmax-epochs": {"chains": 100, "relaxations": 8.0},
    "digits-softmax-torch": {"data": "wine", "l2": 0.01, "directions": 3, "chains": 300, "relaxations": 10.0},
    "cprop-heat": {"points": STUDIES["cprop-heat"].config["points"][:2]},
    "cprop-fast": {"points": STUDIES["cprop-fast"].config["points"][:1], "particles": 400},
    "cprop-floor": {"coordinates": 20_000},
    "cprop-snr": {"coordinates": 20_000},
    "adam-drift": {"coordinates": 2000},
    "adam-critical": {"coordinates": 400, "points": STUDIES["adam-critical"].config["points"][:1]},
    "radam-plain-run": {"coordinates": 200_000},
    "radam-fewest-run": {"coordinates": 200_000},
    "radam-average-run": {"coordinates": 200_000},
    "radam-rectified-ends": {"coordinates": 400_000, "late_coordinates": 5_000},
    "radam-rectified-run": {"beta2s": [0.99], "coordinates": 400_000, "late_coordinates": 5_000},
    "radam-update-run": {"coordinates": 20_000},
    "sharpness-counted": {"events": (4000, 10_000, 20_000, 20_000)},
    "ellipse-counted": {"particles": 8000, "steps": 800},
    "second-logit": {"chains": 300},
    "wine-exits": {"chains": 500, "exits": 400},
    "wine-exits-adai": {"chains": 500, "exits": 400},
    "minima-sgd": {"events": 4000},
    "tail-index": {"particles": 60_000, "steps": 200},
    "wine-tail": {"chains": 60_000, "steps": 200},
    "origin-deviations": {"chains": 4000},
    "origin-entries": {"chains": 500},
    "digits-2-sgd": {"chains": 2000},
    "tumour-weight-counted": {"events": (600, 300), "chains": 300},
    "har-logits": {"draws": 60, "nodes": 1500},
    "har-label-groups": {"draws": 60, "nodes": 1500},
    "false-gains": {"runs": 30},
    "asked-chances": {"runs": 6, "points": STUDIES["asked-chances"].config["points"][:1]},
    "first-split": {"points": [STUDIES["first-split"].config["points"][1] | {"runs": 60}]},
    "rare-losses": {"streams": 100_000},
}
"""What is run in the place of a study's own configuration; exact studies run as they are."""


def contradicted(id):
    """Verdicts of a study's own rows that contradict the expected ones; undecided is none."""
    if (
        data.DATASETS[STUDIES[id].data or "wine"].file
        and "data" not in SMALL.get(id, {})
        and data.data_folder() is None
    ):
        pytest.skip("INERTIALAB_DATA is not set")
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


def _decayed_after(e):
    step = theta * (1 - eta * decay) - e
    return (theta - step) * (1 - eta * decay)


def _penalised(params, *, eta, beta, beta2, delta, decay):
    return torch.optim.Adam(params, lr=eta, betas=(beta, beta2), eps=delta, weight_decay=decay)


RULES = (
    _rule("rate a thousandth too large", "sgd", theta, lambda e: e - 0.001 * eta * g, "sgd-iterated"),
    _rule("uphill", "sgd", theta, lambda e: theta + eta * g, "sgd-iterated-matrix"),
    _rule("weights decay", "sgd", theta, lambda e: e - 1e-4 * eta * theta, "sgd-iterated"),
    _made("gradients clipped", "sgd", _clipped, "sgd-spread"),
    _rule("beta squared", "momentum-ema", m, lambda e: e.subs(beta, beta**2), "ema-iterated"),
    _rule("not damped", "momentum-ema", m, lambda e: beta * m + g, "ema-iterated"),
    _rule("nothing forgotten", "momentum-ema", m, lambda e: m + (1 - beta) * g, "ema-growth"),
    _rule(
        "friction a twentieth too large",
        "momentum-ema",
        m,
        lambda e: beta ** sp.Rational(21, 20) * m + (1 - beta) * g,
        "weak-friction-flux",
    ),
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
    _rule("gradient in the place of the mean, at rest", "adam", theta, lambda e: e.subs(m, g), "adam-resting"),
    _made("an L2 penalty in the place of decoupled decay", "adamw", _penalised, "adamw-resting"),
    _made("an L2 penalty in training", "adamw", _penalised, "wine-softmax-adamw"),
    _rule("decay after the step", "adamw", theta, _decayed_after, "adamw-resting"),
    _rule("no bias correction", "adai", theta, lambda e: e.subs(q, 1), "cold-start"),
    _rule("gradient in the place of the mean", "adai", theta, lambda e: e.subs(m, g), "cold-start"),
    _rule("no bound of the inertia", "adai", kappa, lambda e: beta0 * v_hat / v_mean, "cold-start"),
    _rule("inertia halved", "adai", m, lambda e: e.subs(kappa, 2 * kappa), "adai-spread"),
    _rule("every coordinate its own mean", "adai", kappa, lambda e: beta0 + 0 * v_mean, "adai-spread"),
)


def _exactly_rectified(params, *, eta, beta, beta2, delta):
    return RAdam(params, eta, (beta, beta2), delta, freedom="satterthwaite", variance="exact")


def _short_memory(make):
    return lambda params, *, beta2, **settings: make(params, beta2=beta2**2, **settings)


def _nothing_corrected(e):
    return e.subs(beta2**k, 0)


def _old_second_moment(params, **settings):
    """Adam that divides by the second moment before it takes the gradient in."""
    right = MAPS["adam"]
    lines = dict(right.assignments)
    order = (k, m, theta, v)
    late = lines[theta].subs(beta2**k, beta2 ** (k - 1))
    lines[theta] = sp.Piecewise((late, k > 1), (theta, True))
    return Mapped(UpdateMap("adam", right.state, tuple((s, lines[s]) for s in order)), params, **settings)


def _another(**changes):
    return lambda optimizer: (
        lambda *a, **settings: optimizer(*a, **{**settings, **{n: f(settings[n]) for n, f in changes.items()}})
    )


def _half_the_constant(optimizer):
    return lambda p, eta, betas, delta, **more: optimizer(p, eta, betas, delta / 2, **more)


def _of_conformity(**changes):
    """CProp whose settings are changed before they are taken."""
    right = OPTIMIZERS["cprop-sgd"].make
    return lambda p, **settings: right(p, **settings | {n: f(settings.get(n, 1.0)) for n, f in changes.items()})


RELATED = (
    _made("scale a twentieth too large", "cprop-sgd", _of_conformity(c=lambda c: 1.05 * c), "cprop-floor"),
    _made("average of half the memory", "cprop-sgd", _of_conformity(beta=lambda b: b**2), "cprop-floor"),
    _made("average of half the memory, conforming", "cprop-sgd", _of_conformity(beta=lambda b: b**2), "cprop-snr"),
    _made("half of the factor", "cprop-sgd", _of_conformity(c=lambda c: c / 2), "cprop-heat"),
    _made("half of the factor, fast", "cprop-sgd", _of_conformity(c=lambda c: c / 2), "cprop-fast"),
    _put("a lag of one step more", shifted, "AdaShift", _another(shift=lambda n: n + 1), "adashift-periods"),
    _put(
        "a lag of one step more, in the order", shifted, "AdaShift", _another(shift=lambda n: n + 1), "adashift-orders"
    ),
    _put("a lag of less than a period", shifted, "AdaShift", _another(shift=lambda n: n - 1), "adashift-whole-periods"),
    _put("half of the constant under the root", shifted, "AdaShift", _half_the_constant, "adashift-cycles"),
    _put(
        "a lag of two steps on a parabola",
        shifted,
        "AdaShift",
        _another(shift=lambda n: n + 1),
        "adashift-cycle-factors",
    ),
    _made("the newest gradient in the second moment", "adashift", OPTIMIZERS["adam"].make, "adashift-factor"),
    _made("second moment of the gradients before", "adam", _old_second_moment, "adam-factor"),
    _made("second moment of the gradients before, drift", "adam", _old_second_moment, "adam-drift"),
    _rule(
        "second moment remembered twice as long", "adam", v, lambda e: e.subs(beta2, (1 + beta2) / 2), "adam-critical"
    ),
    _rule("memory of squares halved", "adam", v, lambda e: e.subs(beta2, beta2**2), "radam-averages"),
    _rule("no bias correction of the squares", "adam", theta, _nothing_corrected, "radam-averages"),
    _rule("no bias correction of the squares in a run", "adam", theta, _nothing_corrected, "radam-average-run"),
    _rule("squares of the mean", "adam", v, lambda e: e.subs(g, m), "radam-updates"),
    _rule("mean not damped", "adam", m, lambda e: beta * m + g, "radam-update-run"),
    _rule("second moment to the power of one", "adam", theta, lambda e: e.subs(v, v**2), "radam-plain-run"),
    _rule("a factor to the power of one, few gradients", "adam", theta, lambda e: e.subs(v, v**2), "radam-fewest-run"),
    _rule("no bias correction of the squares, few", "adam", theta, _nothing_corrected, "radam-fewest"),
    _made("rectified by the exact variance", "radam", _exactly_rectified, "radam-rectified"),
    _made("rectified by the exact variance in a run", "radam", _exactly_rectified, "radam-rectified-run"),
    _made("rectified by the exact variance at the ends", "radam", _exactly_rectified, "radam-rectified-ends"),
    _made(
        "memory of squares halved in the rectification",
        "radam",
        _short_memory(OPTIMIZERS["radam"].make),
        "radam-warmup",
    ),
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


def _half_the_beta(minibatch):
    def wrong(optimizer, point):
        system, conditions, change = minibatch(optimizer, point)
        return replace(system, settings={**system.settings, "beta": point["beta"] / 2}), conditions, change

    return wrong


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


def _smaller(Chains):
    return lambda *a, batch, **more: Chains(*a, batch=batch // 2, **more)


def _independent(Chains):
    return lambda *a, sampling, **more: Chains(*a, sampling="with replacement", **more)


def _without_growth(known):
    return lambda *a: {**known(*a), "c2": 0.0}


def _half_third(known):
    return lambda *a: (lambda facts: {**facts, "L3": facts["L3"] / 2})(known(*a))


def _at_one_place(mean):
    """Hessian and noise where the chains are in the mean."""
    return lambda problem, places, *a: mean(problem, places.mean(0, keepdim=True), *a)


def _lower(Chains):
    return lambda problem, name, settings, *a, **more: Chains(problem, name, {"eta": settings["eta"] / 1.5}, *a, **more)


def _hotter(functional_call):
    return lambda *a: functional_call(*a) / 3


def _slower(Chains):
    """A learning rate that is halved where the loss is sharp."""
    return lambda problem, name, settings, *a, **more: Chains(
        problem, name, {**settings, "eta": settings["eta"] / (2 if problem.root > 1 else 1)}, *a, **more
    )


def _damped(params, *, eta, beta):
    return torch.optim.SGD(params, lr=eta, momentum=beta, dampening=beta)


def _mean_for_all(DeviceScale):
    """Every coordinate with the mean inertia."""

    class Wrong(DeviceScale):
        def of(self, bias, weight, like):
            like = like.mean(1, keepdim=True)
            share = super().of(bias, weight, like)
            return share._replace(first=share.first * 0, offset=weight + 0 * like)

    return Wrong


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


def _doubled(error):
    """Variances that are twice what they are."""
    return lambda diagonal, edges, right, noise: error(diagonal, edges, right, 2 * noise)


def _one_end(error):
    """An edge with the strength of one of its ends."""
    return lambda self, strengths: error(self, np.concatenate([strengths[:1], strengths[:-1]]) * 2)


def _of_the_other(fit):
    """A penalty of the output's derivative where that of the loss's was asked for, and the reverse."""
    return lambda ones, trials, start, output=0.0, loss=0.0: fit(ones, trials, start, output=loss, loss=output)


def _steeper(fit):
    """A penalty that grows faster than its strength."""
    return lambda *a, **strengths: fit(*a, **{name: x**1.2 for name, x in strengths.items()})


def _exponent_of_the_output(weights):
    return lambda curves, exponent: weights(curves, -exponent)


def _unsquared(JacobianPenalty):
    return lambda *a, **more: JacobianPenalty(*a, **more, form="rootsum")


def _of_outputs(JacobianPenalty):
    return lambda *a, of, **more: JacobianPenalty(*a, of="output", **more)


PENALTIES = (
    _put("variance of a fit doubled", smoother, "_solved", _doubled, "har-alone"),
    _put("edges at twice their strength", smoother.Line, "error", _one_end, "har-alone"),
    _put("the other derivative", har_labels, "penalised_logits", _of_the_other, "har-logits"),
    _put("strength to a power", har_labels, "penalised_logits", _steeper, "har-logits"),
    _put("weights upside down", har_labels, "_at_best_factor", _exponent_of_the_output, "har-label-groups"),
    _put("root of the penalty", har_gradients, "JacobianPenalty", _unsquared, "har-split"),
    _put("output for loss", har_gradients, "JacobianPenalty", _of_outputs, "har-split"),
)
CHAINS = (
    _put("one step less", exact_saddle, "moments_after", _one_step_less, "sgd-iterated"),
    _put("noise before the step", exact_saddle, "moments_after", _noise_first, "ema-iterated"),
    _put("stationary in continuous time", exact_stationary, "stationary_moments", _continuous, "sgd-lyapunov"),
    _put("threshold early", chain_steps, "_walk", _nearer, "walk-threshold"),
    _put("left at the saddle", particles_escape, "count_escapes", _at_the_saddle, "counted-steps"),
    _put("flux to the saddle", particles_flux, "forward_flux", _at_the_saddle, "minibatch-flux"),
    _put("flux of another momentum", particles_flux, "minibatch", _half_the_beta, "torch-flux"),
    _put("batches without replacement", fluctuations, "run_chains", _fewer_rows, "banknote-softmax-sgd"),
    _put("half of the batch", fluctuations, "run_chains", _other_batch, "banknote-softmax-sgd"),
    _put("half of the batch between steps", motion, "Chains", _smaller, "wine-softmax-steps"),
    _put("half of the batch of one weight", one_weight, "Chains", _smaller, "one-weight-line"),
    _put("growth of the noise forgotten", one_weight, "known", _without_growth, "one-weight-edges"),
    _put("third derivative halved", one_weight, "known", _half_third, "one-weight-logit"),
    _put("noise of the minimum for that of the state", clouds, "_mean", _at_one_place, "breast-cancer-wider"),
    _put("gradients with replacement", gradients, "Chains", _independent, "sampled-gradients"),
    _put("labels of another temperature", gradients, "functional_call", _hotter, "own-classes"),
    _put("half of the rate", paths, "Chains", _slower, "sharpened-training"),
    _put("a smaller rate of normalised units", normalised, "Chains", _lower, "normalised-network"),
    _put("a smaller rate at the edge", edges, "Chains", _lower, "gd-training"),
    _put("turned the other way", motion, "_full", lambda full: lambda c: -full(c), "wine-softmax-currents"),
    _put("independent batches for epochs", motion, "Chains", _independent, "breast-cancer-softmax-epochs"),
    _made("damped in training", "momentum-torch", _damped, "wine-softmax-relations"),
    _put("half of the batch under Adai", resting, "Chains", _smaller, "wine-softmax-adai"),
    _put("the mean inertia for all coordinates", rows, "DeviceScale", _mean_for_all, "adai-resting"),
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


def _chains(wrong):
    """Chains that are made otherwise; `wrong` is called with their class and the keywords."""
    return lambda right: lambda *a, **more: wrong(right, a, more)


def _batches_times(factor):
    return _chains(lambda right, a, more: right(*a, **{**more, "batch": max(1, int(factor * more["batch"]))}))


def _half_the_buffer(right, a, more):
    crowd = right(*a, **more)
    give = crowd.give
    crowd.give = lambda **states: give(**{name: value / 2 for name, value in states.items()})
    return crowd


def _not_centred(unit_curvatures):
    """Curvatures of samples squared as they are."""

    def wrong(problem, hidden):
        basis, H, K2 = unit_curvatures(problem, hidden)
        return basis, H, K2 + np.kron(np.diag(H), np.diag(H))

    return wrong


def _bell(on_grid):
    """Gaussian steps of the same mean and variance."""

    def wrong(steps, shares, reach):
        mean = (steps @ shares)[:, None]
        variance = (steps**2 @ shares)[:, None] - mean**2
        law = np.exp(-((np.arange(-reach, reach + 1) - mean) ** 2) / (2 * variance))
        return law / law.sum(1, keepdims=True)

    return wrong


def _half_the_time(seen):
    return lambda crowd, here, times, tick: seen(crowd, here, [max(1, t // 2) for t in times], tick)


SADDLES = (
    _put("half of the batch beside an origin", symmetric, "Chains", _batches_times(0.5), "origin-deviations"),
    _put("samples' curvatures not centred", symmetric, "_unit_curvatures", _not_centred, "origin-deviations"),
    _put("half of the buffer of an entry", symmetric, "Chains", _chains(_half_the_buffer), "origin-entries"),
    _put("half of the batch at a saddle", saddles, "Chains", _batches_times(0.5), "digits-2-sgd"),
    _put("looked at after half of the time", saddles, "_seen", _half_the_time, "digits-2-sgd"),
    _put("Gaussian steps in the place of batches", real_paths, "_on_grid", _bell, "tumour-weight-chain"),
    _put("half of the batch on one weight", real_paths, "Chains", _batches_times(0.5), "tumour-weight-counted"),
    _rule("rate too large on every path", "sgd", theta, lambda e: e - 0.001 * eta * g, "every-path"),
)


def _unweighted(tell):
    return lambda self, x, y, p: tell(self, x, y, 1.0)


def _one_split_only(splitting):
    return property(lambda self: splitting.fget(self) and len(self.regions) < 2)


def _times_less(excess):
    return lambda *a: 0.3 * excess(*a)


def _half_the_squares(excess):
    return lambda squares, *a: excess(squares / 2, *a)


def _of_pairs(log_triples):
    return lambda hypotheses, cuts, *a: log_triples(hypotheses ** (2 / 3), 1, *a)


def _other_class_in_boxes(log_odds):
    return lambda self, X, refit: log_odds(self, X, refit) * (1 if len(self.begun().regions) == 1 else -1)


def _says_more_than_the_coin(ask):
    """The root of the chance with which it asks."""

    def wrong(self, x, coin):
        asked, p = ask(self, x, coin)
        return asked, p**0.5

    return wrong


def _asks_twice(ask):
    """A second coin where the first says no."""
    return lambda self, x, coin: ask(self, x, coin / 2)


LABELS = (
    _put("labels not weighted", Learner, "tell", _unweighted, "all-coins"),
    _put("asked for half as often", Learner, "chance", lambda f: lambda self, x: f(self, x) / 2, "asked-ranges"),
    _put("another chance said than taken", Learner, "ask", _says_more_than_the_coin, "asked-gradients"),
    _put("another chance said than the coin's", Learner, "ask", _says_more_than_the_coin, "asking-wastes"),
    _put("asked for twice as often as said", Learner, "ask", _asks_twice, "asking-wastes"),
    _put("slack shrunk", bounds, "excess", _times_less, "rare-losses"),
    _put("slack shrunk at work", bounds, "excess", _times_less, "covered-pairs"),
    _put("squares halved", bounds, "excess", _half_the_squares, "asked-chances"),
    _put("pairs for triples", bounds, "log_triples", _of_pairs, "first-split"),
    _put("gains believed", bounds, "log_triples", lambda f: lambda *a: -2.0, "false-gains"),
    _put("one split only", Learner, "splitting", _one_split_only, "stairs"),
    _put("all rows in one box", Learner, "places", lambda f: lambda self, X: np.zeros(len(X), int), "region-gains"),
    _put("the other class in boxes", Inquiry, "log_odds", _other_class_in_boxes, "region-errors"),
)


def _half_the_rate(survival):
    return lambda factors: survival((1 + factors) / 2)


def _pairs(kick):
    """The mean of two samples in the place of one."""

    def wrong(*arguments):
        one = kick(*arguments)
        return lambda theta: (one(theta) + one(theta)) / 2

    return wrong


def _once(above):
    """Excursions in the place of the steps that they spend above the level."""
    return lambda kick, eta, levels, theta, owner, tick: (
        np.bincount(owner, minlength=particles_tails.FAMILIES) * (levels[1] ** 0.2)
    )


TAILS = (
    _put("half of the rate on the grid", exact_tails, "survival", _half_the_rate, "tail-index-exact"),
    _put("two samples for one", particles_tails, "samplewise", _pairs, "tail-index"),
    _put("excursions that grow with the level", particles_tails, "_above", _once, "tail-index"),
    _put("two samples of data for one", real_tails, "residuals", _pairs, "wine-tail"),
    _rule("rate a twentieth too large, far away", "sgd", theta, lambda e: e - 0.05 * eta * g, "tail-index"),
)


def _anti(at_rest):
    """Weights of nodes forgotten: a density in the place of probabilities."""
    return lambda kernel: at_rest((kernel + np.eye(len(kernel)) * 0.5) / 1.5) * np.linspace(1.0, 1.2, len(kernel))


def _loud_saddle(system):
    """The noise of the saddle all the way."""
    return lambda optimizer, point, settings: system(optimizer, {**point, "C1": point["C2"]}, settings)


MINIMA = (
    _put("weights that grow along the way", exact_selection, "at_rest", _anti, "minima-chain"),
    _put("one noise for both minima", particles_selection, "system", _loud_saddle, "minima-sgd"),
)


def _by_the_root(grown):
    return lambda point, factor: grown(point, factor**0.5)


def _without_prefactor(power):
    return lambda scan, *rest: power("batch", *rest)


SHARPENED = (
    _put("sharpened by the root on nodes", exact_sharpness, "grown", _by_the_root, "sharpness-chain"),
    _put("prefactor forgotten on nodes", exact_sharpness, "power", _without_prefactor, "sharpness-chain"),
    _put("sharpened by the root", particles_sharpness, "grown", _by_the_root, "sharpness-counted"),
)


def _round(whitened):
    """A circle in the place of the ellipse."""

    def wrong(point):
        step, noise, to = whitened(point)
        return step, noise, np.eye(len(to)) * np.trace(to) / len(to)

    return wrong


def _balanced(whitened):
    """Noise that is the same in all directions of the whitened plane."""

    def wrong(point):
        step, noise, to = whitened(point)
        return step, np.eye(2) * np.linalg.det(noise) ** 0.5, to

    return wrong


def _by_the_square(counted):
    """A level that is the squared distance, in the place of half of it."""
    return lambda crowd, at, to, level, *rest: counted(crowd, at, to, level / 2, *rest)


def _without_half(right):
    return SimpleNamespace(quotient=lambda above, below: right.quotient(above, 2 * below))


def _quieter(root):
    return lambda covariance: root(covariance) * 0.8


ELLIPSES = (
    _put("level of the square", exits, "_counted", _by_the_square, "wine-exits"),
    _put("noise of the linear chain too small", exits, "matrix_root", _quieter, "wine-exits-adai"),
    _put("second relation without its half", second_relation, "Estimate", _without_half, "second-logit"),
    _put("a circle for the ellipse", particles_ellipses, "whitened", _round, "ellipse-counted"),
    _put("even noise across", exact_ellipses, "whitened", _balanced, "ellipse-chain"),
)
WRONG = (
    *(*ELLIPSES, *SHARPENED, *MINIMA, *TAILS, *RELATED, *SADDLES, *RULES, *ENSEMBLES),
    *(*PENALTIES, *CHAINS, *ESTIMATORS, *LABELS),
)
