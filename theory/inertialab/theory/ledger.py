"""The ledger of all derivations: what is proven, what is only checked or assumed, and where publications part."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sympy as sp

from inertialab.theory.derivation import NotProvenError
from inertialab.theory.parting import parting
from inertialab.theory.statement import Claim

CHECKED = ("proven", "checked numerically", "assumed")


@dataclass(frozen=True)
class Entry:
    """What deriving one claim has shown.

    Attributes:
        id: The claim.
        kind: exact, asymptotic, attributed or conjecture.
        proven: Steps proven, the final statement among them.
        numerical: Steps that were only compared as numbers.
        assumed: Steps taken for granted.
        seconds: Time the derivation took.
        relation: How a published formula stands to the derived one; empty where there is none to compare.
        difference: The comparison as text.
        instead: What is true instead.
        failure: Why the derivation does not follow; empty when it does.
    """

    id: str
    kind: str
    proven: int = 0
    numerical: int = 0
    assumed: int = 0
    seconds: float = 0.0
    relation: str = ""
    difference: str = ""
    instead: str = ""
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return f"{self.id:38} FAILS: {self.failure}"
        counts = f"{self.proven:3} proven {self.numerical:3} checked numerically {self.assumed:3} assumed"
        return f"{self.id:38} {counts}  {self.relation}".rstrip()


def entry(claim: Claim) -> Entry:
    """Derive a claim and count its steps."""
    start = time.perf_counter()
    try:
        statuses = [step.status for step in claim.steps]
        found = parting(claim)
    except NotProvenError as error:
        return Entry(claim.id, claim.kind, seconds=time.perf_counter() - start, failure=str(error))
    proven, numerical, assumed = (statuses.count(status) for status in CHECKED)
    return Entry(
        claim.id,
        claim.kind,
        proven + 1,
        numerical,
        assumed,
        time.perf_counter() - start,
        *((found.relation, f"{found.step.lhs} = {sp.sstr(found.step.rhs)}", found.instead) if found else ("", "", "")),
    )


def ledger(claims: Iterable[Claim], *, fresh: bool = False) -> tuple[list[Entry], bool]:
    """Derive all claims, or take the record of the same sources.

    Args:
        claims: The claims.
        fresh: Derive even if there is a record.

    Returns:
        One entry per claim, and whether they came from the record.
    """
    path = cache()
    if path.exists() and not fresh:
        return [Entry(**row) for row in json.loads(path.read_text())], True
    entries = [entry(claim) for claim in claims]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps([asdict(e) for e in entries], indent=1))
    partial.replace(path)
    return entries, False


def cache() -> Path:
    """Where the record of these very sources and this SymPy lies."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inertialab"
    digest = hashlib.sha256(sp.__version__.encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return folder / f"ledger-{digest.hexdigest()[:16]}.json"


def summary(entries: Sequence[Entry]) -> list[str]:
    """Totals, the share proven, and every place where a published formula and its derivation part."""
    derived = [e for e in entries if e.kind != "attributed" and not e.failure]
    share = sum(e.proven for e in derived) / max(1, sum(e.proven + e.numerical + e.assumed for e in derived))
    totals = [sum(getattr(e, name) for e in entries) for name in ("proven", "numerical", "assumed")]
    lines = [
        f"{len(entries)} claims: {totals[0]} steps proven, {totals[1]} checked numerically, {totals[2]} assumed; "
        f"of the steps of derived claims {share:.1%} are proven.",
        "",
        "Where a published or approximate formula and the derivation part, or agree under conditions only:",
    ]
    for e in entries:
        if e.relation not in ("", "identical") or e.instead:
            lines += [f"  {e.id} ({e.relation}): {e.difference}"] + ([f"    {e.instead}"] if e.instead else [])
    return lines
