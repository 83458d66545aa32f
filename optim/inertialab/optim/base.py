"""What all own optimizers share: checks of settings, parameters and states, and the loop over parameters."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from inertialab.optim import loading, rounding
from inertialab.optim.settings import Range, check_settings, taken


def listed(params: Any) -> Any:
    """Parameters that may be looked at before they are passed on; sets stay, for torch to refuse."""
    return params if isinstance(params, Tensor | set) else list(params)


def tensors(params: Any) -> list[Tensor]:
    """The tensors among listed parameters, named or not."""
    found = [params] if isinstance(params, Tensor) else [p[1] if isinstance(p, tuple) else p for p in params]
    return [p for p in found if isinstance(p, Tensor)]


Moving = tuple[Tensor, Tensor, dict[str, Any]]
"""A parameter, its gradient and the settings of its group."""


def moving(optimizer: Optimizer) -> list[Moving]:
    """All parameters that have a gradient; nothing has been touched yet when one of them is refused.

    Settings are those of the group, and the optimizer's `generator` if it has one: a state does not carry it.

    Raises:
        RuntimeError: If a gradient is sparse, saying where it comes from.
    """
    groups, generator = optimizer.param_groups, getattr(optimizer, "generator", None)
    if generator is not None:
        groups = [{**group, "generator": generator} for group in groups]
    found = [(p, p.grad, group) for group in groups for p in group["params"] if p.grad is not None]
    grads = [grad for _, grad, _ in found]
    if any([grad.layout is not torch.strided for grad in grads]):  # noqa: C419
        name = type(optimizer).__name__
        raise RuntimeError(f"{name} needs dense gradients; use sparse=False in the embedding that made this one.")
    # A compiled graph sees values, not memory.
    if not torch.compiler.is_compiling() and any(any(map(lazy, grads)) for lazy in _LAZY):
        return [(p, _written_out(grad), group) for p, grad, group in found]
    return found


_LAZY = (Tensor.is_neg, Tensor._is_zerotensor)
"""What a gradient may stand for without it being written in its memory; asked of all gradients in every step."""


def _written_out(grad: Tensor) -> Tensor:
    """A gradient whose memory is what it stands for: no lazy signs, and zeros that have memory."""
    if grad._is_zerotensor():
        return torch.zeros(grad.shape, dtype=grad.dtype, device=grad.device)
    return grad.resolve_neg()


_ONE = torch.ones(())
"""Made once: as a number it would become a tensor for every state in every step."""


def count(steps: list[Tensor]) -> None:
    """Add one to numbers of steps."""
    if not steps:
        return
    if not torch.compiler.is_compiling() and all(x.is_cpu for x in steps):
        torch._foreach_add_(steps, _ONE, alpha=1.0)
    else:
        torch._foreach_add_(steps, 1)


def evaluated(closure: Callable[[], Any] | None) -> Any:
    """The loss that a closure returns, evaluated with gradients enabled; None without a closure."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def state_dtype(param: Tensor) -> torch.dtype:
    """Type of averages: that of the parameter, float32 at least."""
    return torch.promote_types(param.dtype, torch.float32)


