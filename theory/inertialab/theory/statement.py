"""What a claim is: a statement, its derivation, the regime it holds in, and where it comes from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import numpy as np
import sympy as sp

from inertialab.theory.derivation import Step
from inertialab.theory.evaluation import evaluated, tensor_function
from inertialab.theory.notation import quantity
from inertialab.theory.regime import Regime, valid

Kind = Literal["exact", "asymptotic", "attributed", "conjecture"]
Verdict = Literal["confirmed", "refuted"]
Layer = Literal["numerics", "simulation", "real"]
Derivation = Generator[Step, None, sp.Expr]
Change = tuple[dict[str, np.ndarray], Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Source:
    """Where a statement was published.

    Attributes:
        key: Entry of references.bib; empty when the result is first stated here.
        locator: Section, theorem or equation.
        wording_checked: Whether the wording was compared with the publication itself.
    """

    key: str = ""
    locator: str = ""
    wording_checked: bool = False

    def __str__(self) -> str:
        if not self.key:
            return "derived here"
        flag = "" if self.wording_checked else " (wording not checked)"
        return f"{self.key}{', ' if self.locator else ''}{self.locator}{flag}"


DERIVED_HERE = Source()
EVERYWHERE = Regime()


@dataclass(frozen=True)
class Order:
    """How fast a claim becomes exact: claimed/true - 1 ~ coefficient · parameter^exponent as the parameter vanishes."""

    parameter: sp.Expr
    exponent: int
    coefficient: sp.Expr


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement `lhs = rhs` with a machine-checked derivation.

    Attributes:
        id: Permanent name, `topic.name`; never reused.
        lhs: What the claim gives a value to.
        arguments: Symbols `predict` takes, in reading order.
        derive: Generator whose yields are the steps and whose return value is the right-hand side; its
            docstring is the derivation in prose.
        kind: exact, asymptotic, attributed (what a publication says) or conjecture.
        layers: Kinds of evidence the claim calls for beside its derivation; what is named here and not yet on the
            docket shows as "not measured" on the board.
        regime: Where it holds.
        source: Where it was published.
        uses: Ids of the claims it rests on.
        corrected_by: Id of the claim that says what is true instead, for attributed and asymptotic claims.
        instead: What is true instead, in one line; for attributed claims.
        expected: Verdict of its own regime's measurements; the run fails when they say otherwise.
        order: Rate at which an asymptotic claim becomes exact.
        where: Abbreviations of the right-hand side and what they stand for.
        numerics: Float evaluation that stays accurate where the printed formula cancels or degenerates;
            takes the right-hand side's symbols by name. Tests hold it against the formula at 50 digits.
        change: For matrix arguments: maps them to arrays for the symbols of the right-hand side, and
            returns the map back.
        limits: What the claim must become where arguments take extreme values: pairs of those values and of another
            claim's id or a number. A test tries each over the whole regime.
        slips: Slips of the pen that the derivation must notice: pairs of an expression in its source and a wrong one.
            A test makes each and expects the derivation to fail.

    Arguments may also be functions (`notation` marks them); such a claim has `numerics`.
    """

    id: str
    lhs: sp.Symbol
    arguments: tuple[sp.Symbol, ...]
    derive: Callable[[], Derivation]
    kind: Kind
    layers: tuple[Layer, ...]
    regime: Regime = EVERYWHERE
    source: Source = DERIVED_HERE
    uses: tuple[str, ...] = ()
    corrected_by: str = ""
    instead: str = ""
    expected: Verdict = "confirmed"
    order: Order | None = None
    where: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    numerics: Callable[..., np.ndarray] | None = None
    change: Callable[..., Change] | None = None
    limits: tuple[tuple[Mapping[str, float], str | float], ...] = ()
    slips: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        # Lets doctest, inspect and the documentation see the derivation behind the claim.
        for name in ("__doc__", "__module__", "__name__", "__qualname__"):
            object.__setattr__(self, name, getattr(self.derive, name))
        object.__setattr__(self, "__wrapped__", self.derive)

    @cached_property
    def _derived(self) -> tuple[tuple[Step, ...], sp.Expr]:
        steps, derivation = [], self.derive()
        while True:
            try:
                steps.append(next(derivation))
            except StopIteration as end:
                return tuple(steps), end.value

    @property
    def steps(self) -> tuple[Step, ...]:
        """The derivation, every step checked.

        Raises:
            NotProvenError: If a step does not follow.
        """
        return self._derived[0]

    @property
    def rhs(self) -> sp.Expr:
        """The derived right-hand side, abbreviations unexpanded."""
        return self._derived[1]

    @cached_property
    def formula(self) -> sp.Expr:
        """The right-hand side in the claim's own symbols, abbreviations expanded."""
        return self.rhs.subs(self.where)

    @property
    def functional(self) -> bool:
        """Whether `predict` takes functions, such as a potential."""
        return any(quantity(s).function for s in self.arguments)

    @property
    def prose(self) -> str:
        """The derivation in words; its first line is the title."""
        return inspect.cleandoc(self.derive.__doc__ or self.id)

    @property
    def title(self) -> str:
        """First line of the prose."""
        return self.prose.splitlines()[0]

    def predict(self, **values: Any) -> Any:
        """The predicted value of the left-hand side.

        Args:
            **values: One number or array per argument, by name; arrays broadcast.

        Returns:
            A float for scalars, an array in the broadcast shape otherwise.

        Raises:
            ValueError: If an argument is missing, unknown or not allowed.
            OutsideRegimeError: If the claim does not hold for these values.
        """
        arrays, back = self._arrays(values)
        self.regime.require(self.id, arrays)
        return self._evaluated(arrays, back)

    def require(self, **values: Any) -> None:
        """Refuse what `predict` would refuse, without deriving anything.

        Args:
            **values: As for `predict`.

        Raises:
            ValueError: As for `predict`.
            OutsideRegimeError: If the claim does not hold for these values.
        """
        self.regime.require(self.id, self._arrays(values)[0])

    def log_predict(self, **values: Any) -> Any:
        """Natural logarithm of the prediction, finite also where the prediction is beyond the largest float.

        Args:
            **values: As for `predict`.

        Raises:
            ValueError: As for `predict`; also if the right-hand side has no expression to take the logarithm of.
            OutsideRegimeError: If the claim does not hold for these values.
        """
        if self.functional or self.numerics is not None:
            raise ValueError(f"{self.id} is evaluated by its own numerics; take the logarithm of predict instead.")
        arrays, back = self._arrays(values)
        self.regime.require(self.id, arrays)
        return _plain(back(evaluated(sp.expand_log(sp.log(self.formula), force=True), arrays)))

    def evaluate(self, **values: Any) -> Any:
        """Like `predict`, but also outside the regime: for negative controls and maps of failure."""
        return self._evaluated(*self._arrays(values))

    def evaluate_variant(self, variant: sp.Expr, **values: Any) -> Any:
        """Evaluate another expression in the place of `formula`: for tests of statistical power.

        Args:
            variant: Expression in the symbols of `formula`; complex intermediate values are fine.
            **values: As for `predict`.

        Returns:
            The real part of its value, float or array.
        """
        arrays, back = self._arrays(values)
        if self.functional:
            # Functions cannot be put into an expression: only multiples of the formula can be evaluated.
            factor = float(sp.simplify(variant / self.formula))
            return _plain(factor * np.asarray(self._evaluated(arrays, back)))
        return _plain(np.real(back(evaluated(variant, {k: x.astype(complex) for k, x in arrays.items()}))))

    def formula_in(self, torch: ModuleType) -> Callable[..., Any]:
        """The formula as a function of tensors, through which gradients flow.

        Args:
            torch: The module torch itself; this package does not import it.

        Returns:
            Function of float64 tensors that broadcast, by names of the symbols of `formula` (for matrix arguments those
            of an entry). It also answers outside the regime; where roots of the formula coincide use `predict`.

        Raises:
            ValueError: If there is no closed form.
        """
        if self.functional:
            raise ValueError(f"{self.id} takes functions; there is no closed form to differentiate.")
        return tensor_function(self.formula, torch)

    def _evaluated(self, arrays: dict[str, np.ndarray], back: Callable[[np.ndarray], np.ndarray]) -> Any:
        if self.numerics is not None:
            return _plain(back(self.numerics(**arrays)))
        return _plain(back(evaluated(self.formula, arrays)))

    def _arrays(self, values: Mapping[str, Any]) -> Change:
        names = [str(s) for s in self.arguments]
        if set(values) != set(names):
            raise ValueError(f"{self.id} takes {', '.join(names)}; got {', '.join(values) or 'nothing'}.")
        arrays = {str(s): valid(self.id, s, values[str(s)]) for s in self.arguments}
        return self.change(self.id, **arrays) if self.change else (arrays, lambda array: array)


def claim(
    id: str, lhs: sp.Symbol, arguments: tuple[sp.Symbol, ...], **fields: Any
) -> Callable[[Callable[[], Derivation]], Claim]:
    """Turn a derivation into a claim; the keyword arguments are those of `Claim`."""
    return lambda derive: Claim(id, lhs, arguments, derive, **fields)


def claims_in(package: str, *names: str) -> tuple[Claim, ...]:
    """The claims that modules of a package hold, in the order in which they are written.

    Args:
        package: Full name of the package.
        *names: Its modules, in reading order.
    """
    modules = [import_module(f"{package}.{name}") for name in names]
    return tuple(x for m in modules for x in vars(m).values() if isinstance(x, Claim) and x.__module__ == m.__name__)


def _plain(array: np.ndarray) -> Any:
    return float(array) if array.ndim == 0 else np.asarray(array)
