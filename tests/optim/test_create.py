"""Optimizers by name, with groups without weight decay."""

import pytest
import torch
from rows import settings
from torch import nn

from inertialab.optim import OPTIMIZERS, Adai, AdaiV2, AdaiW, RAdam, create


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))


def names(optimizer):
    return [(group["weight_decay"], group["param_names"]) for group in optimizer.param_groups]


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)
def test_every_row_has_a_group_with_and_one_without_decay(row):
    given = {k: v for k, v in settings(row).items() if k != "decay"}
    given = {k: v for k, v in given.items() if row.name not in ("adai", "radam", "adashift")} or {"lr": 0.1}
    optimizer = create(row.name, net := model(), 0.3, **given)
    assert names(optimizer) == [
        (0.3, ["0.weight", "3.weight"]),
        (0.0, ["0.bias", "1.weight", "1.bias", "3.bias"]),
    ]
    net(torch.ones(2, 2, 3, 3)).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("name", ["AdaiW", "adaiw"])
def test_parameters_without_decay_do_not_shrink(name):
    optimizer = create(name, net := model(), weight_decay=0.5, lr=0.1)
    assert isinstance(optimizer, AdaiW)
    before = [p.detach().clone() for p in net.parameters()]
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for p, start in zip(net.parameters(), before, strict=True):
        assert torch.allclose(p, start * (0.95 if p.dim() > 1 else 1))


@pytest.mark.parametrize(
    ("no_decay", "spared"),
    [
        (["bias"], ["0.bias", "1.bias", "3.bias"]),
        ("3.", ["3.weight", "3.bias"]),
        (lambda name, p: p.dim() == 4, ["0.weight"]),
        (lambda *_: True, ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]),
        ([], []),
    ],
)
def test_what_has_no_decay_may_be_said_by_parts_of_names_or_by_a_function(no_decay, spared):
    found = [names for decay, names in names(create("radam", model(), 0.1, no_decay=no_decay)) if decay == 0]
    assert found == ([spared] if spared else [])


def test_names_that_stand_for_nothing_are_refused():
    with pytest.raises(ValueError, match="There is no optimizer 'adamax'; choose from adai, adaiw"):
        create("adamax", model())
    with pytest.raises(ValueError, match=r"no_decay: 'LayerNorm' occurs in no name of a parameter; they are 0\.weight"):
        create("radam", model(), 0.1, no_decay=["bias", "LayerNorm"])


def test_settings_are_passed_on():
    optimizer = create("RAdam", model(), 0.1, lr=0.5, threshold=5.0)
    assert isinstance(optimizer, RAdam)
    assert [g["threshold"] for g in optimizer.param_groups] == [5.0, 5.0]
    assert create("sgd", model(), eta=0.5).param_groups[0]["lr"] == create("sgd", model(), lr=0.5).param_groups[0]["lr"]


def test_adaiv2_is_adai_with_dampening_and_decoupled_decay():
    starts = [torch.ones(3, requires_grad=True) for _ in range(2)]
    named = AdaiV2(starts[:1], 0.1, weight_decay=0.1, dampening=0.5, foreach=False)
    plain = Adai(starts[1:], 0.1, weight_decay=0.1, dampening=0.5, decoupled_weight_decay=True)
    for p in starts:
        p.grad = torch.tensor([1.0, 2.0, 3.0])
    named.step()
    plain.step()
    assert torch.equal(*starts)
    assert AdaiV2(starts[:1], 0.1, decoupled_weight_decay=False).param_groups[0]["decoupled_weight_decay"] is False
