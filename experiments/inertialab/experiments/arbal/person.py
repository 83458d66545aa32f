"""A person in the loop: rows of a table, one question each, answers that are kept."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.exceptions import NotFittedError

from inertialab.experiments.arbal.estimator import ARBAL
from inertialab.experiments.arbal.options import Arbal
from inertialab.experiments.arbal.sets import features
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.store import replacing
from inertialab.experiments.tabular import read_table

STOP = ("", "q")


def asked(options: Arbal, console: Console) -> int:
    """Ask for labels until the rows end or the person stops; then predict all rows. Returns the exit code.

    The state before each question lies beside the table's predictions, so that the same command asks it again; one
    with other settings, or another table, begins anew.

    Raises:
        WrongInputError: If the table cannot be used, or an answer is of a third class.
    """
    assert options.data is not None
    table = read_table(options.data)
    names, X = features(table, {options.target: "the target"} if options.target else {}, options.columns)
    model = _model(options, len(X))
    told = hashlib.sha256(np.ascontiguousarray(X).tobytes() + repr(model.get_params()).encode())
    kept = options.out / f"{options.data.stem}-{told.hexdigest()[:8]}.npz"
    if kept.exists():
        model = ARBAL.load(kept)
    began = model.n_rounds_ if kept.exists() else 0
    if began:
        console.print(f"{model.n_labels_} labels so far; going on with row {began + 1} of {len(X)}.", highlight=False)
    for i in range(began, len(X)):
        wanted, p = model.ask(X[i])
        if wanted and not _answered(model, names, X, i, p, kept, options, console):
            break
        if not wanted and i % 50 == 49:
            model.save(kept)
    return _predicted(model, X, options, console)


def _model(options: Arbal, rows: int) -> ARBAL:
    return ARBAL(
        delta=options.delta,
        regions=options.regions,
        gain=options.gain,
        split_phase=max(rows // 2, 1),
        split_slack=options.split_slack,
        cuts=options.cuts,
        random_state=options.seed,
        n_warm=min(50, max(rows // 4, 10)),
        refit=True,
    )


def _answered(
    model: ARBAL, names: list[str], X: np.ndarray, i: int, p: float, kept: Path, options: Arbal, console: Console
) -> bool:
    """Ask for one label; False if the person stops. An answer that is no class is asked for again."""
    shown = "  ".join(f"{name}={value:g}" for name, value in zip(names, X[i], strict=True))
    console.print(f"row {i + 1} of {len(X)} (asked with chance {p:.2f}): {shown}", highlight=False, markup=False)
    while True:
        try:
            answer = console.input("class (q stops): ").strip()
        except EOFError:
            return False
        if answer in STOP:
            return False
        if options.classes and answer not in options.classes:
            console.print(f"Answer {options.classes[0]} or {options.classes[1]}.", markup=False)
            continue
        try:
            model.tell(X[i], answer, p)
        except ValueError as error:
            console.print(str(error), markup=False)
            continue
        model.save(kept)
        return True


def _predicted(model: ARBAL, X: np.ndarray, options: Arbal, console: Console) -> int:
    """Write the likelier class of every row."""
    assert options.data is not None
    try:
        classes = model.predict(X)
    except NotFittedError as error:
        raise WrongInputError(f"No predictions yet: {error} The same command goes on.") from None
    path = options.out / f"{options.data.stem}.predictions.csv"
    text = io.StringIO()
    csv.writer(text).writerows([("row", "class"), *((i + 1, c) for i, c in enumerate(classes))])
    with replacing(path) as file:
        file.write(text.getvalue().encode())
    console.print(
        f"{model.n_labels_} labels for {model.n_rounds_} rows, {len(model.regions_)} regions. Predictions of all rows: "
        f"{path}",
        highlight=False,
        soft_wrap=True,
    )
    return 0
