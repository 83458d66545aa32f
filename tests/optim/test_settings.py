"""Settings are checked and put into one form when an optimizer is made, a group added, a state loaded."""

import io

import numpy as np
import pytest
import torch
from rows import SETTINGS, every_row, settings

from inertialab.optim import Adai, AdaiW, AdaShift, CProp, RAdam
from inertialab.optim.settings import taken

OWN = {
    "Adai": lambda p, **k: Adai(p, **{"lr": 0.1, **k}),
    "AdaiW": lambda p, **k: AdaiW(p, **{"lr": 0.1, **k}),
    "RAdam": lambda p, **k: RAdam(p, **{"lr": 0.1, **k}),
    "AdaShift": lambda p, **k: AdaShift(p, **{"lr": 0.1, "shift": 2, **k}),
}
every_own = pytest.mark.parametrize("make", OWN.values(), ids=OWN)
PATHS = [{}, {"foreach": False}, {"capturable": True}]


def zeros(*shape):
    return torch.zeros(shape, requires_grad=True)


def stepped(optimizer, p, count=4):
    for _ in range(count):
        p.grad = torch.ones_like(p)
        optimizer.step()
    return p.detach()


@every_row
def test_text_is_no_number(row):
    """As a YAML file gives 1e-3."""
    for name in ("eta", *row.settings):
        with pytest.raises(ValueError, match=rf"must be .*got \(?.*{SETTINGS[name]}.*"):
            row.make([zeros(2)], **settings(row) | {name: str(SETTINGS[name])})


@every_own
@pytest.mark.parametrize("name", ["lr", "eps", "weight_decay"])
@pytest.mark.parametrize("value", ["1e-3", None, [1e-3, 1e-3], {}, torch.tensor([0.1, 0.2]), 1j, float("nan")], ids=str)
def test_what_is_no_number_is_refused_where_one_is_wanted(make, name, value):
    with pytest.raises(ValueError, match=f"{name} must be "):
        make([zeros(2)], **{name: value})
    optimizer = make([zeros(2)])
    with pytest.raises(ValueError, match=f"{name} must be "):
        optimizer.add_param_group({"params": [zeros(2)], name: value})
    assert len(optimizer.param_groups) == 1


@every_own
@pytest.mark.parametrize("betas", [(0.1, 0.99, 0.9), (0.1,), (), 0.1, "ab", None, ("0.1", "0.99"), (0.1, 1.0)], ids=str)
def test_betas_are_two_numbers(make, betas):
    with pytest.raises(ValueError, match="betas must be "):
        make([zeros(2)], betas=betas)


class Listing:
    """A sequence as configuration libraries have them."""

    def __init__(self, *values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return self.values[i]


@every_own
@pytest.mark.parametrize(
    "betas",
    [[0.1, 0.99], np.array([0.1, 0.99]), (np.float64(0.1), np.float32(0.99)), Listing(0.1, 0.99)],
    ids=lambda b: type(b).__name__,
)
def test_two_numbers_in_any_form_become_a_pair(make, betas):
    p, q = zeros(3), zeros(3)
    optimizer = make([p], betas=betas)
    assert isinstance(optimizer.param_groups[0]["betas"], tuple)
    assert torch.allclose(stepped(optimizer, p), stepped(make([q], betas=(0.1, 0.99)), q), rtol=1e-4)


@every_own
def test_numbers_of_numpy_become_plain_ones_that_load_as_weights_only(make):
    p = zeros(3)
    shift = {"shift": np.int64(2)} if make is OWN["AdaShift"] else {}
    optimizer = make([p], lr=np.float32(0.5), eps=np.float64(1e-3), weight_decay=np.int64(0), **shift)
    stepped(optimizer, p)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    loaded = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    assert type(loaded["param_groups"][0]["lr"]) is float
    assert all(type(v) is int for k, v in loaded["param_groups"][0].items() if k == "shift")


@every_own
@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_learning_rate_of_one_element_is_a_number_that_may_still_be_written(make, path, shape):
    """A parameter without dimensions keeps its shape."""
    rate, p, q = torch.full((1,), 0.1), zeros(*shape), zeros(*shape)
    optimizer, plain = make([p], lr=rate, **path), make([q], lr=0.1, **path)
    for _ in range(2):
        assert torch.allclose(stepped(optimizer, p), stepped(plain, q))
        assert p.shape == shape
        rate.fill_(0.05)
        plain.param_groups[0]["lr"] = 0.05


@every_own
def test_a_refused_group_is_not_left_behind(make):
    p = zeros(2)
    optimizer = make([p])
    for group in (
        {"params": [zeros(2)], "lr": -1.0},
        {"params": [p]},
        {"params": [zeros(2), "text"]},
        {"params": {zeros(2)}},
        {"params": [zeros(2) * 2]},
    ):
        with pytest.raises((ValueError, TypeError)):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    given = {"params": (x for x in [zeros(2)]), "lr": 0.5}
    optimizer.add_param_group(given)
    assert len(optimizer.param_groups[1]["params"]) == 1
    assert set(given) == {"params", "lr"}


def test_a_refused_group_of_cprop_is_not_left_behind():
    wrapper = CProp(Adai([zeros(2)], lr=0.1))
    with pytest.raises(ValueError, match="eps must be"):
        wrapper.add_param_group({"params": [zeros(2)], "eps": 2.0})
    assert len(wrapper.param_groups) == len(wrapper.wrapped.param_groups) == 1


def test_what_is_taken_keeps_what_it_is():
    rate = torch.tensor(0.5)
    assert taken(rate) is rate
    assert taken("text") == "text"
    assert taken({"a": 1}) == {"a": 1}
    assert taken([1, [2]]) == (1, (2,))
    assert taken(None) is None
