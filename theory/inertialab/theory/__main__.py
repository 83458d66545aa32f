"""Command line: `python -m inertialab.theory list` and `python -m inertialab.theory show ID`."""

import argparse
import sys

from inertialab.theory import CLAIMS, NotProvenError, claim
from inertialab.theory.show import show


def main(argv: list[str] | None = None) -> int:
    """Print claims; return 0, 1 when a derivation does not follow, or 2 on wrong input."""
    parser = argparse.ArgumentParser(
        prog="python -m inertialab.theory", description="The claims and their derivations."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list all claims, one a line")
    shower = commands.add_parser("show", help="derive one claim and print its statement, regime, steps and source")
    shower.add_argument("id", help="permanent name, for example sgd.stationary-variance")
    args = parser.parse_args(argv)
    if args.command == "list":
        width = max(len(c.id) for c in CLAIMS)
        print("\n".join(f"{c.id:{width}}  {c.kind:10}  {c.title}" for c in CLAIMS))
        return 0
    try:
        print(show(claim(args.id)))
    except NotProvenError as error:
        print(f"The derivation of {args.id} fails. {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
