"""Parts of a long run that are done, on disk after each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inertialab.experiments import store


class Kept(dict[str, Any]):
    """Parts by name, tensors or plain values; taken up again only by the same run.

    Args:
        path: The file.
        key: What the run is made of.
    """

    def __init__(self, path: Path, key: str):
        super().__init__()
        self.path, self.key = path, key
        try:
            found = torch.load(path, weights_only=True)
        except Exception:  # a file that is not whole can fail in any way; the run then begins anew
            return
        if isinstance(found, dict) and found.get("key") == key and isinstance(found.get("kept"), dict):
            super().update(found["kept"])

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value if isinstance(value, Tensor) else store.plain(value))
        with store.replacing(self.path) as file:
            torch.save({"key": self.key, "kept": dict(self)}, file)
