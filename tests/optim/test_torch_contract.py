"""What PyTorch's own generic tests ask of an optimizer, through its descriptions of optimizers, over all rows.

`OptimizerInfo` and its inputs are PyTorch's; the descriptions are made from the rows and from the classes behind them.
"""

import copy
import importlib
import importlib.util
import io
import pickle
import sys
import types
import unittest

import pytest
import torch
from rows import settings
from torch.optim.lr_scheduler import ReduceLROnPlateau

from inertialab.optim import OPTIMIZERS, Adai, AdaiV2, AdaiW, AdaShift, RAdam


def descriptions():
    """PyTorch's module; its utilities import a package for recorded outputs, which nothing here needs."""
    missing = importlib.util.find_spec("expecttest") is None
    if missing:
        sys.modules["expecttest"] = types.ModuleType("expecttest")
        sys.modules["expecttest"].TestCase = unittest.TestCase
    try:
        return importlib.import_module("torch.testing._internal.common_optimizers")
    finally:
        if missing:
            del sys.modules["expecttest"]


common = descriptions()
OptimizerInfo, OptimizerInput = common.OptimizerInfo, common.OptimizerInput
REFUSED = common.get_error_inputs_for_all_optims("cpu", torch.float32)
CLASSES = [Adai, AdaiW, AdaiV2, RAdam, AdaShift]


def inputs(device, dtype=None):
    """Settings that every class has, as PyTorch lists them."""
    kinds = [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "maximize": True}]
    kinds += [{"capturable": True}, {"weight_decay": 0.1, "decoupled_weight_decay": True}]
    return [OptimizerInput(params=None, kwargs=k, desc=str(k)) for k in kinds]


def described(cls):
    """A class as PyTorch describes its own; learning rates are given where the class has no default."""

    def make(params, lr=0.01, **kwargs):
        own = {"shift": 3} if cls is AdaShift else {}
        if cls is AdaiW:
            kwargs.pop("decoupled_weight_decay", None)
        return cls(params, lr=lr, **own, **kwargs)

    make.__name__ = cls.__name__
    return OptimizerInfo(make, optim_inputs_func=inputs, supported_impls=("foreach",), has_capturable_arg=True)


def described_row(row):
    """A row; flags go to its groups, as they do when a state is loaded."""

    def make(params, lr=0.01, **kwargs):
        optimizer = row.make(params, **settings(row) | {"eta": lr})
        for group in optimizer.param_groups:
            group.update(kwargs)
        return optimizer

    def some(device, dtype=None):
        return [i for i in inputs(device) if "capturable" not in i.kwargs and "decoupled_weight_decay" not in i.kwargs]

    make.__name__ = row.name
    return OptimizerInfo(make, optim_inputs_func=some, supported_impls=("foreach",))


INFOS = [*map(described, CLASSES), *map(described_row, OPTIMIZERS.values())]
every_info = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.name)
every_class = pytest.mark.parametrize("info", INFOS[: len(CLASSES)], ids=lambda info: info.name)
CASES = [
    pytest.param(info, given.kwargs, id=f"{info.name}-{given.desc}")
    for info in INFOS
    for given in common._get_optim_inputs_including_global_cliquey_kwargs("cpu", torch.float64, info)
]
every_case = pytest.mark.parametrize(("info", "kwargs"), CASES)


