"""Command line: `python -m inertialab.theory list`, `show ID`, `where ID` and `check`."""

import argparse
import sys
from importlib import import_module

from inertialab.theory import CLAIMS, NotProvenError, claim
from inertialab.theory.ledger import ledger, summary
from inertialab.theory.show import show


def main(argv: list[str] | None = None) -> int:
    """Print or check claims; return 0, 1 when a derivation does not follow, or 2 on wrong input."""
    args = _parser().parse_args(argv)
    if args.command == "list":
        width = max(len(c.id) for c in CLAIMS)
        print("\n".join(f"{c.id:{width}}  {c.kind:10}  {c.title}" for c in CLAIMS))
        return 0
    if args.command == "check":
        return _check(fresh=args.fresh)
    try:
        print(_where(args.id, missing=args.missing) if args.command == "where" else show(claim(args.id)))
    except NotProvenError as error:
        print(f"The derivation of {args.id} fails. {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inertialab.theory", description="The claims and their derivations."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list all claims, one a line")
    shower = commands.add_parser("show", help="derive one claim and print its statement, regime, steps and source")
    shower.add_argument("id", help="permanent name, for example sgd.stationary-variance")
    finder = commands.add_parser("where", help="file and line of derivation, rows of the docket, studies and records")
    finder.add_argument("id", help="a claim, a study or an optimizer")
    finder.add_argument("--missing", action="store_true", help="say what it still lacks")
    checker = commands.add_parser("check", help="derive every claim; count what is proven, checked and assumed")
    checker.add_argument("--fresh", action="store_true", help="derive again even if the sources have not changed")
    return parser


def _where(id: str, *, missing: bool) -> str:
    """Places in the source, by the package that stands above this one and knows them; found by name, where it is."""
    try:
        above = import_module("inertialab.verification.where")
    except ModuleNotFoundError as error:
        raise ValueError(f"`where` reads inertialab.verification, which cannot be imported here: {error}.") from None
    if not missing:
        return "\n".join(map(str, above.places(id)))
    return "\n".join(above.missing(id)) or "Nothing."


def _check(*, fresh: bool) -> int:
    entries, recorded = ledger(CLAIMS, fresh=fresh)
    print("\n".join(map(str, entries)), "", *summary(entries), sep="\n")
    seconds = sum(e.seconds for e in entries)
    origin = "taken from the record of the same sources" if recorded else "derived now"
    print(f"\nDerivations took {seconds:.0f} s; {origin}.")
    return int(any(e.failure for e in entries))


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stdout = None
