"""Does the kernel import only torch and the standard library?"""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("scipy", "e3nn", "pandas", "plotly", "sklearn", "ase", "numba")
PROGRAM = f"""
import sys, torch
before = set(sys.modules)
import equiviz.symmetry
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] in {HEAVY!r}))
"""


def test_import_cost() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.strip() == "[]"
