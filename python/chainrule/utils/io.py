"""Where messages of training go: standard output, or Python's `logging`."""

from __future__ import annotations

import logging
import sys

from chainrule import config

__all__ = ["print_msg"]


def print_msg(message: str, line_break: bool = True) -> None:
    """Write `message` to standard output, or log it where interactive logging is off.

    Characters that the terminal cannot show are replaced.
    """
    if not config.is_interactive_logging_enabled():
        logging.getLogger("chainrule").info(message.strip())
        return
    text = f"{message}\n" if line_break else message
    write_text(text)
    sys.stdout.flush()


def write_text(text: str) -> None:
    """Write to the present `sys.stdout`, in characters its encoding has."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        plain = text.replace("━", "=")
        sys.stdout.write(plain.encode(encoding, "replace").decode(encoding))
