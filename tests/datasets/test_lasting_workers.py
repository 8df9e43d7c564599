"""Is every item done, whoever dies?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins.lasting_workers import in_processes
from tests.datasets.dying import die_once

ROOT = Path(__file__).resolve().parents[2]


def test_processes_that_die_lose_nothing(tmp_path: Path) -> None:
    """Six items, of which one kills its process once, and one always."""
    paths = [tmp_path / str(k) / name for k, name in enumerate(["once", "fine", "poison", "fine", "fine", "fine"])]
    for path in paths:
        path.parent.mkdir()
    found = list(in_processes(die_once, paths, 2))
    assert len(found) == len(paths)
    assert dict(found) == {path: None if path.name == "poison" else path.name for path in paths}


def test_nothing_is_nothing() -> None:
    assert list(in_processes(die_once, [], 2)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="processes are looked up by signal 0")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    flag, script = tmp_path / "flag", tmp_path / "program.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        "from equiviz.datasets.proteins.lasting_workers import in_processes\nfrom tests.datasets.dying import linger\n"
        "if __name__ == '__main__':\n    list(in_processes(linger, [Path(sys.argv[1])], 1))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script), str(flag)], env=environment) as parent:
        within(30, lambda: flag.exists() and flag.read_text() != "")
        parent.kill()
    worker = int(flag.read_text())
    within(30, lambda: not alive(worker))


def test_a_script_without_a_guard_is_told(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import os\nfrom equiviz.datasets.proteins.lasting_workers import in_processes\n"
        "list(in_processes(os.path.abspath, ['x'], 1))\n"
    )
    told = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert f"{DatasetError.__name__}: Worker processes cannot be started: a script that" in told.stderr


def within(seconds: float, condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{process}/stat").exists() or " Z " not in Path(f"/proc/{process}/stat").read_text()