def real_rows(param: Tensor, grad: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
    """A row of complex numbers as pairs of real ones, in the same memory but for lazy conjugates; real ones as is."""
    if not param.is_complex():
        return (param, grad, *states)
    return tuple(map(torch.view_as_real, (param, grad.resolve_conj(), *states)))


def check_alike(optimizer: str, param: Tensor, states: Mapping[str, Tensor]) -> None:
    """Refuse states of another shape than the parameter; packed, they would be cut or reach into other states.

    Raises:
        RuntimeError: Naming the state and both shapes.
    """
    wrong = [name for name, x in states.items() if x.shape != param.shape]
    if wrong:
        raise RuntimeError(
            f"{optimizer}: {wrong[0]!r} has shape {tuple(states[wrong[0]].shape)} and its parameter "
            f"{tuple(param.shape)}; cut or extend all of {', '.join(map(repr, states))} together with the parameter, "
            "or clear its state."
        )


class CheckedOptimizer(Optimizer):
    """An optimizer that checks the settings and parameters of every group, and every state, that it is given.

    Averages of parameters of lower precision are float32, also after a state was taken from elsewhere.
    """

    ranges: ClassVar[tuple[Range, ...]] = ()
    states: ClassVar[tuple[str, ...]] = ()
    """Names of what a parameter has beside its number of steps, each of its shape."""
    generator: torch.Generator | None = None
    """Source of the numbers by which weights are rounded at random; None: torch's own one of the device."""

    def __init__(self, params: Any, defaults: dict[str, Any], generator: torch.Generator | None = None):
        if not isinstance(generator, torch.Generator | None):
            name, given = type(self).__name__, type(generator).__name__
            raise ValueError(f"{name}: generator must be a torch.Generator or None, got {given}; seed one and give it.")
        self.generator = generator
        super().__init__(params, {name: taken(value) for name, value in defaults.items()})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, after checking its settings and parameters; a refused one leaves nothing behind."""
        if isinstance(param_group, dict):
            own = {k: taken(v) if k in self.defaults else v for k, v in {**self.defaults, **param_group}.items()}
            param_group = {**own, "params": listed(param_group["params"])}
            self.check(param_group)
        super().add_param_group(param_group)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse a group: its settings, here, and what a class knows of its parameters.

        Raises:
            ValueError: In a sentence.
        """
        check_settings(type(self).__name__, group, self.ranges)
        if self.generator is not None:
            rounding.check_generator(type(self).__name__, self.generator, tensors(group["params"]))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "generator": self.generator}

    def wanted(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Names of the states of a parameter of this group; none where none are declared, which loads as torch does."""
        return ("step", *self.states) if self.states else ()

    def converted(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state of one parameter in the form of this class; numbers become tensors."""
        return {k: torch.as_tensor(v) if isinstance(v, int | float) else v for k, v in state.items()}

    def converted_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """The settings of a loaded group in the form of this class."""
        return group

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a state: a copy, in the precision of this optimizer's own states.

        Settings that the state does not know get this optimizer's defaults. Hooks see the state before it is checked
        and after it has been taken.

        Raises:
            ValueError: If a state is of another shape, or of another optimizer; nothing has been touched then.
        """
        loading.load(self, state_dict, super().load_state_dict, self._checked, self._restore)

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is loaded of a state, after checking it against the parameters."""
        pieces, name = loading.matched(self, given), type(self).__name__
        if pieces is None:
            return given
        known = {k for group in self.param_groups for k in group if k in self.defaults}
        groups = []
        for group in given["param_groups"]:
            full = {**{k: self.defaults[k] for k in known}, **self.converted_group(group)}
            groups.append({k: taken(v) if k in known else v for k, v in full.items()})
            check_settings(name, groups[-1], self.ranges)
        states = {k: self.converted(s) if isinstance(s, Mapping) else s for k, s in given["state"].items()}
        place = {i: k for k, group in enumerate(groups) for i in group["params"]}
        for index, label, param, _ in pieces:
            if states.get(index):
                loading.check_state(name, label, param, states[index], self.wanted(groups[place[index]]))
        return {**given, "state": states, "param_groups": groups}

    def _restore(self, final: dict[str, Any]) -> None:
        for index, _, param, group in loading.matched(self, final) or ():
            state = final["state"].get(index) or {}
            for name in self.wanted(group) if state else ():
                if name == "step":
                    device = param.device if group.get("capturable") else "cpu"
                    self.state[param][name] = loading.copied(state[name].reshape(()), torch.float32, device)
                else:
                    self.state[param][name] = loading.copied(state[name], state_dtype(param), param.device)


def descended(param: Tensor, grad: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """The gradient that is descended, sign and L2 penalty included, in the precision of the state.

    Args:
        param: θ.
        grad: The stored gradient; it is returned itself where nothing is to be done, and never changed.
        settings: `maximize`, `weight_decay` and `decoupled_weight_decay` are read.
    """
    g = grad.to(state_dtype(param))
    if settings["maximize"]:
        g = -g
    if settings["weight_decay"] and not settings["decoupled_weight_decay"]:
        g = g.add(param, alpha=settings["weight_decay"])
    return g
