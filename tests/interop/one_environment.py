"""Each foreign package is tested in an environment of its own: mace-torch pins an e3nn that nequip refuses.

`make test-interop` makes the environments from tests/interop/environments/*.txt, and runs each file in its own by
setting EQUIVIZ_INTEROP; everywhere else those files are skipped.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest


def only_in(name: str) -> list[pytest.MarkDecorator]:
    """The marks of a file that needs the environment `name`. There, a package that is missing is a failure."""
    elsewhere = os.environ.get("EQUIVIZ_INTEROP") != name
    return [pytest.mark.interop, pytest.mark.skipif(elsewhere, reason=f"environment {name!r}: make test-interop")]


def importing(statements: str, remembers: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """A fresh process runs `statements` within `undisturbed()`; what each expression is before, inside, and after."""
    told = "print('told:', repr([" + ", ".join(f"repr({expression})" for expression in remembers) + "]))"
    lines = ["import os, random", "import numpy", "import torch", "from equiviz.interop import undisturbed"]
    lines += [told, "with undisturbed():", *(f"    {line}" for line in [*statements.splitlines(), told]), told]
    program = "\n".join(lines)
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    shown = [line.removeprefix("told: ") for line in ran.stdout.splitlines() if line.startswith("told: ")]
    before, inside, after = (ast.literal_eval(line) for line in shown)
    return before, inside, after
