"""The campaign of faults, from its committed record."""

from collections.abc import Mapping
from typing import Any

from tables import table

HEADER = ("fault", "of", "tries", "lost", "twice", "believed", "different", "exit code", "what it says")


def shown(content: Mapping[str, Any]) -> str:
    """A row for each fault; a count that a fault does not have is left empty."""
    names = ("fault", "subject", "tries", "lost", "twice", "believed", "different", "exit code", "said")
    rows = [[str(row.get(name, "")).replace("|", "/") for name in names] for row in content["rows"]]
    kills = sum(row["tries"] for row in content["rows"] if row["fault"].startswith("SIGKILL"))
    growth = max(row["growth of memory"] for row in content["rows"] if row["fault"] == "a long run")
    grew = f"Memory grew by {growth:.1%} at most in long runs of small tasks."
    return f"{table(HEADER, rows)}\n\n{kills} kills in all. {grew}"
