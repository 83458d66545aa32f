"""Loading a state: of this model or refused, seen by hooks before and after, in the form of any earlier code."""

import copy

import pytest
import torch
from rows import settings

from inertialab.optim import OPTIMIZERS, Adai, AdaiW, AdaShift, CProp, RAdam

OWN = {
    "Adai": lambda p: Adai(p, lr=0.1),
    "AdaiW": lambda p: AdaiW(p, lr=0.1),
    "RAdam": lambda p: RAdam(p),
    "AdaShift": lambda p: AdaShift(p, shift=2),
    "CProp(Adai)": lambda p: CProp(Adai(p, lr=0.1)),
    "CProp(Adam)": lambda p: CProp(torch.optim.Adam(p)),
    "CProp(SGD)": lambda p: CProp(torch.optim.SGD(p, lr=0.1)),
}
every_own = pytest.mark.parametrize("make", OWN.values(), ids=OWN)
AVERAGE = {"Adai": "exp_avg", "RAdam": "exp_avg", "AdaShift": "exp_avg", "CProp": "conformity_mean"}


def average(optimizer, p):
    return optimizer.state[p][AVERAGE["CProp" if isinstance(optimizer, CProp) else "Adai"]]


def trained(make, named, steps=4, seed=0):
    optimizer, generator = make(named), torch.Generator().manual_seed(seed)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.step()
    return optimizer


def zeros(*shape):
    return torch.zeros(shape, requires_grad=True)


def by_names(optimizer, given):
    """A load hook that gives every parameter the state that was saved under its name."""
    own, saved = optimizer.state_dict(), {}
    for group in given["param_groups"]:
        saved |= dict(zip(group["param_names"], group["params"], strict=True))
    for group in own["param_groups"]:
        for index, name in zip(group["params"], group["param_names"], strict=True):
            if saved.get(name) in given["state"]:
                own["state"][index] = copy.deepcopy(given["state"][saved[name]])
    return own


@every_own
@pytest.mark.parametrize(
    ("saved", "wanted"),
    [((5,), (3,)), ((2, 3), (3, 2)), ((600, 500), (500, 600)), ((4,), (2, 2)), ((), (3,)), ((1,), ())],
    ids=str,
)
def test_a_state_of_another_shape_is_refused_and_nothing_is_touched(make, saved, wanted):
    content = trained(make, [("weight", zeros(*saved))]).state_dict()
    p = zeros(*wanted)
    optimizer = trained(make, [("weight", p)], 2, seed=1)
    before, groups = copy.deepcopy(optimizer.state_dict()["state"]), optimizer.param_groups
    with pytest.raises(ValueError, match=r"of parameter weight must have shape .*, got .*; load the state of this"):
        optimizer.load_state_dict(content)
    after = optimizer.state_dict()["state"]
    assert all(torch.equal(v, after[0][k]) for k, v in before[0].items())
    assert optimizer.param_groups is groups


@every_own
def test_reordered_parameters_are_refused_and_named(make):
    content = trained(make, [zeros(3, 2), zeros(4)]).state_dict()
    with pytest.raises(ValueError, match="of parameter 0 of group 0 must have shape"):
        make([zeros(4), zeros(3, 2)]).load_state_dict(content)


@every_own
def test_a_hook_may_match_parameters_by_name(make):
    a, b, a2, b2, c2 = (zeros(3) for _ in range(5))
    old, new = trained(make, [("a", a), ("b", b)]), make([("b", b2), ("c", c2), ("a", a2)])
    new.register_load_state_dict_pre_hook(by_names)
    new.load_state_dict(copy.deepcopy(old.state_dict()))
    assert torch.equal(average(new, a2), average(old, a))
    assert torch.equal(average(new, b2), average(old, b))
    assert not new.state.get(c2)


@every_own
def test_what_hooks_change_stands(make):
    p = zeros(3)
    content, optimizer = trained(make, [zeros(3)]).state_dict(), make([p])
    optimizer.register_load_state_dict_pre_hook(lambda _, given: given["param_groups"][0].update(lr=0.5))

    def halve(optimizer):
        state = optimizer.state[p]
        state.update({k: v.bfloat16() for k, v in state.items() if k != "step"})
        optimizer.param_groups[0]["weight_decay"] = 0.25

    optimizer.register_load_state_dict_post_hook(halve)
    optimizer.load_state_dict(copy.deepcopy(content))
    assert average(optimizer, p).dtype == torch.bfloat16
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["weight_decay"] == 0.25


