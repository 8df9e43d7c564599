"""Each foreign package is tested in an environment of its own: mace-torch pins an e3nn that nequip refuses.

`make test-interop` makes the environments from tests/interop/environments/*.txt, and runs each file in its own by
setting EQUIVIZ_INTEROP; everywhere else those files are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def only_in(name: str) -> list[pytest.MarkDecorator]:
    """The marks of a file that needs the environment `name`. There, a package that is missing is a failure."""
    elsewhere = os.environ.get("EQUIVIZ_INTEROP") != name
    return [pytest.mark.interop, pytest.mark.skipif(elsewhere, reason=f"environment {name!r}: make test-interop")]


def importing(statements: str, remembers: str) -> tuple[str, str, str]:
    """A fresh process runs `statements` within `undisturbed()`; what `remembers` prints before, inside, and after."""
    indented = "\n    ".join(statements.splitlines())
    program = "import os, random\nimport numpy\nimport torch\nfrom equiviz.interop import undisturbed\n"
    shown = f"print('told:', {remembers})"
    program += f"{shown}\nwith undisturbed():\n    {indented}\n    {shown}\n{shown}\n"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    before, inside, after = (line for line in ran.stdout.splitlines() if line.startswith("told: "))
    return before, inside, after
