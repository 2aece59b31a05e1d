"""Where messages of training go: standard output, or Python's `logging`."""

from __future__ import annotations

import logging
import sys

from chainrule import config

__all__ = ["ask_to_proceed_with_overwrite", "print_msg", "set_logging_verbosity"]


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


def set_logging_verbosity(level: str) -> None:
    """Which messages of the `chainrule` logger are let through.

    Parameters
    ----------
    level : {"FATAL", "ERROR", "WARNING", "INFO", "DEBUG"}

    Raises
    ------
    ValueError
        For another word.
    """
    if level not in ("FATAL", "ERROR", "WARNING", "INFO", "DEBUG"):
        raise ValueError(
            "Please pass a valid level for logging verbosity. Expected one of 'FATAL', 'ERROR', "
            f"'WARNING', 'INFO', 'DEBUG'. Received: {level!r}"
        )
    logging.getLogger("chainrule").setLevel(level)


def ask_to_proceed_with_overwrite(path: str) -> bool:
    """Ask on the terminal whether to replace a file; whether the answer was yes."""
    answer = ""
    while answer not in ("y", "n"):
        answer = input(f"{path} exists already. Overwrite it? [y/n] ").strip().lower()
    return answer == "y"
