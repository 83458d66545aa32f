"""Region-based active learning: the estimator `ARBAL`, its rule, its bounds, and error against labels."""

from typing import TYPE_CHECKING

from inertialab.theory.names import lazily

if TYPE_CHECKING:
    from inertialab.experiments.arbal.estimator import ARBAL

__all__ = ["ARBAL"]

__getattr__, __dir__ = lazily(__name__, {"inertialab.experiments.arbal.estimator": ("ARBAL",)})