@every_own
def test_hooks_that_loading_uses_itself_do_not_stay(make):
    optimizer, calls = make([zeros(3)]), []
    content = trained(make, [zeros(3)]).state_dict()
    optimizer.register_load_state_dict_post_hook(calls.append)
    for _ in range(2):
        optimizer.load_state_dict(content)
    assert len(calls) == 2
    assert len(optimizer._optimizer_load_state_dict_pre_hooks) == 0


@every_own
def test_a_state_whose_number_of_steps_is_a_plain_number_goes_on(make):
    p, q = zeros(3), zeros(3)
    optimizer, twin = trained(make, [p]), make([q])
    content = copy.deepcopy(optimizer.state_dict())
    for state in content["state"].values():
        state.update({k: int(v) for k, v in state.items() if k == "step"})
    twin.load_state_dict(content)
    q.data.copy_(p)
    for o, x in ((optimizer, p), (twin, q)):
        x.grad = torch.ones(3)
        o.step()
    assert torch.equal(p, q)


@every_own
def test_a_loaded_state_saves_what_was_loaded(make):
    content = copy.deepcopy(trained(make, [zeros(3)]).state_dict())
    optimizer = make([zeros(3)])
    optimizer.load_state_dict(content)
    again = optimizer.state_dict()
    assert again["param_groups"] == content["param_groups"]
    assert again["state"].keys() == content["state"].keys()
    assert list(again["state"][0]) == list(content["state"][0])
    assert all(torch.equal(v, content["state"][0][k]) for k, v in again["state"][0].items())


@pytest.mark.parametrize("name", ["Adai", "AdaiW", "RAdam", "AdaShift"])
def test_a_state_of_another_optimizer_is_refused(name):
    content = trained(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), [zeros(3)]).state_dict()
    with pytest.raises(ValueError, match=r"has no 'step', only 'momentum_buffer'; load a state that this optimizer"):
        OWN[name]([zeros(3)]).load_state_dict(content)


@every_own
def test_loaded_settings_out_of_range_are_refused(make):
    content, optimizer = trained(make, [zeros(3)]).state_dict(), make([zeros(3)])
    group = content["param_groups"][0]
    group.update(c=-1.0) if "c" in group else group.update(lr=-1.0)
    with pytest.raises(ValueError, match=r"must be a finite number .* 0, got -1.0"):
        optimizer.load_state_dict(content)
    assert not optimizer.state


@every_own
def test_another_number_of_groups_is_refused(make):
    content, optimizer = trained(make, [{"params": [zeros(3)]}, {"params": [zeros(2)]}]).state_dict(), make([zeros(3)])
    with pytest.raises(ValueError, match="parameter group"):
        optimizer.load_state_dict(content)


def authors_adai(**group):
    state = {"step": 4, "exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3), "beta1_prod": torch.full((3,), 0.5)}
    group = {"lr": 0.2, "betas": (0.1, 0.99), "eps": 1e-3, "weight_decay": 0.5, **group, "params": [0]}
    return {"state": {0: state}, "param_groups": [group]}


@pytest.mark.parametrize("name", ["decoupled", "weight_decouple"])
@pytest.mark.parametrize("value", [True, False])
def test_decoupled_decay_of_other_codes_stays_what_it_is(name, value):
    """A step on zero gradients shrinks by 1 - lr·decay, or descends the penalty."""
    p = torch.ones(3, requires_grad=True)
    optimizer = Adai([p], lr=0.1)
    optimizer.load_state_dict(authors_adai(**{name: value}))
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is value
    assert name not in optimizer.param_groups[0]


def test_adaiw_stays_decoupled_with_a_state_of_adai():
    p = torch.ones(3, requires_grad=True)
    optimizer = AdaiW([p], lr=0.1, weight_decay=0.1)
    optimizer.load_state_dict(trained(lambda q: Adai(q, lr=0.1, weight_decay=0.1), [zeros(3)]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
    optimizer.load_state_dict(authors_adai())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
    with pytest.raises(ValueError, match="AdaiW: decoupled_weight_decay must be True"):
        AdaiW([{"params": [zeros(1)], "decoupled_weight_decay": False}], lr=0.1)


def test_the_authors_radam_goes_on_with_decoupled_decay():
    p = torch.ones(3, requires_grad=True)
    optimizer = RAdam([p])
    group = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.5, "buffer": [[None] * 3] * 10}
    state = {"step": 2, "exp_avg": torch.zeros(3), "exp_avg_sq": torch.zeros(3)}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [{**group, "params": [0]}]})
    p.grad = torch.zeros(3)
    optimizer.step()
    assert torch.allclose(p.detach(), torch.full((3,), 0.95))
    assert "buffer" not in optimizer.param_groups[0]


