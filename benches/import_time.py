"""What `import chainrule` costs above `import numpy`, and the size of the wheel.

    python benches/import_time.py
    python benches/import_time.py --wheel target/wheels/chainrule-0.1.0-....whl

Each import runs in a fresh interpreter, by turns: nothing, numpy, chainrule, and chainrule with
the names that a first script uses (its modules are loaded when they are first used). The figures
are medians of the whole process; `above numpy` is the median of the differences within a round.
Where bytecode may be written, the first round leaves it; it does not count.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import installed, interleave, limit_threads, machine, table

IMPORT_MS, WHEEL_MB = 60.0, 8.0  # targets
SCRIPTS = {
    "python": "pass",
    "import numpy": "import numpy",
    "import chainrule": "import numpy, chainrule",
    "and a model": (
        "import numpy, chainrule as keras; "
        "keras.Sequential, keras.layers.Dense, keras.optimizers.Adam, keras.losses, keras.metrics, "
        "keras.callbacks"
    ),
}


def milliseconds(script: str) -> float:
    """Of a fresh interpreter that runs the script."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="default 15")
    parser.add_argument("--wheel", type=Path, help="also show the size of this file")
    options = parser.parse_args()
    limit_threads(2)
    if not installed("chainrule"):
        sys.exit("expected chainrule to be installed, or PYTHONPATH to name the folder it is in")
    print(machine(2))
    calls = {name: functools.partial(milliseconds, script) for name, script in SCRIPTS.items()}
    interleave(calls, 1)
    figures = interleave(calls, options.rounds)
    base = figures["import numpy"]
    above = {n: statistics.median(t - b for t, b in zip(f, base)) for n, f in figures.items()}
    table(
        ("", "ms", "above numpy"),
        [(n, f"{statistics.median(f):.1f}", f"{above[n]:+.1f}") for n, f in figures.items()],
    )
    met = "met" if above["import chainrule"] <= IMPORT_MS else "not met"
    print(f"import chainrule: target at most {IMPORT_MS:.0f} ms above numpy: {met}")
    if options.wheel:
        size = options.wheel.stat().st_size / 1e6
        met = "met" if size <= WHEEL_MB else "not met"
        print(f"wheel: {size:.1f} MB; target at most {WHEEL_MB:.0f} MB: {met}")


if __name__ == "__main__":
    main()
