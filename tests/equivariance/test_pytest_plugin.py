"""Does the fixture work in somebody else's test suite?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUITE = """
import torch

pytest_plugins = ["equiviz.pytest_plugin"]


def test_right(assert_equivariant):
    assert assert_equivariant(lambda x: 2 * x, torch.randn(4, 3).double(), inputs="1o", outputs="1o").passed


def test_wrong(assert_equivariant):
    assert_equivariant(torch.relu, torch.randn(4, 3).double(), inputs="1o", outputs="1o")
"""


def test_the_fixture_passes_and_fails_as_it_should(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "output breaks rotation in its 1o block" in done.stdout
    assert "Cause found: torch.relu acts on the components of 1o" in done.stdout