def same(a, b):
    """Whether two states are equal to the last bit."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) and a.dtype == b.dtype if isinstance(a, torch.Tensor) else a == b


def linear(layout="plain"):
    """Weight and bias of a small least-squares problem."""
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(10, 5, 2, generator=generator), torch.randn(10, 2, generator=generator)
    if layout == "views":
        return weight[..., 0].requires_grad_(), bias[..., 0].requires_grad_()
    return weight[..., 0].clone().requires_grad_(), bias[..., 0].clone().requires_grad_()


def closure(optimizer, weight, bias):
    x = torch.linspace(-1, 2, 5)

    def loss():
        optimizer.zero_grad()
        value = (weight.mv(x) + bias).square().sum()
        value.backward()
        return value

    return loss


def trained(info, kwargs, steps=8, layout="plain", schedulers=()):
    weight, bias = linear(layout)
    optimizer = info.optim_cls([weight, bias], **kwargs)
    loss = closure(optimizer, weight, bias)
    made = [make(optimizer) for make in schedulers]
    values = []
    for _ in range(steps):
        values.append(optimizer.step(loss).item())
        for scheduler in made:
            scheduler.step(values[-1]) if isinstance(scheduler, ReduceLROnPlateau) else scheduler.step()
    return optimizer, (weight, bias), loss, values


@every_case
@pytest.mark.parametrize("layout", ["plain", "views"])
def test_it_goes_in_the_right_direction(info, kwargs, layout):
    for schedulers in ((), *info.scheduler_inputs):
        *_, values = trained(info, kwargs, 40, layout, schedulers)
        assert values[-1] > values[0] if kwargs.get("maximize") else values[-1] < values[0]


@every_case
def test_a_state_is_deterministic_and_equal_parameters_move_equally(info, kwargs):
    optimizer, params, loss, _ = trained(info, kwargs)
    twins = [p.detach().clone().requires_grad_() for p in params]
    twin = info.optim_cls(twins, **kwargs)
    given = copy.deepcopy(optimizer.state_dict())
    kept = copy.deepcopy(given)
    twin.load_state_dict(given)
    assert same(given, kept)
    twin.load_state_dict(kept)  # PyTorch's own share the number of steps with what they are given
    twin_loss = closure(twin, *twins)
    for _ in range(5):
        optimizer.step(loss)
        twin.step(twin_loss)
    assert same(list(params), twins)
    assert same(optimizer.state_dict(), twin.state_dict())


@every_case
def test_a_state_from_before_there_were_flags_can_be_loaded_and_goes_on(info, kwargs):
    optimizer, _, loss, _ = trained(info, kwargs)
    content = copy.deepcopy(optimizer.state_dict())
    for group in content["param_groups"]:
        for flag in (*info.not_og_supported_flags, "stochastic_rounding"):
            group.pop(flag, None)
    for state in content["state"].values():
        if torch.is_tensor(state.get("step")):
            state["step"] = state["step"].item()
    optimizer.load_state_dict(content)
    assert optimizer.step(loss).item() >= 0 or kwargs.get("maximize")
    assert {"foreach", "maximize", "differentiable"} <= set(optimizer.param_groups[0]) | {"differentiable"}


@every_case
def test_a_state_goes_through_a_file_of_weights_only(info, kwargs):
    optimizer, *_ = trained(info, kwargs)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    loaded = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    assert same(loaded, optimizer.state_dict())


@every_info
def test_names_of_parameters_come_and_go_with_the_state(info):
    weight, bias = linear()
    named = info.optim_cls([("weight", weight), ("bias", bias)])
    unnamed = info.optim_cls(list(linear()))
    assert named.param_groups[0]["param_names"] == ["weight", "bias"]
    unnamed.load_state_dict(named.state_dict())
    named.load_state_dict(info.optim_cls(list(linear())).state_dict())
    assert named.param_groups[0]["param_names"] == ["weight", "bias"]


@every_case
def test_loops_and_lists_make_the_same_steps(info, kwargs):
    found = [trained(info, kwargs | {"foreach": foreach}, 12)[1] for foreach in (True, False)]
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


@every_case
def test_a_learning_rate_as_a_tensor_makes_the_same_steps(info, kwargs):
    foreach = {"foreach": False} if "foreach" in kwargs else {}  # PyTorch's lists take none
    number = trained(info, kwargs | foreach | {"lr": 0.01}, 12)[1]
    tensor = trained(info, kwargs | foreach | {"lr": torch.tensor(0.01)}, 12)[1]
    torch.testing.assert_close(number, tensor, rtol=1e-5, atol=1e-6)


@every_case
def test_nothing_moves_without_a_gradient_and_gradients_are_never_written(info, kwargs):
    weight, bias = linear()
    empty = torch.empty(0, 3, requires_grad=True)
    optimizer = info.optim_cls([weight, bias, empty], **kwargs)
    optimizer.step()
    assert not any(optimizer.state.values())
    assert same((weight, bias), linear())
    for p in (weight, bias, empty):
        p.grad = torch.ones_like(p)
    before = [p.grad._version for p in (weight, bias)]
    optimizer.step()
    assert [p.grad._version for p in (weight, bias)] == before


@every_info
def test_copies_have_all_public_attributes_and_it_can_be_printed(info):
    optimizer, *_ = trained(info, {})
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert {k for k in vars(twin) if k[0] != "_"} == {k for k in vars(optimizer) if k[0] != "_"}
    assert "Parameter Group 0" in repr(optimizer)


@every_info
def test_hooks_of_steps_and_states_are_called_in_order(info):
    optimizer, _, loss, _ = trained(info, {})
    calls = []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before step"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after step"))
    optimizer.register_state_dict_pre_hook(lambda *_: calls.append("before saving"))
    optimizer.register_state_dict_post_hook(lambda _, state: {**state, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda *_: calls.append("second"))
    optimizer.register_load_state_dict_pre_hook(lambda *_: calls.append("first"), prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda *_: calls.append("last"))
    optimizer.step(loss)
    content = optimizer.state_dict()
    assert content["more"] == 1
    optimizer.load_state_dict(content)
    assert calls == ["before step", "after step", "before saving", "first", "second", "last"]


@every_class
@pytest.mark.parametrize("error", REFUSED, ids=lambda error: error.optimizer_error_input.desc)
def test_what_pytorch_refuses_is_refused(info, error):
    given = error.optimizer_error_input
    params = list(linear()) if given.params is None else given.params
    if issubclass(error.error_type, Warning):
        with pytest.warns(error.error_type, match=error.error_regex):
            info.optim_cls(params, **given.kwargs)
        return
    with pytest.raises(error.error_type, match=error.error_regex):
        info.optim_cls(params, **given.kwargs)


@every_class
def test_complex_descent_is_that_of_both_parts(info):
    start = torch.tensor([1.5 - 0.5j, -1.0 + 2.0j], dtype=torch.complex128)
    z, parts = start.clone().requires_grad_(), torch.view_as_real(start.clone()).requires_grad_()
    optimizers = [info.optim_cls([x], lr=1e-4) for x in (z, parts)]
    for _ in range(10):
        for optimizer, value in zip(optimizers, (z, torch.view_as_complex(parts)), strict=True):
            optimizer.zero_grad()
            ((1 - value[0]).abs().square() + 100 * (value[1] - value[0] ** 2).abs().square()).backward()
            optimizer.step()
    assert z.detach().isfinite().all()
    torch.testing.assert_close(torch.view_as_real(z.detach()), parts.detach(), rtol=1e-10, atol=1e-12)


@every_case
def test_the_default_precision_of_a_program_does_not_matter(info, kwargs):
    found = []
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)
        try:
            generator = torch.Generator().manual_seed(0)
            p = torch.randn(7, dtype=torch.float64, generator=generator).requires_grad_()
            optimizer = info.optim_cls([p], **kwargs)
            for _ in range(14):
                p.grad = torch.randn(7, dtype=torch.float64, generator=generator)
                optimizer.step()
            found.append(p.detach())
        finally:
            torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-7)
