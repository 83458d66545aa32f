"""Source of compiled loops over particles, generated from a system's statements.

Particles lie in blocks of `LANES`; a block, shape (rows, LANES), stays in cache while it makes all steps of
a chunk.
"""

from __future__ import annotations

import sympy as sp

from inertialab.experiments.codegen import (
    Statement,
    depends_on_step_alone,
    gradients,
    mean_statement,
    phases,
    rows,
    source,
)
from inertialab.experiments.laws import normal
from inertialab.experiments.system import System
from inertialab.theory.symbols import k

_LOOP = """\
            busy = 0
            for j in range(LANES):
                busy += {check}
            if busy:
                for j in range(LANES):
{action}
"""
_HEIGHT = "S[0, j]"
"""What boundaries are compared with: the first coordinate, where nothing else is asked for."""
_UP = f"sign * ({_HEIGHT} - boundary) >= F(0.0)"
_DOWN = f"sign * ({_HEIGHT} - lower) < F(0.0)"
_MEASURED = "_height"
_KEEP = """\
                        if filled[block] < CAPACITY:
                            pool[block, filled[block]] = S[:, j]
                        filled[block] += 1
                        events += 1
"""
_RESTART = """\
                        for r in range(S.shape[0]):
                            S[r, j] = fresh[r]
"""
PASSAGES: dict[str, tuple[str, str]] = {
    "": ("", ""),
    # Who passes the boundary is counted and starts again.
    "respawn": (_UP, f"                    if {_UP}:\n                        events += 1\n{_RESTART}"),
    # The step at which each passes first is kept; it starts again, so that none runs away behind the boundary.
    "first": (
        _UP,
        f"                    if {_UP}:\n                        if times[block, j] < 0:\n"
        "                            times[block, j] = start + step\n                            events += 1\n"
        f"{_RESTART}",
    ),
    # Who passes the boundary or falls below the lower level is counted and starts again.
    "leave": (
        f"({_UP}) | ({_DOWN})",
        f"                    if {_UP} or {_DOWN}:\n                        events += 1\n{_RESTART}",
    ),
    # Who rises over the lower level is counted and its state kept, once until it has been below again; who passes the
    # boundary starts again.
    "flux": (
        f"(({_DOWN}) != (times[block, j] == 0)) | ({_UP})",
        f"                    if {_DOWN}:\n                        times[block, j] = 0\n"
        f"                    elif times[block, j] == 0:\n                        times[block, j] = 1\n{_KEEP}"
        f"                    if {_UP}:\n                        times[block, j] = 0\n{_RESTART}",
    ),
    # Each ends above, where its state is kept, or below.
    "trial": (
        f"(times[block, j] == -1) & (({_UP}) | ({_DOWN}))",
        f"                    if times[block, j] == -1 and ({_UP}):\n"
        f"                        times[block, j] = 1\n{_KEEP}"
        f"                    elif times[block, j] == -1 and ({_DOWN}):\n                        times[block, j] = 0\n",
    ),
}
"""What happens at a boundary: a check of all lanes, and what is done where it holds."""


