"""Asymptotic and attributed claims without a regime map, and why: a map needs two groups and a cheap measurement."""

from __future__ import annotations

ONE_GROUP = {
    "sgd.stationary-variance-ou": "η h",
    "sgd.isotropy": "η h",
    "sgd.stationary-covariance-mandt": "η times the largest curvature",
    "sgd.modified-equation-2": "η h",
    "sgd.boundary-shift": "the width of the thresholds over a step",
    "sgd.noise-zero-stepped-over": "η L₃ / (B L₁)",
    "sharpness.exponent": "the factor by which curvatures grow",
    "radam.mean-factor-bound": "the degrees of freedom",
    "radam.variance-first-order": "the degrees of freedom",
    "har.strength": "the width of the kernel over a wave",
}
"""The group on which a law hangs: its figure, over that group, is its map."""

FLUX = "a cell is a forward flux of its own, half a minute and more"
REAL = "of a data set and its network, whose groups cannot be set one by one"
LABELS = "hangs on the logits of all groups and the width of the kernel, more than two"
ASKED = "a statement on runs over rows of data; its numbers of rows and comparisons are no small groups"
SKEWED = "a bias that is small beside its noise, the smaller the slower the second moment: a grid is not cheap"
ALIKE = "of matrices; along their axes it is the map of"

NONE = {
    "sgd.fluctuation-dissipation-2": "three groups: η h, third and fourth derivative",
    "sgd.fluctuation-dissipation-2-next": "three groups, as `sgd.fluctuation-dissipation-2`",
    "adam.stationary-variance-kurtosis": "four groups; without kurtosis it is the map of `adam.stationary-variance`",
    "adai.stationary-variance-kurtosis": "four groups; without kurtosis it is the map of `adai.stationary-variance`",
    "adamw.resting-place": "of matrices and a place of rest, more than two groups",
    "adamw.stationary-covariance": f"{ALIKE} `adam.stationary-covariance`",
    "adam.saddle-covariance": f"{ALIKE} `adam.saddle-msd`",
    "adai.saddle-covariance": f"{ALIKE} `adai.saddle-msd`",
    "adam.rotation": "an angle and a ratio of curvatures beside the two groups of the map of `adam.saddle-msd`",
    "label-noise.flatness-network": REAL,
    "label-noise.flatness-sampled": REAL,
    "sgd.stationary-covariance-cloud": REAL,
    "sgd.escape-minibatch": REAL,
    "minima.exits-linear": REAL,
    "noise.hessian-proportional": "a statement on a network and its data, without a group that is small",
    "adam.batch-crossover": FLUX,
    "adai.escape": f"{FLUX}; the maps of `sgd.escape` and `adai.escape-inertial` are its two ends",
    "minima.occupation-adam": "a cell counts thousands of escapes from either minimum",
    "adai.momentum-bias": SKEWED,
    "adai.end-gradient": SKEWED,
    "adai.convergence-attributed": SKEWED,
    "cprop.fast-temperature": "three groups: the memory over a relaxation, η h, and c",
    "adashift.critical": "a cell searches a root between sizes of a gradient; the drift that vanishes there has a map",
    "har.exponent-logistic": LABELS,
    "har.loss-jacobian-weight": LABELS,
    "har.loss-jacobian-weight-attributed": LABELS,
    "har.published-weights": LABELS,
    "har.beats-uniform-labels": LABELS,
    "iwal.label-growth": ASKED,
    "iwal.label-growth-azuma": ASKED,
    "arbal.split": ASKED,
    "arbal.beats-iwal": ASKED,
}
"""Claims that hang on more, or whose measurement is not cheap, by the reason."""
