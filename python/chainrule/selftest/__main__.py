"""The command: prints the report; exits with 0 where all is right and with 1 where something is not."""

from __future__ import annotations

import argparse
import json
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the selftest.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the command.

    Returns
    -------
    int
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m chainrule.selftest",
        description="Check that chainrule computes rightly on this machine.",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--publish", action="store_true", help="print the digests that a release publishes"
    )
    options = parser.parse_args(arguments)
    from chainrule.selftest import running

    if options.publish:
        print(json.dumps(running.digests(), indent=1))
        return 0
    result = running.run()
    print(result.to_json() if options.json else result)
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
