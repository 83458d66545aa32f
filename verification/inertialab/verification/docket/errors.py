"""The errors themselves: measurements repeated under many seeds, whose scatter must be what they claim.

One row for each way in which an error is made: particles, entries of a matrix, regressions, counted events, quotients
of two means over the same particles, chains of training, replicates of forward flux that end when they are precise,
the place of a minimum over drawn labels.
"""

from inertialab.verification.court.errors import ErrorCheck
from inertialab.verification.studies.particles import (
    entering,
    escape,
    flux,
    labels,
    large_batches,
    orderings,
    relations,
    saddle,
    spheres,
    stationary,
)
from inertialab.verification.studies.regularisation import labels as regularised
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import fluctuations, saddles

POINTS = [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in (0.2, 0.6, 1.0, 1.5)]
MATRIX = {"eta": 1.0, "H": [[0.9, 0.3], [0.3, 1.1]], "C": [[1.0, -0.4], [-0.4, 0.6]]}
WELL = {"potential": [1.0, 0.0, -2.0, 0.0, 1.0], "x0": -1.0, "boundaries": [0.9, -2.5]}
FEW = {"particles": 2000, "seeds": 150}

EQUILIBRIUM = Study(
    "sgd-minimum-repeated",
    stationary.equilibrium_scatter,
    {"optimizer": "sgd", "points": POINTS, **FEW, "particles": 300},
)
MATRICES = Study(
    "sgd-matrix-repeated", stationary.matrix_scatter, {"problems": [MATRIX], "particles": 300, "seeds": 400}
)
SPREAD = Study(
    "sgd-spread-repeated", saddle.spread_scatter, {"optimizer": "sgd", "points": POINTS, "times": [1, 3, 10], **FEW}
)
GROWN = Study(
    "ema-grown-repeated",
    entering.growth_scatter,
    {"points": [{"eta": 0.5, "h": -3.0, "beta": beta} for beta in (0.0, 0.5)], "particles": 300, "seeds": 200},
)
COUNTED = Study(
    "counted-passage-repeated",
    escape.passage_scatter,
    {"points": [{"eta": 0.02, "D": [0.4], **WELL}], "events": 300, "particles": 1000, "seeds": 300},
)
# The error that is wanted is reached at one look or another, so that stopping is on trial too.
REPLICATES = Study(
    "white-flux-repeated",
    flux.white_scatter,
    {
        "points": [{"ratio": 1.0, "D": 0.3, "eta": 0.02}],
        "optimizer": "sgd",
        "particles": 2048,
        "replicates": 128,
        "wanted": 0.0135,
        "seeds": 140,
    },
)
QUOTIENTS = Study(
    "relations-repeated",
    relations.relations_scatter,
    {
        "optimizer": "sgd",
        "points": [{"eta": 0.3, "h": 1.0, "C": 1.0, "L4": 0.5, "law": law} for law in ("gaussian", "exponential")],
        **FEW,
        "particles": 500,
        "seeds": 200,
    },
)
CHAINS = Study(
    "banknote-repeated",
    fluctuations.fluctuation_scatter,
    {
        "data": "banknote",
        "model": "softmax-regression",
        "l2": 0.01,
        "optimizer": "sgd",
        "settings": {},
        "steepness": [0.1],
        "directions": 3,
        "batch": 16,
        "chains": 20,
        "relaxations": 4.0,
        "seeds": 150,
    },
    data="banknote",
)
UNITS = Study(
    "units-repeated",
    spheres.units_scatter,
    {
        "points": [
            {"eta": 0.3, "decay": 1.0, "inputs": 5, "batch": 2, "steep": 1.0},
            {"eta": 0.1, "decay": 3.0, "inputs": 3, "batch": 4, "steep": 0.5},
        ],
        "particles": 20,
        "seeds": 400,
    },
)
LABELLED = Study(
    "label-drift-repeated",
    labels.drifts_scatter,
    {
        "points": [
            {"eta": 0.1, "sigma": 0.3, "B": 2, "u": 3.0, "v": 1.0},
            {"eta": 0.1, "sigma": 0.2, "B": 1, "u": 1.0, "v": 3.5},
            {"eta": 0.05, "sigma": 0.5, "B": 3, "u": 3.0, "v": 2.0},
        ],
        "particles": 100,
        "seeds": 150,
    },
)
ORDERINGS = Study(
    "drawn-orderings-repeated",
    orderings.orderings_scatter,
    {
        "points": [
            {"eta": 0.01, "case": 1, "n_batches": 8},
            {"eta": 0.02, "case": 2, "n_batches": 20},
            {"eta": 0.01, "case": 3, "n_batches": 30},
        ],
        "particles": 100,
        "seeds": 150,
    },
)
BATCHES = Study(
    "large-batches-repeated",
    large_batches.travels_scatter,
    {
        "points": [
            {"eta": 0.01, "beta": 0.8, "beta2": 0.7, "k_batch": 2, "L1": 1.0, "g_std": 5.0},
            {"eta": 0.01, "beta": 0.7, "beta2": 0.8, "k_batch": 3, "L1": 1.0, "g_std": 3.0},
        ],
        "particles": 100,
        "seeds": 200,
    },
)

SADDLES = Study(
    "digits-saddle-repeated",
    saddles.spread_scatter,
    {
        "saddle": "digits-2",
        "directions": 2,
        "points": [{"optimizer": "sgd", "steepness": 0.15, "B": 16, "growths": [0.02, 0.06]}],
        "chains": 60,
        "seeds": 200,
    },
    data="digits",
)

LOGITS = Study(
    "har-logits-repeated",
    regularised.exponents_scatter,
    {
        "points": [
            {"n": 2e4, "amplitude": 0.5, "low": 0.0, "high": 2.0, "penalised": which} for which in ("output", "loss")
        ],
        "logits": 3,
        "draws": 20,
        "nodes": 40,
        "seeds": 250,
    },
)

CHECKS = (
    ErrorCheck(EQUILIBRIUM, stationary.equilibrium),
    ErrorCheck(MATRICES, stationary.equilibrium_matrix),
    ErrorCheck(SPREAD, saddle.spread),
    ErrorCheck(GROWN, entering.growths),
    ErrorCheck(COUNTED, escape.passages),
    ErrorCheck(REPLICATES, flux.white_escapes, margin=0.35),
    ErrorCheck(QUOTIENTS, relations.relations),
    ErrorCheck(CHAINS, fluctuations.fluctuations),
    ErrorCheck(SADDLES, saddles.spreads),
    ErrorCheck(UNITS, spheres.units),
    ErrorCheck(LABELLED, labels.drifts),
    ErrorCheck(ORDERINGS, orderings.drawn_orderings),
    ErrorCheck(BATCHES, large_batches.travels),
    ErrorCheck(LOGITS, regularised.exponents),
)
