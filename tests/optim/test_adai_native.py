"""Adai's native loops: where they are used, what they refuse, what they leave as it is."""

import os
import subprocess
import sys
import textwrap
import warnings

import pytest
import torch
from adai_runs import SETTINGS, SHAPES, close, steps

import inertialab.optim as optim
from inertialab.optim import Adai, adai_native, adai_parts
from inertialab.optim.blocks import suits

BIG = [(3 * adai_native.SHARED + 5,), (7,), (600, 700), (3, 8, 17, 9)]


def called(monkeypatch):
    """Names of the native loops that are called from now on, after they have been tried."""
    names = []
    adai_parts.loops(torch.float64)
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
    assert suits(row)
    for wrong in (row[0].double(), torch.zeros(4, 5), torch.zeros(6, 4).T, torch.zeros(4, 12)[:, ::2]):
        for column in range(5):
            assert not suits((*row[:column], wrong, *row[column + 1 :]))


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


def in_a_new_process(code, **environment):
    """What a program prints and the end of what it complains of."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize("error", [ImportError("no numba"), SystemError("initialization failed"), AttributeError("x")])
def test_without_a_sound_numba_one_warning_and_the_same_steps(monkeypatch, error):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "inertialab.optim.adai_native":
                raise error

    monkeypatch.delitem(sys.modules, "inertialab.optim.adai_native")
    monkeypatch.delattr(optim, "adai_native")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    adai_parts.loops.cache_clear()
    sentence = f"goes on without native loops, which needs more time for large models on a CPU: {error}"
    with pytest.warns(RuntimeWarning, match=sentence) as caught:
        path, _ = steps(shapes=BIG)
    adai_parts.loops.cache_clear()
    assert len(caught) == 1
    assert close(path, steps(shapes=BIG, foreach=False)[0])


def test_loops_that_do_not_compile_harm_no_parameter(monkeypatch):
    def fails(*_):
        raise TypeError("cannot lower this")

    monkeypatch.setattr(adai_native, "_move", fails)
    adai_parts.loops.cache_clear()
    with pytest.warns(RuntimeWarning, match="goes on without native loops.*: cannot lower this"):
        path, _ = steps(shapes=BIG)
    adai_parts.loops.cache_clear()
    assert close(path, steps(shapes=BIG, foreach=False)[0])


def test_what_no_native_loop_could_move_is_not_told_about_numba(monkeypatch):
    """Parameters of lower precision, and those of an accelerator."""
    monkeypatch.setitem(sys.modules, "inertialab.optim.adai_native", None)
    adai_parts.loops.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps(shapes=BIG, dtype=torch.bfloat16)
        steps(shapes=BIG, settings={"dampening": 0.5})
    adai_parts.loops.cache_clear()


def test_a_numba_that_is_told_not_to_compile_is_not_used():
    code = """
        import torch
        from inertialab.optim import Adai
        p = torch.ones(300000, requires_grad=True)
        p.grad = torch.ones(300000)
        Adai([p], lr=0.5).step()
        print(p[0].item())
    """
    out, complaint = in_a_new_process(code, NUMBA_DISABLE_JIT="1")
    assert out == "0.5"
    assert "goes on without native loops, which needs more time for large models on a CPU: NUMBA_DISABLE" in complaint


def test_a_step_at_the_end_of_a_program_needs_no_new_thread():
    code = """
        import atexit, torch
        from inertialab.optim import Adai
        torch.set_num_threads(3)
        p = torch.ones(600000, requires_grad=True)
        optimizer = Adai([p], lr=0.25)
        p.grad = torch.ones(600000)
        optimizer.step()

        def last():
            optimizer.step()
            print(p.min().item(), p.max().item())

        atexit.register(last)
    """
    out, complaint = in_a_new_process(code)
    assert out == "0.5 0.5", complaint
