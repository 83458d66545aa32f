"""Optimizers run from symbolic update maps, right or changed: what an implementation with a slip would do."""

from dataclasses import replace
from functools import reduce

import sympy as sp
import torch

from inertialab.theory.dynamics import MAPS, UpdateMap
from inertialab.theory.notation import b as torch_buffer
from inertialab.theory.notation import g, k, theta
from inertialab.theory.notation import m as average


def _most(*values):
    return reduce(torch.maximum, map(_tensor, values))


def _least(*values):
    return reduce(torch.minimum, map(_tensor, values))


def _tensor(value):
    return torch.as_tensor(value, dtype=torch.float64)


FUNCTIONS = {"sqrt": lambda x: _tensor(x).sqrt(), "Max": _most, "Min": _least}


class Mapped(torch.optim.Optimizer):
    """The rule of a map, step by step; states are zeros at the start and the buffer is called as PyTorch calls it."""

    def __init__(self, update, params, **settings):
        super().__init__(params, settings)
        self.lines = []
        for symbol, expression in update.assignments:
            used = sorted(expression.free_symbols, key=str)
            self.lines.append((symbol, used, sp.lambdify(used, expression, [FUNCTIONS, "math"])))
        self.update = update

    def __getstate__(self):
        return self.__dict__  # a copy keeps its rule

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                self._move(p, self.state[p], {key: x for key, x in group.items() if key != "params"})

    def _move(self, p, state, settings):
        values = {str(s): state.get(_called(s), torch.zeros_like(p)) for s in self.update.state}
        values |= settings | {"theta": p.clone(), "g": p.grad, "k": state.get("k", 0)}
        for symbol, used, function in self.lines:
            values[str(symbol)] = function(*(values[str(s)] for s in used))
            if self.update.mean and symbol == self.update.mean[0]:
                values[str(self.update.mean[1])] = values[str(symbol)].mean()
        for symbol in self.update.state:
            if symbol == theta:
                p.copy_(values["theta"])
            else:
                state[_called(symbol)] = values[str(symbol)]


def _called(symbol):
    return "momentum_buffer" if symbol in (average, torch_buffer) else str(symbol)


def changed(name, symbol, change):
    """A map with one line changed."""
    right = MAPS[name]
    lines = tuple((s, change(e) if s == symbol else e) for s, e in right.assignments)
    return UpdateMap(right.name, right.state, lines, right.mean)


def row(original, update):
    """A row of the table of optimizers that runs a map."""
    return replace(original, make=lambda params, **settings: Mapped(update, params, **settings))


__all__ = ["Mapped", "changed", "g", "k", "row"]
