"""Statements of a system's step as Python source, for torch tensors and for compiled loops alike.

Both are printed by one printer from one list of statements; only the functions that the names stand for differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy as sp
import torch
from sympy.core.function import Application
from sympy.printing.pycode import PythonCodePrinter
from torch import Tensor

from inertialab.experiments.laws import normal
from inertialab.experiments.system import System, indexed
from inertialab.theory.symbols import g, k

Statement = tuple[sp.Symbol, sp.Expr]
FUNCTIONS = ("erf", "erfc", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log")
"""Functions that expressions may contain beside arithmetic, powers, roots and `SHAPES`."""
SHAPES = ("Abs", "sign", "Heaviside", "Min", "Max", "Piecewise")


class Source(PythonCodePrinter):
    """Prints expressions with plain function names; numbers as `F(...)`, so that they take the wanted precision."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False})

    def _print(self, expr: Any, **settings: Any) -> str:
        if isinstance(expr, sp.Expr) and expr.is_number:
            return f"F({float(expr)!r})"
        # SymPy's printer knows more functions, under names that mean nothing here.
        if isinstance(expr, Application) and type(expr).__name__ not in (*FUNCTIONS, *SHAPES):
            allowed = ", ".join((*FUNCTIONS, *SHAPES))
            raise ValueError(f"A simulated expression may contain {allowed}; got {type(expr).__name__} in {expr}.")
        return str(super()._print(expr, **settings))

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base, exponent = expr.base, expr.exp
        if exponent == sp.Rational(1, 2):
            return f"sqrt({self._print(base)})"
        if exponent.is_Integer and abs(int(exponent)) <= 8:
            product = "*".join([f"({self._print(base)})"] * abs(int(exponent)))
            return f"({product})" if exponent > 0 else f"(F(1.0)/({product}))"
        if exponent == -sp.Rational(1, 2):
            return f"(F(1.0)/sqrt({self._print(base)}))"
        return f"power({self._print(base)}, {self._print(exponent)})"

    def _print_Max(self, expr: sp.Max) -> str:
        return self._folded("larger", expr.args)

    def _print_Min(self, expr: sp.Min) -> str:
        return self._folded("smaller", expr.args)

    def _folded(self, name: str, args: Iterable[sp.Basic]) -> str:
        first, *others = sorted(args, key=lambda a: bool(a.is_number))
        text = self._print(first)
        for other in others:
            text = f"{name}({text}, {self._print(other)})"
        return text

    def _print_Abs(self, expr: sp.Abs) -> str:
        return f"absolute({self._print(expr.args[0])})"

    def _print_sign(self, e: sp.Expr) -> str:
        (x,) = e.args
        return self._print(sp.Piecewise((1, x > 0), (-1, x < 0), (0, True)))

    def _print_Heaviside(self, expr: sp.Heaviside) -> str:
        return self._print(sp.Piecewise((1, expr.args[0] > 0), (0, True)))

    def _print_Piecewise(self, expr: sp.Piecewise) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        *some, last = expr.args
        text = self._print(last[0])
        for value, condition in reversed(some):
            text = f"where({self._print(condition)}, {self._print(value)}, {text})"
        return text

    def _print_Function(self, expr: sp.Function) -> str:
        return f"{type(expr).__name__}({', '.join(self._print(a) for a in expr.args)})"


for _name in FUNCTIONS:
    setattr(Source, f"_print_{_name}", Source._print_Function)


def source(expr: sp.Expr) -> str:
    """An expression as source text."""
    return str(Source().doprint(expr))


def gradients(system: System) -> list[Statement]:
    """Noisy gradients of all coordinates; `z_i` is the normal number of coordinate i; second ones follow."""
    count = len(system.landscape.coordinates)
    return [(indexed(g, i), system.gradient(i)) for i in range(count)]


def phases(system: System) -> tuple[list[Statement], list[Statement]]:
    """Assignments of all coordinates before and after the mean over coordinates; the second is empty without one."""
    before, after = [], []
    for i in range(len(system.landscape.coordinates)):
        lines = system.update(i)
        cut = len(lines)
        if system.map.mean:
            cut = 1 + [s for s, _ in lines].index(indexed(system.map.mean[0], i))
        before += lines[:cut]
        after += lines[cut:]
    return before, after


def mean_statement(system: System) -> list[Statement]:
    """The mean over coordinates, where the optimizer takes one."""
    if system.map.mean is None:
        return []
    inner, mean = system.map.mean
    count = len(system.landscape.coordinates)
    return [(mean, sum((indexed(inner, i) for i in range(count)), sp.S.Zero) / count)]


