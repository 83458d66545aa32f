"""Symbolic landscapes: the loss near a point, from which gradients and Hessians follow by differentiation."""

import sympy as sp

from inertialab.theory.notation import h, theta

QUADRATIC: sp.Expr = h * theta**2 / 2
"""Loss around a critical point at the origin, along one eigen-direction: a minimum for h > 0, a saddle for h < 0."""


def gradient(loss: sp.Expr) -> sp.Expr:
    """Derivative of a one-dimensional loss by the parameter.

    >>> gradient(QUADRATIC)
    h*theta
    """
    return sp.diff(loss, theta)
