"""What the levels of forward flux lie in: the first coordinate, or any expression in the states of the optimizer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from inertialab.experiments.codegen import rows
from inertialab.experiments.system import System

Heights = Callable[[np.ndarray], np.ndarray]


def heights_in(system: System, height: sp.Expr | None) -> Heights:
    """How high states are, as compiled loops evaluate it.

    Args:
        system: What is simulated.
        height: In the coordinates and the other states by the names of their rows, such as x and m_0; the first
            coordinate if it is None.

    Returns:
        A function of states whose second axis holds the rows, shape (n, rows, ...); its values have shape (n, ...).

    Raises:
        ValueError: If it depends on something that is no state.
    """
    if height is None:
        return lambda states: states[:, 0]
    names = rows(system)
    symbols = sorted(height.free_symbols, key=str)
    if unknown := [str(s) for s in symbols if str(s) not in names]:
        raise ValueError(
            f"The height depends on {', '.join(unknown)}, no state of {system.optimizer}; it has {', '.join(names)}."
        )
    function = sp.lambdify(symbols, height, "numpy")

    def heights(states: np.ndarray) -> np.ndarray:
        # Branches of a Piecewise are all evaluated, also far behind a boundary, where they are beyond all numbers.
        with np.errstate(all="ignore"):
            values = function(*(states[:, names.index(str(s))] for s in symbols))
        return np.broadcast_to(values, (len(states), *states.shape[2:]))

    return heights