class Loop:
    """Source of the loops of one step, over the lanes of a block.

    Args:
        system: What is simulated.
        aged: Whether every particle has a step count of its own, as it must where particles are born anew; powers
            of constants to it are then carried from step to step.
    """

    def __init__(self, system: System, aged: bool):
        self.system, self.aged = system, aged
        self.rows = rows(system)
        self.scalars: dict[sp.Expr, sp.Symbol] = {}
        self.powers: dict[sp.Expr, sp.Symbol] = {}
        self.temporaries: list[str] = []
        # A loop for each coordinate: one for all of them would not fit into the registers. Gradients come first where
        # they see other coordinates, which must not have moved yet.
        before, after = (_split(part, len(system.landscape.coordinates)) for part in phases(system))
        noisy = [[statement] for statement in gradients(system)]
        if any(self._sees_others(i, e) for i, [(_, e)] in enumerate(noisy)):
            groups = [*noisy, *before]
        else:
            groups = [g + b for g, b in zip(noisy, before, strict=True)]
        if system.map.mean:
            groups += [mean_statement(system), *after]
        self.groups = [[(s, self._hoisted(e)) for s, e in group] for group in groups]
        if (aged and any(k in e.free_symbols for group in self.groups for _, e in group)) or self.powers:
            self.rows += [str(k), *map(str, self.powers.values())]
            ages: list[Statement] = [(k, k + 1), *((p, p * e.base) for e, p in self.powers.items())]  # pyright: ignore
            self.groups.insert(0, ages)

    def _sees_others(self, i: int, expr: sp.Expr) -> bool:
        own = self.system.landscape.coordinates[i]
        return bool(expr.free_symbols & set(self.system.landscape.coordinates) - {own})

    def _hoisted(self, expr: sp.Expr) -> sp.Expr:
        """What depends on the step count alone, once a step; with ages, powers as states of their own."""
        if self.aged:
            found = [e for e in expr.atoms(sp.Pow) if e.exp == k and e.base.is_number]
            for e in found:
                self.powers.setdefault(e, sp.Symbol(f"power_{len(self.powers)}", real=True))
            return expr.xreplace(self.powers)  # subs would rewrite one power by another, and 0**k as all of them
        if expr == k or not expr.args or k not in expr.free_symbols:
            return expr
        if depends_on_step_alone(expr) and isinstance(expr, sp.Expr):
            return self.scalars.setdefault(expr, sp.Symbol(f"scalar_{len(self.scalars)}", real=True))
        return expr.func(*(self._hoisted(a) if isinstance(a, sp.Basic) else a for a in expr.args))

    def initial(self, age: int = 0) -> dict[str, float]:
        """Values of rows that do not start at zero, for particles that have so many steps behind them."""
        ages = {str(k): float(age)} if str(k) in self.rows else {}
        return ages | {str(p): float(e.base) ** age for e, p in self.powers.items()}  # pyright: ignore

    def lines(self) -> list[str]:
        """The loops; symbols that a later loop reads are kept in temporaries."""
        text = [f"{s} = F({source(e)})" for e, s in self.scalars.items()]
        for i, group in enumerate(self.groups):
            written = {str(s) for s, _ in group}
            later = {str(s) for g in self.groups[i + 1 :] for _, e in g for s in e.free_symbols}
            kept = sorted((written & later) - set(self.rows))
            self.temporaries += [name for name in kept if name not in self.temporaries]
            text += ["for j in range(LANES):", *(f"    {line}" for line in self._body(group, kept))]
        return text

    def measured(self, height: sp.Expr) -> list[str]:
        """The loop that evaluates a height in the rows after a step, to be found at `height`."""
        self.temporaries.append(_MEASURED)
        return [
            "for j in range(LANES):",
            *(f"    {line}" for line in self._body([(sp.Symbol(_MEASURED), height)], [_MEASURED])),
        ]

    @property
    def height(self) -> str:
        """Where `measured` puts it."""
        return self._load(_MEASURED)

    def _body(self, group: list[Statement], kept: list[str]) -> list[str]:
        known: set[str] = set()
        loads, body = [], []
        for symbol, expression in group:
            for name in sorted(map(str, expression.free_symbols)):
                if name not in known and (load := self._load(name)):
                    loads.append(f"{name} = {load}")
                known.add(name)
            body.append(f"{symbol} = {source(expression)}")
            known.add(str(symbol))
        written = list(dict.fromkeys(str(s) for s, _ in group))
        stores = [f"S[{self.rows.index(n)}, j] = {n}" for n in written if n in self.rows]
        stores += [f"T[{self.temporaries.index(n)}, j] = {n}" for n in kept]
        return [*loads, *body, *stores]

    def _load(self, name: str) -> str:
        if name in self.rows:
            return f"S[{self.rows.index(name)}, j]"
        if name in self.temporaries:
            return f"T[{self.temporaries.index(name)}, j]"
        if name.startswith(f"{normal}_"):
            return f"F(N[{name.rsplit('_', 1)[1]}, j])"
        return ""


def text(system: System, passage: str = "", given: bool = False, height: sp.Expr | None = None) -> tuple[str, Loop]:
    """Source of the kernel.

    Args:
        system: What is simulated.
        passage: Row of `PASSAGES`.
        given: Take normal numbers from an argument instead of drawing them.
        height: What boundaries are compared with, in symbols of `rows`; the first coordinate by default.
    """
    loop = Loop(system, aged=passage in ("respawn", "leave", "flux", "trial"))
    step, count = loop.lines(), system.normals
    check, action = PASSAGES[passage]
    tail = _LOOP.format(check=check, action=action) if passage else ""
    if passage and height is not None:
        step += loop.measured(height)
        tail = tail.replace(_HEIGHT, loop.height)
    if given:
        draw = ["N = given[step, :, block * LANES : (block + 1) * LANES]"]
    elif count % 2 == 0:
        draw = [
            f"for i in range({count // 2}):",
            "    normals(words, bits, unit, angle, Z[2 * i], Z[2 * i + 1])",
            "N = Z",
        ]
    else:  # an odd number: draw for two steps at a time
        draw = [
            "if step % 2 == 0:",
            f"    for i in range({count}):",
            "        normals(words, bits, unit, angle, Z[2 * i], Z[2 * i + 1])",
            f"N = Z[step % 2 * {count} : step % 2 * {count} + {count}]",
        ]
    lines = [
        "def kernel("
        "state, first_block, seed, chunk, start, steps, given, boundary, lower, sign, fresh, "
        "times, pool, filled):",
        "    events = 0",
        "    words = np.empty((4, LANES), np.uint32)",
        "    bits, angle = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)",
        "    unit = bits.view(np.float32)",
        f"    Z = np.empty(({2 * count}, LANES), np.float32)",
        f"    T = np.empty(({max(1, len(loop.temporaries))}, LANES), state.dtype)",
        "    for block in range(state.shape[0]):",
        "        S = state[block]",
        "        seeded(words, seed, first_block + block, chunk)",
        "        for step in range(steps):",
        *([] if str(k) in loop.rows else ["            k = np.float64(start + step)"]),
        *(f"            {line}" for line in [*draw, *step]),
    ]
    return "\n".join(lines) + "\n" + tail + "    return events\n", loop


def _split(statements: list[Statement], count: int) -> list[list[Statement]]:
    """Statements that come coordinate by coordinate, in lists of one coordinate each."""
    each = len(statements) // count
    return [statements[i * each : (i + 1) * each] for i in range(count)]
