"""Adai's native loops: where they are used, what they refuse, what they leave as it is."""

import sys

import pytest
import torch
from adai_runs import SETTINGS, SHAPES, close, steps

from inertialab.optim import Adai, adai_native, adai_parts

BIG = [(3 * adai_native.SHARED + 5,), (7,), (600, 700), (3, 8, 17, 9)]


def called(monkeypatch):
    """Names of the native loops that are called from now on."""
    names = []
    for name in ("_squares", "_move"):
        loop = getattr(adai_native, name)
        monkeypatch.setattr(adai_native, name, lambda *a, name=name, loop=loop: (names.append(name), loop(*a))[1])
    return names


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("settings", SETTINGS[:3], ids=str)
def test_large_models_are_moved_by_native_loops_on_any_number_of_threads(monkeypatch, settings, threads):
    names, before = called(monkeypatch), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        native, _ = steps(3, settings=settings, shapes=BIG)
    finally:
        torch.set_num_threads(before)
    assert names.count("_squares") == names.count("_move") == 3 * threads
    assert close(native, steps(3, settings=settings, shapes=BIG, foreach=False)[0])


@pytest.mark.parametrize(
    "path", [{"fused": False}, {"foreach": True}, {"foreach": False}, {"settings": {"dampening": 0.5}}], ids=str
)
def test_what_native_loops_are_not_asked_for_or_cannot_do_goes_on_without(monkeypatch, path):
    names = called(monkeypatch)
    steps(1, shapes=BIG, **path)
    steps(1, shapes=SHAPES)
    assert names == []


def test_native_loops_refuse_memory_that_is_not_what_they_expect():
    """A wrong one of these would be read or written beyond its end."""
    row = tuple(torch.zeros(4, 6) for _ in range(5))
    assert adai_native.suits(row)
    for wrong in (row[0].double(), torch.zeros(4, 5), torch.zeros(6, 4).T, torch.zeros(4, 12)[:, ::2]):
        for column in range(5):
            assert not adai_native.suits((*row[:column], wrong, *row[column + 1 :]))


def test_native_loops_tell_autograd_what_they_write():
    p = torch.zeros(5, requires_grad=True)
    p.grad = torch.ones(5)
    optimizer = Adai([p], lr=0.1, fused=True)
    optimizer.step()
    before = [x._version for x in (p, *optimizer.state[p].values())]
    optimizer.step()
    assert all(x._version > v for x, v in zip((p, *optimizer.state[p].values()), before, strict=True))


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), 1e30])
def test_native_loops_leave_a_bad_gradient_where_it_is(bad):
    """As on the plain path: its coordinate is lost and shows it, the mean goes on without it."""
    results = []
    for path in ({"fused": True}, {"foreach": False}):
        p = torch.zeros(6, requires_grad=True)
        optimizer = Adai([p], lr=0.1, **path)
        for k in range(3):
            p.grad = torch.arange(1.0, 7.0)
            p.grad[2] = bad if k == 1 else 1.0
            optimizer.step()
        results.append(p.detach())
    others = torch.arange(6) != 2
    assert torch.allclose(results[0][others], results[1][others], rtol=1e-6)
    assert results[0][others].isfinite().all()
    assert bool(results[0][2].isfinite()) == bool(results[1][2].isfinite())


def test_without_numba_one_warning_and_the_same_steps(monkeypatch):
    monkeypatch.setitem(sys.modules, "inertialab.optim.adai_native", None)
    adai_parts.loops.cache_clear()
    with pytest.warns(RuntimeWarning, match="goes on without native loops") as caught:
        path, _ = steps(shapes=BIG)
    adai_parts.loops.cache_clear()
    assert len(caught) == 1
    assert close(path, steps(shapes=BIG, foreach=False)[0])