def _tensor(function: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    return lambda x: function(x if isinstance(x, Tensor) else torch.as_tensor(x, dtype=torch.float64))


def _choice(like: Tensor) -> Callable[[Any, Any, Any], Any]:
    """What `where` means for particles of this precision: of two numbers alone PyTorch makes single precision."""

    def where(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, bool):
            return a if condition else b
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            a = torch.full_like(like, a)
        return torch.where(condition, a, b)

    return where


TORCH: dict[str, Any] = {
    "F": float,
    "sqrt": _tensor(torch.sqrt),
    "absolute": _tensor(torch.abs),
    **{name: _tensor(getattr(torch, name)) for name in FUNCTIONS},
    "power": lambda a, b: a**b,
    "larger": lambda a, b: max(a, b) if not isinstance(a, Tensor) else torch.clamp(a, min=b),
    "smaller": lambda a, b: min(a, b) if not isinstance(a, Tensor) else torch.clamp(a, max=b),
    "choice": _choice,
}
"""What the printed names mean for tensors."""


def _new_values(system: System) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], list[Tensor]]:
    """The step from the rows of a state to new rows; no tensor that is given is written."""
    before, after = phases(system)
    names, numbers = rows(system), [str(indexed(normal, i)) for i in range(system.normals)]
    lines = ["def step(values, normals, k):", "    where = choice(normals[0])"]
    lines += [f"    [{', '.join(names)}] = values", f"    [{', '.join(numbers)}] = normals"]
    for symbol, expression in [*gradients(system), *before, *mean_statement(system), *after]:
        lines.append(f"    {symbol} = {source(expression)}")
    lines += [f"    return [{', '.join(names)}]"]
    scope = dict(TORCH)
    exec("\n".join(lines), scope)
    return scope["step"]


def torch_step(system: System) -> Callable[[Tensor, Tensor, float], None]:
    """The step of all particles as torch operations, on any device; the reference of the compiled kernel.

    Args:
        system: What is simulated.

    Returns:
        A function `step(state, normals, k)` that changes `state` in place: shape (states·d, n), in the order of
        `rows`; `normals` has shape (system.normals, n), and k is the number of the step, from 1.
    """
    new_values = _new_values(system)

    def step(state: Tensor, normals: Tensor, k: float) -> None:
        # Rows may be views of rows that others of them replace, so all are put together before any is written.
        state.copy_(torch.stack(new_values(state.unbind(), normals.unbind(), k)))

    return step


_SEVERAL = """
def several(state, k):
    values = state.unbind()
    for i in range(steps):
        values = step(values, [torch.randn_like(state[0]) for _ in range(normals)], k + i)
    state.copy_(torch.stack(values))
"""


def torch_steps(
    system: System, steps: int, *, compiled: bool = True, **settings: Any
) -> Callable[[Tensor, float, int], None]:
    """Several steps as one function that draws its own normal numbers, compiled by `torch.compile`.

    Compiled, the steps are one graph: the state is read and written once, and numbers are made where they are used, at
    the resolution of float32, so that none is stored. On a CPU the loops of `Particles` are faster.

    Args:
        system: What is simulated.
        steps: Number of steps of a call; the graph grows with it.
        compiled: Whether to compile, which needs a C++ compiler, and Triton on CUDA; else the steps are made one
            operation at a time.
        settings: Of `torch.compile`, as mode="max-autotune". With options={"fallback_random": True} the numbers are
            those that are drawn without compilation.

    Returns:
        A function `run(state, k, seed)` that changes `state`, on a CPU or a CUDA device, as `torch_step` does; k is the
        number of its first step, from 1. Calls with different seeds draw independent numbers, and afterwards the
        device's own generator is where it was.

    Raises:
        ValueError: If there is no step to make, or, from the function, if the state lies on another kind of device.
    """
    if steps < 1:
        raise ValueError(f"A call must make at least one step, got {steps}.")
    scope = {"step": _new_values(system), "steps": steps, "normals": system.normals, "torch": torch}
    # A code object of its own for every system: PyTorch compiles one code object a few times and then no more.
    exec(_SEVERAL, scope)
    several: Any = scope["several"]
    if compiled:
        several = torch.compile(several, fullgraph=True, dynamic=False, **settings)

    def run(state: Tensor, k: float, seed: int) -> None:
        generator = _own_generator(state.device)
        before = generator.get_state()
        generator.manual_seed(seed)
        try:
            # A tensor, since a number would be a constant of the graph, which the next would compile anew.
            several(state, torch.full((), k, dtype=torch.float64, device=state.device))
        finally:
            generator.set_state(before)

    return run


def _own_generator(device: torch.device) -> torch.Generator:
    """The generator that a device draws from when none is given: compiled functions can be given none."""
    if device.type == "cuda":
        return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    if device.type != "cpu":
        raise ValueError(f"The state must lie on a CPU or a CUDA device, got {device}.")
    return torch.default_generator


def rows(system: System) -> list[str]:
    """Names of the rows of a state: every state of coordinate 0, of coordinate 1, ..., grouped by state."""
    names = []
    for state in system.states:
        for i, coordinate in enumerate(system.landscape.coordinates):
            names.append(str(coordinate) if state == "theta" else str(indexed(sp.Symbol(state), i)))
    return names


def depends_on_step_alone(expr: sp.Expr) -> bool:
    """Whether an expression is the same for all particles at a step."""
    return expr.free_symbols == {k}
