# SymPy's own annotations are partial and reject correct algebra (matrix elements as lists, `subs` without dicts),
# so the type checker is told to leave its objects alone.
from typing import Any

def __getattr__(name: str) -> Any: ...
