"""Measurements: curvature, gradient noise, spread. Every number comes with its error; nothing here judges."""

from inertialab.verification.measure.cumulants import third_cumulants
from inertialab.verification.measure.curvature import ggn, hessian
from inertialab.verification.measure.density import Density, spectral_density
from inertialab.verification.measure.gram import noise_spectrum
from inertialab.verification.measure.lanczos import Eigenpairs, top_eigenpairs
from inertialab.verification.measure.layers import layer_hessians
from inertialab.verification.measure.measurable import NotMeasurableError
from inertialab.verification.measure.moments import chain_covariances, mean_product, mean_square
from inertialab.verification.measure.noise import (
    epoch_covariance,
    fisher,
    noise_covariance,
    noise_covariance_in,
    noise_trace,
    sampling_factor,
)
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.ratio import (
    NoiseRatio,
    noise_ratio,
    project_curvature,
    subspace_overlap,
)
from inertialab.verification.measure.samples import project_gradients
from inertialab.verification.measure.sharpness import Sharpness, SharpnessRecord
from inertialab.verification.measure.trace import DiagonalEstimate, TraceEstimate, diagonal, trace
from inertialab.verification.measure.trajectory import (
    Recorder,
    Trajectory,
    autocorrelation_time,
    burn_in,
    stationary_covariance,
)
from inertialab.verification.measure.xtrace import xtrace

__all__ = [
    "Density",
    "DiagonalEstimate",
    "Eigenpairs",
    "NoiseRatio",
    "NotMeasurableError",
    "Operator",
    "Problem",
    "Recorder",
    "Sharpness",
    "SharpnessRecord",
    "TraceEstimate",
    "Trajectory",
    "autocorrelation_time",
    "burn_in",
    "chain_covariances",
    "diagonal",
    "epoch_covariance",
    "fisher",
    "ggn",
    "hessian",
    "layer_hessians",
    "mean_product",
    "mean_square",
    "noise_covariance",
    "noise_covariance_in",
    "noise_ratio",
    "noise_spectrum",
    "noise_trace",
    "project_curvature",
    "project_gradients",
    "sampling_factor",
    "spectral_density",
    "stationary_covariance",
    "subspace_overlap",
    "third_cumulants",
    "top_eigenpairs",
    "trace",
    "xtrace",
]
