"""How every command line answers: errors as sentences on standard error, and exit codes that tell them apart."""

from __future__ import annotations

import _thread
import errno
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.memory import keep_freed_memory

VERDICT, INPUT, MACHINE, INTERRUPTED, UNREAD = 1, 2, 3, 130, 141
"""Exit codes: a verdict or measurement is not as it should be; wrong input; disk or memory; interrupted; the reader of
a pipe, such as head, has seen enough."""


def refused(sentence: object, code: int = INPUT) -> int:
    """Say a sentence on standard error; returns the exit code."""
    print(sentence, file=sys.stderr)
    return code


def answered(work: Callable[[], int], refusals: tuple[type[Exception], ...], kept: Path) -> int:
    """Do the work of a command; whatever stops it becomes a sentence and an exit code.

    Args:
        work: Returns the exit code.
        refusals: Errors whose text is a sentence about the input, beside `WrongInputError`.
        kept: Folder in which an interrupted run has left its records.
    """
    keep_freed_memory()
    try:
        with _no_interrupt_lost():
            code = work()
        sys.stdout.flush()  # what is still to be written may find no reader, and is seen here
        return code
    except (WrongInputError, *refusals) as error:
        return refused(error)
    except MemoryError as error:
        return refused(f"There is not enough memory for this: {error}. Take fewer or smaller.", MACHINE)
    except BrokenPipeError:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # nor is there anything to say when this process ends
        return UNREAD
    except OSError as error:
        return refused(
            f"{_of_the_machine(error)} Complete records are kept; the same command goes on from them.", MACHINE
        )
    except KeyboardInterrupt:
        sentence = f"Interrupted. Complete records are kept in {kept}; the same command goes on from them."
        return refused(sentence, INTERRUPTED)


def leave(code: int) -> NoReturn:
    """End the process with an exit code; an interrupt that comes while it ends finds all said, and changes nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


@contextmanager
def _no_interrupt_lost() -> Iterator[None]:
    """An interrupt that Python drops, since it fell into a callback from compiled code, comes again a moment later."""
    before = sys.unraisablehook

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is not KeyboardInterrupt:
            return before(dropped)
        later = threading.Timer(0.1, _thread.interrupt_main)
        later.daemon = True
        return later.start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before


def _of_the_machine(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full; make room or choose another --out."
    where = f" at {error.filename}" if error.filename else ""
    return f"The machine refused to read or write{where}: {error.strerror or error}."


def require_writable(folder: Path) -> None:
    """Refuse an output folder that cannot be written, before any work.

    Raises:
        WrongInputError: If it is not a folder or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        why = "a file lies there" if error.errno in (errno.EEXIST, errno.ENOTDIR) else os.strerror(error.errno or 0)
        raise WrongInputError(
            f"--out {folder}: cannot write there ({why}); choose a folder you may write to."
        ) from None
