"""Where messages of training go: standard output, or Python's `logging`."""

from __future__ import annotations

import logging
import sys

from chainrule.base import config

__all__ = ["ask_to_proceed_with_overwrite", "plain", "print_msg", "set_logging_verbosity"]

_PLAIN = str.maketrans({"━": "=", "─": "-", "┃": "|", "│": "|", **dict.fromkeys("┏┳┓┡╇┩├┼┤└┴┘", "+")})


def print_msg(message: str, line_break: bool = True) -> None:
    """Write `message` to standard output, or log it where interactive logging is off.

    Characters that the terminal cannot show are replaced.
    """
    if not config.is_interactive_logging_enabled():
        logging.getLogger("chainrule").info(message.strip())
        return
    write_text(f"{message}\n" if line_break else message)
    if sys.stdout is not None:
        sys.stdout.flush()


def write_text(text: str) -> None:
    """Write to the present `sys.stdout`, if there is one, in characters its encoding has."""
    if sys.stdout is None:  # a Windows program without a console
        return
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError as error:
        sys.stdout.write(plain(text, error.encoding))


def plain(text: str, encoding: str) -> str:
    """The text in characters that the encoding has: lines of `=`, `-`, `|` and `+`, else `?`.

    Examples
    --------
    >>> plain("┡━┩ naïve", "ascii"), plain("└ naïve", "latin-1")
    ('+=+ na?ve', '+ naïve')
    """
    return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)


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
