"""What a simulation runs: a landscape, gradient noise and an optimizer, all symbolic, the one source of every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import sympy as sp
import torch

from inertialab.experiments.laws import Law, find_law, normal, second
from inertialab.optim import OPTIMIZERS
from inertialab.theory.dynamics import MAPS, UpdateMap
from inertialab.theory.landscapes import Landscape
from inertialab.theory.symbols import g, k, theta


@dataclass(frozen=True)
class Noise:
    """Gradient noise of one step, independent from step to step.

    Attributes:
        variances: C of each coordinate at the position before the step (Ito), units (L/θ)², in the landscape's
            coordinates. The noise is √C times a number of the law, so that under a stable law √C is its scale σ: the
            characteristic function is exp(-|√C q|^α), and as α tends to 2 the noise tends to a Gaussian of variance 2C.
        law: As for `find_law`: gaussian, two-point, student-4, or stable-1.5 and the like.
        root: A with noise Aξ where coordinates are correlated, rows of expressions; ξ has independent coordinates of
            the law, and the variances are the diagonal of AAᵀ. Empty: A is diagonal.
    """

    variances: tuple[sp.Expr, ...]
    law: str = "gaussian"
    root: tuple[tuple[sp.Expr, ...], ...] = ()

    @classmethod
    def constant(cls, landscape: Landscape, variance: float, law: str = "gaussian") -> Noise:
        """The same everywhere."""
        return cls((sp.Float(variance),) * len(landscape.coordinates), law)

    @classmethod
    def covariance(cls, matrix: Sequence[Sequence[sp.Expr | float]], law: str = "gaussian") -> Noise:
        """Any covariance, also one that depends on the position.

        Args:
            matrix: C, symmetric and positive definite wherever particles come, shape (d, d).
            law: As for `find_law`, one with a variance; of the independent numbers that A = the lower Cholesky factor
                of C mixes.

        Raises:
            ValueError: If it is not symmetric, numbers that are not positive definite, or the law has no variance.
        """
        find_law(law).needed("A covariance")
        C = sp.Matrix(matrix)
        if not C.is_square or not C.is_symmetric():
            raise ValueError(f"A covariance must be a symmetric matrix, got {C.tolist()}.")
        if not C.free_symbols and not C.is_positive_definite:
            raise ValueError(f"A covariance must be positive definite, got {C.tolist()}.")
        A = C.cholesky(hermitian=False)
        return cls(tuple(C.diagonal()), law, tuple(tuple(A.row(i)) for i in range(A.rows)))

    @classmethod
    def hessian_proportional(
        cls, landscape: Landscape, batch: float, floor: float = 0.01, law: str = "gaussian"
    ) -> Noise:
        """C = max(|H_ii|, floor)/B: proportional to the curvature, but never gone where it changes sign."""
        curvatures = (landscape.curvatures[i][i] for i in range(len(landscape.coordinates)))
        return cls(tuple(sp.Max(sp.Abs(c), sp.Float(floor)) / sp.Float(batch) for c in curvatures), law)

    @classmethod
    def loss_proportional(cls, landscape: Landscape, factor: float, law: str = "gaussian") -> Noise:
        """C = factor · L, as for a squared loss that can be fitted; the loss must not be negative."""
        return cls((sp.Float(factor) * sp.Max(landscape.loss, 0),) * len(landscape.coordinates), law)

    @property
    def matrix(self) -> sp.Matrix:
        """C = AAᵀ, shape (d, d), units (L/θ)²."""
        root = sp.Matrix(self.root)
        return root * root.T if self.root else sp.diag(*self.variances)


@dataclass(frozen=True)
class System:
    """Particles of one landscape, each under its own noise and its own optimizer.

    Attributes:
        landscape: With numbers for all its symbols.
        noise: Of one gradient.
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: `eta` and the optimizer's other settings, by their names in the notation.

    Raises:
        ValueError: If there is no such optimizer or law, a setting is missing, unknown or out of range, or the
            landscape has symbols without numbers.
    """

    landscape: Landscape
    noise: Noise
    optimizer: str = "sgd"
    settings: Mapping[str, float] = field(default_factory=lambda: {"eta": 0.1})

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"There is no optimizer {self.optimizer!r}; rows are: {', '.join(OPTIMIZERS)}.")
        find_law(self.noise.law)
        if self.landscape.defaults:
            names = ", ".join(map(str, self.landscape.defaults))
            raise ValueError(f"{self.landscape.name}: call at(...) to give numbers to {names}.")
        wanted = {"eta", *OPTIMIZERS[self.optimizer].settings}
        if set(self.settings) != wanted:
            given = ", ".join(self.settings) or "nothing"
            raise ValueError(f"{self.optimizer} takes {', '.join(sorted(wanted))}; got {given}.")
        OPTIMIZERS[self.optimizer].make([torch.zeros(1)], **self.settings)  # refuses what is out of range

    @property
    def map(self) -> UpdateMap:
        """The symbolic update map."""
        return MAPS[self.optimizer]

    @property
    def law(self) -> Law:
        """The law of the noise."""
        return find_law(self.noise.law)

    @property
    def normals(self) -> int:
        """Normal numbers that a particle takes at each step: one for each coordinate, or then second ones."""
        return self.law.draws * len(self.landscape.coordinates)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of what every coordinate of a particle carries, the position first; the step count is shared."""
        return tuple(str(s) for s in self.map.state if s != k)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """L' of a one-dimensional landscape, shape of x."""
        return self.landscape.gradient([x])[0]

    def variance(self, x: np.ndarray) -> np.ndarray:
        """C along a one-dimensional landscape, shape of x."""
        (expression,) = self.noise.variances
        value = sp.lambdify(self.landscape.coordinates, expression, "numpy")(x)
        return np.broadcast_to(np.asarray(value, dtype=float), np.shape(x))

    def gradient(self, i: int) -> sp.Expr:
        """The noisy gradient of a coordinate, in the coordinates and their normal numbers z_0, z_1, ...

        A law that takes two numbers finds the second ones after all first ones.
        """
        row = dict(enumerate(self.noise.root[i])) if self.noise.root else {i: sp.sqrt(self.noise.variances[i])}
        d, number = len(self.landscape.coordinates), self.law.number
        drawn = (
            size * number.subs({normal: indexed(normal, j), second: indexed(normal, d + j)})
            for j, size in row.items()
            if size != 0
        )
        return sum(drawn, self.landscape.gradients[i])

    def update(self, i: int) -> list[tuple[sp.Symbol, sp.Expr]]:
        """The optimizer's assignments for a coordinate: settings are numbers, states and locals carry the index."""
        numbers = {s: sp.Float(v, 17) for s, v in self._settings().items()}
        own: dict[sp.Symbol, sp.Symbol] = {theta: self.landscape.coordinates[i], g: indexed(g, i)}
        mean = self.map.mean[1] if self.map.mean else None
        named = {s for s, _ in self.map.assignments} | set(self.map.state)
        own |= {s: indexed(s, i) for s in named if s not in (theta, k, mean)}
        lines = []
        for symbol, expression in self.map.assignments:
            if symbol != k:
                lines.append((own[symbol], expression.subs(numbers).subs(own, simultaneous=True)))
        return lines

    def _settings(self) -> dict[sp.Symbol, float]:
        symbols = {str(s): s for _, e in self.map.assignments for s in e.free_symbols}
        return {symbols[name]: value for name, value in self.settings.items() if name in symbols}


def indexed(symbol: sp.Symbol, i: int) -> sp.Symbol:
    """The symbol of coordinate i."""
    return sp.Symbol(f"{symbol}_{i}", real=True)
