"""Files that are not what was written: records and checkpoints cut short or with a flipped bit."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

from faults.subjects import Subject, ended, forked, outcome, reference, results


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Content cut anywhere, or with one bit flipped anywhere."""
    place = rng.randrange(len(content))
    if rng.random() < 0.3:
        return content[:place]
    return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]


def records_damaged(subject: Subject, folder: Path, tries: int, seed: int) -> dict[str, object]:
    """Damage one record after another; the same command must see it and give the undisturbed results.

    Damage that changes nothing of what a record says, such as a space for another, is no loss.
    """
    rng, wanted = random.Random(seed), reference(subject, folder / "undisturbed")
    place = folder / "undisturbed"
    files = sorted(p for p in place.glob(subject.records) if p.suffixes == [".json"])
    different = unseen = 0
    for _ in range(tries):
        file = rng.choice(files)
        content = file.read_bytes()
        file.write_bytes(damaged(content, rng))
        believed = results(subject, place)
        unseen += any(value != wanted[name] for name, value in believed.items())
        file.write_bytes(content)
    for _ in range(3):
        file = rng.choice(files)
        file.write_bytes(damaged(file.read_bytes(), rng))
    code, _ = outcome(lambda: subject.begin(place), folder / "said")
    different += code != 0 or results(subject, place) != wanted
    return _told("damaged record", subject, tries, unseen, different)


def checkpoints_damaged(subject: Subject, folder: Path, tries: int, seed: int) -> dict[str, object]:
    """Stop a run that keeps a checkpoint, damage that, and go on; the end must be that of an undisturbed run."""
    rng, wanted = random.Random(seed), reference(subject, folder / "undisturbed")
    place, stopped = folder / "stopped", folder / "kept"
    pid = forked(lambda: subject.begin(stopped))
    while not (kept := [p for p in stopped.glob(subject.kept) if ".weights" not in p.name]):
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    ended(pid)
    different = 0
    for _ in range(tries):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(stopped, place)
        file = place / kept[0].name
        file.write_bytes(damaged(file.read_bytes(), rng))
        code, _ = outcome(lambda: subject.begin(place), folder / "said")
        different += code != 0 or results(subject, place) != wanted
    return _told("damaged checkpoint", subject, tries, 0, different)


def _told(fault: str, subject: Subject, tries: int, unseen: int, different: int) -> dict[str, object]:
    return {"fault": fault, "subject": subject.name, "tries": tries, "believed": unseen, "different": different}
