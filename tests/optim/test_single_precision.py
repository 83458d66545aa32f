"""Devices that have no double precision: nothing of float64 is made for float32 parameters."""

import pytest
import torch
from adai_runs import SHAPES, close
from torch.utils._python_dispatch import TorchDispatchMode

from inertialab.optim import Adai, AdaShift, CProp, RAdam, adai_parts, adai_rule, adashift, radam

RULES = {
    "Adai": lambda p, **k: Adai(p, lr=0.1, **k),
    "Adai, dampened": lambda p, **k: Adai(p, lr=0.1, dampening=0.5, **k),
    "RAdam": lambda p, **k: RAdam(p, lr=0.1, **k),
    "AdaShift": lambda p, **k: AdaShift(p, lr=0.1, shift=2, **k),
    "AdaShift, none": lambda p, **k: AdaShift(p, lr=0.1, shift=2, reduction="none", start="own", **k),
    "CProp": lambda p, **k: CProp(torch.optim.SGD(p, lr=0.1)),
}


class Refusing(TorchDispatchMode):
    """What a device without double precision would do."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, list | tuple) else [result]:
            if isinstance(x, torch.Tensor) and x.dtype == torch.float64:
                raise TypeError(f"{func} made double numbers")
        return result


def steps(make, **path):
    generator = torch.Generator().manual_seed(3)
    params = [torch.ones(s, requires_grad=True) for s in SHAPES]
    optimizer = make(params, **path)
    for _ in range(5):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.step()
    return [p.detach() for p in params]


@pytest.mark.parametrize("make", RULES.values(), ids=RULES)
@pytest.mark.parametrize("path", [{"foreach": True}, {"foreach": False}, {"capturable": True}], ids=str)
def test_without_double_precision_the_steps_are_the_same_to_rounding(monkeypatch, make, path):
    wide = steps(make, **path)
    for module in (adai_parts, adai_rule, adashift, radam):
        monkeypatch.setattr(module, "widest", lambda device: torch.float32)
    with Refusing():
        narrow = steps(make, **path)
    assert close(narrow, wide, 1e-4)


def test_the_widest_numbers_of_a_device():
    from inertialab.optim.numerics import widest

    assert widest(torch.device("mps")) == torch.float32
    assert widest(torch.device("cpu")) == widest(torch.device("cuda")) == torch.float64


@pytest.mark.parametrize("make", [RULES["Adai"]], ids=["Adai"])
def test_the_device_of_this_test_refuses_double_precision(make):
    with pytest.raises(TypeError, match="made double numbers"), Refusing():
        steps(make, foreach=True)
