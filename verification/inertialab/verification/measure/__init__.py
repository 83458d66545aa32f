"""Measurements: curvature, gradient noise, spread. Every number comes with its error; nothing here judges."""

from inertialab.experiments.problem import Problem
from inertialab.verification.measure.curvature import Eigenpairs, Operator, hessian, top_eigenpairs
from inertialab.verification.measure.moments import chain_covariances, mean_product, mean_square
from inertialab.verification.measure.noise import noise_covariance_in

__all__ = [
    "Eigenpairs",
    "Operator",
    "Problem",
    "chain_covariances",
    "hessian",
    "mean_product",
    "mean_square",
    "noise_covariance_in",
    "top_eigenpairs",
]
