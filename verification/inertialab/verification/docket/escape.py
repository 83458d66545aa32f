"""Leaving a minimum: what its claims are confronted with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inertialab.verification.court.check import BaseCheck, Check, OrderCheck
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.climbs import adam_climbs, drawn, sgd_climbs
from inertialab.verification.studies.exact import any_law, chains, inertia, steps
from inertialab.verification.studies.flow import escape as flow
from inertialab.verification.studies.flow import jumps, kramers
from inertialab.verification.studies.particles import any_law as any_law_particles
from inertialab.verification.studies.particles import escape as particles
from inertialab.verification.studies.particles import flux
from inertialab.verification.studies.study import Study

WELL = [1.0, 0.0, -2.0, 0.0, 1.0]
"""The double well (x² - 1)² by its coefficients: minima at ±1, saddle at 0."""

ONE_PERCENT = {"particles": 16_384, "replicates": 16}
HALF_PERCENT = {"particles": 32_768, "replicates": 32}
"""Trials of forward flux for about this standard error of a rate."""

# White noise, and steps of finite length.
PASSAGES = [
    *({"potential": WELL, "D": D, "x0": -0.7, "boundaries": [0.8, -1.6]} for D in ([0.3], [0.3, 0.1], [0.2, 0.0, 0.1])),
    {"potential": [0.0, 0.4], "D": [0.5], "x0": 0.3, "boundaries": [-1.0, 2.0]},
]
LOW = [
    {"ratio": p["ratio"], "D": 1 / p["exponent"]} for p in drawn("white-passage", 6, ratio=(0.25, 4), exponent=(12, 60))
]
LOWER = [{"ratio": 1.0, "D": D} for D in (1 / 12, 1 / 24, 1 / 48)]
FIELDS = [[0.06], [0.06, 0.02], [0.06, 0.0, 0.03]]
ENDS = {"potential": WELL, "x0": -1.0, "boundaries": [0.9, -2.5]}
SLOW = [{"eta": 0.0025, "D": D, **ENDS} for D in ([0.3], [0.2, 0.0, 0.1])]
STEPS = [{"eta": 0.01, "D": D} for D in ([0.25], [0.2, 0.0, 0.1])]
QUADRATURE = Study("nested-quadrature", flow.solved_passages, {"points": PASSAGES})
WHITE = Study("white-passage", flow.passages, {"points": LOW})
WHITE_ORDER = Study("white-order", flow.passages, {"points": LOWER})
CHAIN = Study("chain-passage", steps.chains, {"rates": [0.0025, 0.005, 0.01], "well": WELL, "fields": FIELDS})
WALK = Study("walk-threshold", steps.thresholds, {"rates": [1e-3, 3e-4], "D": 0.7})
COUNTED = Study("counted-passage", particles.passages, {"points": SLOW, "events": 400_000}, full={"events": 1_600_000})
COUNTED_STEPS = Study(
    "counted-steps", particles.finite_steps, {"points": STEPS, "events": 700_000}, full={"events": 2_800_000}
)

WHITE_FLUX = Study(
    "white-flux",
    flux.white_escapes,
    {"optimizer": "sgd", "points": [{"ratio": 0.5, "D": 1 / 12, "eta": 0.01}], **ONE_PERCENT},
    full={"points": [{"ratio": r, "D": 1 / 12, "eta": 0.01} for r in (0.25, 1.0, 4.0)], **HALF_PERCENT},
)
WALKED = Study("walked-threshold", any_law_particles.thresholds, {"rates": [0.01], "D": 0.7, "steps": 30_000})

# Minibatch noise, whose strength depends on the place.
MINIBATCH = Study("minibatch-chain", chains.sgd_minibatches, {"points": sgd_climbs("minibatch-chain", 8)})
FAST = {"height": (0.015, 0.02), "exponent": (12, 12.5)}
MINIBATCH_FLUX = Study(
    "minibatch-flux",
    flux.sgd_minibatches,
    {"points": sgd_climbs("minibatch-flux", 1, **FAST), **ONE_PERCENT},
    full={"points": sgd_climbs("minibatch-flux", 4, **FAST), **HALF_PERCENT},
)
ADAM = Study(
    "adam-chain", chains.adam_minibatches, {"points": adam_climbs("adam-chain", 5), "power": 0.5, "follows": True}
)
# Curvatures nearly the same, where the law holds at rates at which particles get somewhere.
EVEN = {"ratio": (0.98, 1.02), "memory": (0.024, 0.025), "slow": (0.9, 1.0), "exponent": (12, 12.2)}
ADAM_FLUX = Study(
    "adam-flux",
    flux.adam_minibatches,
    {"points": [p | {"beta": 0.9} for p in adam_climbs("adam-flux", 1, **EVEN)], "power": 0.5, **ONE_PERCENT},
    full=HALF_PERCENT,
)
FROZEN = Study(
    "frozen-adam-chain",
    chains.adam_minibatches,
    {"points": adam_climbs("frozen-adam-chain", 5, frozen=True), "power": 1.0, "follows": False},
)
FROZEN_FLUX = Study(
    "frozen-adam-flux",
    flux.adam_minibatches,
    {
        "points": [p | {"beta": 0.9} for p in adam_climbs("frozen-adam-flux", 1, frozen=True, slow=(0.019, 0.02))],
        "power": 1.0,
        **ONE_PERCENT,
    },
    full=HALF_PERCENT,
)
# From the one law of Adam to the other, at the curvatures, batch and rate of one problem.
BETWEEN = [{"ratio": 4.0, "s": 0.5, "B": 0.005, "eta": 0.005, "beta2": beta2} for beta2 in (0.97, 0.99, 0.997)]
MAP = Study("adam-map", chains.adam_minibatches, {"points": BETWEEN, "power": 0.5, "follows": True})
CROSSOVERS = [{"eta": 0.01, "B": B, "Ha": 3.0, "dL": 0.4} for B in (0.01, 1.0, 100.0)]
PARABOLA = Study("adam-parabola", flow.crossovers, {"points": CROSSOVERS})
VANISHING = Study("vanishing-noise", flow.floors, {"levels": [1e-5, 1e-7]})
ZEROS = [
    {"ratio": p["ratio"], "eta": 5e-4, "B": 5e-4 * p["batches"]}
    for p in drawn("zero-noise-chain", 4, ratio=(0.5, 4), batches=(0.7, 2.5))
]
ZERO = Study("zero-noise-chain", chains.zero_noise, {"points": ZEROS})
POWERS = [
    {"ratio": p["ratio"], "eta": 1e-5, "B": 1.0, "h": 1e5 / p["power"], "L_a": 1 / np.expm1(p["exponent"] / p["power"])}
    for p in drawn("loss-noise-chain", 6, ratio=(0.25, 4), power=(10, 30), exponent=(10, 14))
]
LOSS_NOISE = Study("loss-noise-chain", chains.loss_noise, {"points": POWERS})
LOSS_FLUX = Study(
    "loss-noise-flux",
    flux.loss_noise,
    {"points": [{"ratio": 0.5, "eta": 1e-3, "B": 1.0, "h": 80.0, "L_a": 0.6}], **ONE_PERCENT},
    full=HALF_PERCENT,
)

# A direction across the path.
VALLEYS = [
    {"ratio": p["ratio"], "stiff": p["stiff"], "growth": g, "D": 1 / 12, "eta": 0.002, "B": 0.012 * p["along"]}
    for p, g in zip(
        drawn("valley-chain", 6, ratio=(0.25, 4), stiff=(2, 12), along=(3, 9)),
        (1.2, -0.4, 0.8, -0.3, 0.5, 1.5),
        strict=True,
    )
]
STIFF = [{"ratio": r, "stiff": 8.0, "growth": 0.4, "D": 1 / 12, "eta": 0.002, "B": 0.108} for r in (0.5, 1.0, 2.0)]
SOFT = [{"ratio": 1.0, "stiff": 4.0, "growth": 1.5, "D": 1 / 12, "eta": 0.002, "B": 0.024}]
VALLEY = Study("valley-chain", chains.valleys, {"points": [*VALLEYS, *STIFF, *SOFT]})
VALLEY_FLUX = Study(
    "valley-flux", flux.valleys, {"points": [STIFF[0] | {"eta": 0.004, "B": 0.216}], **ONE_PERCENT}, full=HALF_PERCENT
)


# Adai whose inertia is that of the minimum.
PLACES = [
    {"ratio": p["ratio"], "eta": 0.1 * p["kappa"] * p["small"], "kappa": p["kappa"], "D": D}
    for p, D in zip(
        drawn("inertial-noise-chain", 4, ratio=(0.4, 4), kappa=(0.08, 0.5), small=(0.1, 0.3)),
        ([0.06, -0.03], [0.08, 0.02], [0.07, -0.02], [0.09, 0.03]),
        strict=True,
    )
]
PLACED = Study("inertial-noise-chain", inertia.growing_noise, {"points": PLACES})
PLACED_FLUX = Study(
    "adai-noise-flux",
    flux.adai_growing_noise,
    {"points": [{"ratio": 1.0, "eta": 0.01, "kappa": 0.3, "D": [0.07, -0.03]}], **ONE_PERCENT},
    full=HALF_PERCENT,
)
FEEBLE = {"height": (0.007, 0.008), "exponent": (12, 12.2), "ratio": (0.8, 0.9)}
ADAI_FLUX = Study(
    "adai-flux",
    flux.adai_minibatches,
    {"points": [p | {"kappa": 0.3} for p in sgd_climbs("adai-flux", 1, **FEEBLE)], **ONE_PERCENT},
    full=HALF_PERCENT,
)


def stiff(point: Mapping[str, Any]) -> bool:
    """Whether a valley is one of those that are stiff on their whole length."""
    return point["growth"] == 0.4


def soft(point: Mapping[str, Any]) -> bool:
    """Whether a valley is one that gives way."""
    return point["stiff"] == 4.0 and point["growth"] == 1.5


# Noise of any law: 2/(ηC) is the exponent in Gaussian noise.
SKEWED = ("skewed", "skewed-down")
EXPONENTS = [
    {"ratio": p["ratio"], "eta": 0.02, "C": 100 / p["exponent"], "law": law}
    for p, law in zip(
        drawn("any-law-chain", 6, ratio=(0.25, 4), exponent=(8, 11)),
        ("gaussian", *SKEWED, *SKEWED, "skewed"),
        strict=True,
    )
]
CHANGES = [
    {"ratio": p["ratio"], "eta": p["eta"], "C": 2 / p["eta"] / 10, "law": law}
    for p, law in zip(drawn("skewed-chain", 6, ratio=(0.25, 4), eta=(2e-4, 4e-3)), 3 * SKEWED, strict=True)
]
ANY_LAW = Study("any-law-chain", any_law.exponents, {"points": EXPONENTS})
SKEWED_CHAIN = Study("skewed-chain", any_law.changes, {"points": CHANGES})
FEW = [{"ratio": r, "eta": 0.02, "C": 100 / 3.8, "law": law} for r, law in ((0.5, "skewed"), (2.0, "skewed-down"))]
COUNTED_LAWS = Study(
    "any-law-counted", any_law_particles.exponents, {"points": FEW, "steps": 30_000}, full={"steps": 200_000}
)
COUNTED_CHANGES = Study(
    "skewed-counted",
    any_law_particles.changes,
    {
        "points": [{"ratio": r, "eta": 0.01, "C": 200 / 5.5, "law": law} for r, law in ((0.5, "skewed"),)],
        "steps": 30_000,
    },
    full={"steps": 200_000},
)

# Inertia.
SLOWED = [
    {"ratio": p["ratio"], "eta": 0.004, "beta": 1 - p["friction"], "D": 1 / p["exponent"]}
    for p in drawn("inertial-chain", 4, ratio=(0.4, 4), friction=(0.03, 0.3), exponent=(12, 13))
]
INERTIA = Study("inertial-chain", inertia.white_escapes, {"points": SLOWED, "optimizer": "momentum-ema"})
INERTIA_FLUX = Study(
    "inertial-flux",
    flux.white_escapes,
    {"points": [{"ratio": 1.0, "eta": 0.02, "beta": 0.7, "D": 1 / 12}], "optimizer": "momentum-ema", **ONE_PERCENT},
    full=HALF_PERCENT,
)
# Modes of the velocity until the time changes by less than one percent; weak friction needs many.
FRICTIONS = [
    {"gamma": g, "modes": n} for g, n in ((4.0, 28), (1.0, 40), (0.3, 60), (0.1, 120), (0.03, 250), (0.01, 400))
]
TURNOVER = Study("turnover-mode", kramers.turnovers, {"points": FRICTIONS, "temperature": 0.048, "height": 1.2})
# One temperature; friction times inertia is 1 for EMA momentum and 1 - beta for PyTorch's.
SAME = {"ratio": 1.0, "s": 0.5, "eta": 0.004}
EVEN_EMA = Study(
    "even-ema-chain",
    inertia.minibatch_escapes,
    {
        "points": [SAME | {"B": 0.004 * B, "beta": beta} for B, beta in ((36.0, 0.9), (37.5, 0.95))],
        "optimizer": "momentum-ema",
    },
)
EVEN_TORCH = Study(
    "even-torch-chain",
    inertia.minibatch_escapes,
    {"points": [{"ratio": 1.0, "s": 0.5, "eta": 0.002, "B": 0.72, "beta": 0.9}], "optimizer": "momentum-torch"},
)
MOMENTA = [{"eta": eta, "beta": 0.9} for eta in (0.03, 0.06)]
SLOWING = Study(
    "momentum-slowing",
    inertia.slowing,
    {"points": [{"ratio": r, "eta": 0.01, "beta": beta, "D": 1 / 12} for r, beta in ((1.0, 0.9), (2.0, 0.95))]},
)
COUNTED_MOMENTUM = Study(
    "counted-momentum",
    particles.slowing,
    {"points": MOMENTA, "D": 0.25, "events": 20_000},
    full={"events": 200_000},
)

# Single large jumps.
LARGE = [{"alpha": alpha, "eps": 0.01, "a": 0.8, "b": 2.0} for alpha in (0.7, 1.0, 1.5)]
JUMPS = [{"alpha": alpha, "eps": eps, "eta": 0.2, "a": 0.8, "b": 2.0} for alpha, eps in ((1.3, 0.02), (1.6, 0.03))]
STABLE = Study("stable-exit", jumps.jumps, {"points": LARGE, "steepness": [1.0, 4.0]})
COUNTED_JUMPS = Study(
    "counted-jumps",
    particles.jumps,
    {"points": JUMPS, "steepness": [1.0, 4.0], "steps": 1500},
    full={"steps": 20_000},
)

CHECKS: tuple[BaseCheck, ...] = (
    Check("langevin.mean-first-passage", "numerics", QUADRATURE, "time", 1e-6),
    Check("langevin.mean-first-passage", "simulation", COUNTED, "time", 0.02),
    Check("langevin.eyring-kramers", "numerics", WHITE, "time", 0.05),
    OrderCheck("langevin.eyring-kramers", "numerics", WHITE_ORDER, "time", 0.1),
    Check("langevin.eyring-kramers", "simulation", WHITE_FLUX, "time", 0.05),
    Check("sgd.escape-finite-step", "numerics", CHAIN, "ratio", 0.005),
    *(
        OrderCheck("sgd.escape-finite-step", "numerics", CHAIN, "ratio", 0.05, where=lambda p, D=D: p["D"] == D)
        for D in FIELDS
    ),
    Check("sgd.escape-finite-step", "simulation", COUNTED_STEPS, "ratio", 0.01),
    Check("sgd.boundary-shift", "numerics", WALK, "shift", 1e-3),
    Check("sgd.boundary-shift", "simulation", WALKED, "shift", 0.02),
    Check("sgd.escape", "numerics", MINIBATCH, "time", 0.05),
    Check("sgd.escape", "simulation", MINIBATCH_FLUX, "time", 0.05),
    # The published prefactor is off by H_b/H_a, inside its own regime; sgd.escape holds on the same measurements.
    *(
        Check("sgd.escape-attributed", "numerics", MINIBATCH, "time", 0.05, where, Verdict.REFUTED)
        for where in (lambda p: p["Ha"] > 1.2 * p["Hb"], lambda p: p["Hb"] > 1.2 * p["Ha"])
    ),
    Check("sgd.escape-attributed", "simulation", MINIBATCH_FLUX, "time", 0.05, expected=Verdict.REFUTED),
    Check("sgd.quasi-potential", "numerics", ANY_LAW, "exponent", 0.005),
    Check("sgd.quasi-potential", "simulation", COUNTED_LAWS, "exponent", 0.025),
    Check("sgd.escape-skewed", "numerics", SKEWED_CHAIN, "change", 0.03),
    Check("sgd.escape-skewed", "simulation", COUNTED_CHANGES, "change", 0.05),
    Check("sgd.noise-cannot-vanish", "numerics", VANISHING, "growth", 1e-3),
    Check("sgd.noise-zero-stepped-over", "numerics", ZERO, "power", 0.05),
    Check("sgd.entropic-riccati", "numerics", VALLEY, "factor", 0.04),
    Check("sgd.entropic-riccati", "simulation", VALLEY_FLUX, "factor", 0.04),
    Check("sgd.entropic-factor", "numerics", VALLEY, "over", 0.03, stiff),
    # Where the direction across gives way, sgd.entropic-riccati holds on the same measurement.
    Check("sgd.entropic-factor", "numerics", VALLEY, "over", 0.03, soft, Verdict.REFUTED),
    Check("sgd.entropic-factor", "simulation", VALLEY_FLUX, "over", 0.04),
    Check("sgd.power-law", "numerics", LOSS_NOISE, "time", 0.05),
    Check("sgd.power-law", "simulation", LOSS_FLUX, "time", 0.05),
    Check("adam.escape", "numerics", ADAM, "time", 0.05),
    Check("adam.escape", "simulation", ADAM_FLUX, "time", 0.05),
    # Between the regimes the second moment is neither that of the place nor that of the minimum.
    Check("adam.escape", "numerics", MAP, "time", 0.05, expected=Verdict.REFUTED),
    Check("adam.escape-frozen", "numerics", FROZEN, "time", 0.05),
    Check("adam.escape-frozen", "simulation", FROZEN_FLUX, "time", 0.05),
    # The published prefactor is off by the root of B/H_b; adam.escape holds on the same measurements.
    Check("adam.escape-attributed", "numerics", ADAM, "time", 0.05, expected=Verdict.REFUTED),
    Check("adam.escape-attributed", "simulation", ADAM_FLUX, "time", 0.05, expected=Verdict.REFUTED),
    Check("adam.batch-crossover", "numerics", PARABOLA, "exponent", 1e-9),
    Check("momentum.escape", "numerics", INERTIA, "time", 0.05),
    Check("momentum.escape", "simulation", INERTIA_FLUX, "time", 0.05),
    # Weak friction: Kramers and Langer miss that the well is refilled too slowly; momentum.turnover does not.
    Check("momentum.escape", "numerics", TURNOVER, "time", 0.05, lambda p: p["gamma"] <= 0.1, Verdict.REFUTED),
    Check("momentum.turnover", "numerics", TURNOVER, "time", 0.05),
    Check("momentum.escape-attributed", "numerics", EVEN_EMA, "time", 0.05),
    # Without the factor friction times inertia the published prefactor holds for EMA momentum alone.
    Check("momentum.escape-attributed", "numerics", EVEN_TORCH, "time", 0.05, expected=Verdict.REFUTED),
    Check("momentum.only-rescales", "numerics", SLOWING, "ratio", 0.05, expected=Verdict.REFUTED),
    # Inertia slows EMA momentum by half and more here.
    Check("momentum.only-rescales", "simulation", COUNTED_MOMENTUM, "ratio", 0.1, expected=Verdict.REFUTED),
    Check("adai.escape", "simulation", ADAI_FLUX, "time", 0.05),
    Check("adai.escape-inertial", "numerics", PLACED, "ratio", 0.04),
    Check("adai.escape-inertial", "simulation", PLACED_FLUX, "ratio", 0.05),
    Check("levy.exit", "numerics", STABLE, "time", 0.01),
    # Steps and noise of this size change the time by about a hundredth; the height of the well by nothing.
    Check("levy.exit", "simulation", COUNTED_JUMPS, "time", 0.05),
)
