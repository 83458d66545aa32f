"""`python -m inertialab.theory`."""

import pytest

from inertialab.theory import CLAIMS
from inertialab.theory import claim as named
from inertialab.theory.__main__ import main
from inertialab.theory.dynamics import UpdateMap
from inertialab.theory.notation import eta, g, theta


def test_list_names_every_claim(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [c.id for c in CLAIMS]


@pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
def test_show_prints_statement_regime_steps_and_source(subject, capsys):
    assert main(["show", subject.id]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in (subject.title, "regime", "source", "Derivation", "[proven]"))
    assert all(step.text in out for step in subject.steps)


def test_a_wrong_id_is_one_sentence_and_exit_code_2(capsys):
    assert main(["show", "sgd.sadle-variance"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("There is no claim 'sgd.sadle-variance'. Did you mean sgd.saddle-variance")


def test_a_derivation_that_fails_is_exit_code_1(monkeypatch, capsys):
    from dataclasses import replace

    import inertialab.theory.__main__ as command

    monkeypatch.setattr(
        "inertialab.theory.claims.saddle.sgd.SGD", UpdateMap("wrong", (theta,), ((theta, theta + eta * g),))
    )
    fresh = replace(named("sgd.saddle-variance"))
    monkeypatch.setattr(command, "claim", lambda id: fresh)
    assert main(["show", "sgd.saddle-variance"]) == 1
    assert "fails. Not proven" in capsys.readouterr().err
