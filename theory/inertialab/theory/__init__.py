"""Statements about the dynamics of optimizers, derived by SymPy and evaluated as numbers.

>>> import inertialab.theory
>>> round(inertialab.theory.claim("sgd.stationary-variance").predict(eta=0.1, h=1.0, C=0.5), 6)
0.026316
"""

from typing import TYPE_CHECKING

from inertialab.theory.names import lazily

if TYPE_CHECKING:
    from inertialab.theory.claims import CLAIMS, claim
    from inertialab.theory.derivation import NotProvenError, Step, proven
    from inertialab.theory.regime import OutsideRegimeError, Regime
    from inertialab.theory.statement import Claim, Order, Source

__all__ = [
    "CLAIMS",
    "Claim",
    "NotProvenError",
    "Order",
    "OutsideRegimeError",
    "Regime",
    "Source",
    "Step",
    "claim",
    "proven",
]

_HOMES = {
    "inertialab.theory.claims": ("CLAIMS", "claim"),
    "inertialab.theory.derivation": ("NotProvenError", "Step", "proven"),
    "inertialab.theory.regime": ("OutsideRegimeError", "Regime"),
    "inertialab.theory.statement": ("Claim", "Order", "Source"),
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