def test_a_state_of_torchs_radam_goes_on():
    p, q = zeros(3), zeros(3)
    theirs, optimizer = trained(lambda params: torch.optim.RAdam(params, lr=0.1), [p], steps=8), RAdam([q], lr=0.1)
    optimizer.load_state_dict(copy.deepcopy(theirs.state_dict()))
    q.data.copy_(p)
    for o, x in ((theirs, p), (optimizer, q)):
        x.grad = torch.ones(3)
        o.step()
    assert torch.equal(p, q)
    assert optimizer.state[q]["step"] == 9


def test_a_state_without_its_step_is_refused():
    """As `pytorch_optimizer` keeps that of its Adai."""
    others = pytest.importorskip("pytorch_optimizer")
    content = trained(lambda p: others.Adai(p, lr=0.1), [zeros(3)]).state_dict()
    with pytest.raises(ValueError, match=r"Adai: the state .* has no 'step', only .*; load a state that this"):
        Adai([zeros(3)], lr=0.1).load_state_dict(content)


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("flat", [False, True])
def test_states_go_through_distributed_checkpoints(row, flat):
    checkpoint = pytest.importorskip("torch.distributed.checkpoint.state_dict")
    options = checkpoint.StateDictOptions(flatten_optimizer_state_dict=flat)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    optimizer = trained(lambda p: row.make(p, **settings(row)), list(model.parameters()), row.idle + 3)
    content = copy.deepcopy(checkpoint.get_optimizer_state_dict(model, optimizer, options=options))
    twin_model = copy.deepcopy(model)
    twin = row.make(twin_model.parameters(), **settings(row))
    checkpoint.set_optimizer_state_dict(twin_model, twin, content, options=options)
    for o, m in ((optimizer, model), (twin, twin_model)):
        for p in m.parameters():
            p.grad = torch.ones_like(p)
        o.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin_model.parameters(), strict=True))


@pytest.mark.parametrize("step", [int, float, torch.tensor], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("reduction", ["max", "none"])
def test_a_window_that_was_saved_as_one_tensor_goes_on(reduction, step):
    def make(p):
        return AdaShift(p, shift=2, reduction=reduction)

    p, q = zeros(3), zeros(3)
    optimizer, twin = trained(make, [p]), make([q])
    content = copy.deepcopy(optimizer.state_dict())
    state = content["state"][0]
    state["window"] = torch.stack([state.pop("gradient_0"), state.pop("gradient_1")])
    state["step"] = step(int(state["step"]))
    if reduction == "max":
        state["exp_avg_sq"] = state["exp_avg_sq"].amax()
    twin.load_state_dict(content)
    q.data.copy_(p)
    for o, x in ((optimizer, p), (twin, q)):
        x.grad = torch.ones(3)
        o.step()
    assert torch.equal(p, q)


@pytest.mark.parametrize("name", ["CProp(Adai)", "CProp(Adam)", "CProp(SGD)"])
def test_states_that_were_saved_apart_are_joined(name):
    """As earlier versions of CProp did, with the state of the wrapped optimizer beside its own."""
    p, q = zeros(3), zeros(3)
    optimizer, twin = trained(OWN[name], [p]), OWN[name]([q])
    content = copy.deepcopy(optimizer.state_dict())
    own, wrapped = {}, {}
    for i, state in content["state"].items():
        own[i] = {"step": 4, "mean": state["conformity_mean"], "variance": state["conformity_variance"]}
        wrapped[i] = {k: v for k, v in state.items() if not k.startswith("conformity")}
    groups = content["param_groups"]
    twin.load_state_dict({"state": own, "param_groups": groups, "wrapped": {"state": wrapped, "param_groups": groups}})
    q.data.copy_(p)
    for o, x in ((optimizer, p), (twin, q)):
        for _ in range(3):
            x.grad = torch.ones(3)
            o.step()
    assert torch.allclose(p, q, rtol=1e-6)
    assert set(twin.state[q]) == set(optimizer.state[p])
