"""Does the job go on wherever it was stopped, whoever is killed, and tell what became of each file?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from typer.testing import CliRunner

from equiviz.cli import app
from equiviz.datasets.proteins import hologram_job
from equiviz.datasets.proteins.hologram_file import HologramFile, HologramWriter, Projected, Refused
from equiviz.datasets.proteins.hologram_job import KILLED, project_files
from equiviz.datasets.proteins.hologram_settings import HologramSettings
from equiviz.holograms import Hologram, project
from tests.datasets.dying import die_once
from tests.datasets.hologram_folder import BAD, NAMES, SMALL, expect_all, same
from tests.datasets.hologram_folder import folder as folder
from tests.datasets.hologram_folder import made as made
from tests.datasets.hologram_folder import out as out
from tests.holograms.written_protein import helix

# --- going on ---------------------------------------------------------------------------------------------------------


def test_what_is_done_is_not_done_again(folder: Path, made: Path) -> None:
    before = made.read_bytes()
    for name in NAMES:
        os.utime(folder.parent / name)  # a copy of the folder has other times
    (folder / "b" / "bad.cif").unlink()
    summary = project_files([folder], made, SMALL, workers=1)
    assert (summary.asked, summary.projected, summary.before, summary.problems) == (3, 0, 3, {})
    assert made.read_bytes() == before


def test_a_structure_that_changed_is_projected_anew(folder: Path, made: Path) -> None:
    (folder / "a" / "one.pdb").write_text(helix(12, seed=9))
    (folder / "b" / "two.ent").write_text("no more\n")
    (folder / "b" / "bad.cif").rename(folder / "b" / "gone")
    summary = project_files([folder], made, SMALL, workers=1)
    assert (summary.projected, summary.before) == (1, 1)
    with HologramFile(made) as file:
        assert same(file.read("a/one.pdb"), SMALL.project(folder / "a" / "one.pdb"))
        assert list(file.problems) == [BAD, NAMES[2]]
        assert file.names == NAMES[:2]


def test_a_refused_file_is_read_again_only_when_it_or_the_package_has_changed(
    folder: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, plain = list[str](), hologram_job.project_file

    def watched(path: Path, settings: HologramSettings) -> hologram_job.Outcome:
        read.append(path.name)
        return plain(path, settings)

    monkeypatch.setattr(hologram_job, "project_file", watched)
    before, why = made.read_bytes(), HologramFile(made).refused(BAD)
    os.utime(folder / "b" / "bad.cif")  # the same content
    known = project_files([folder], made, SMALL, workers=1)
    assert (read, made.read_bytes() == before) == ([], True)
    assert why is not None
    assert (known.projected, known.before, known.unread, known.problems) == (0, 3, 1, {BAD: why.why})
    told = known.describe().splitlines()
    assert told[0] == (
        "4 files: 0 projected now, 3 before, 1 gave none (1 of them unchanged since the last run, and not read again)."
    )
    assert told[1] == f"{made} holds 39 sites of 3 files."
    (folder / "b" / "bad.cif").write_text("no mmCIF either\n")
    assert project_files([folder], made, SMALL, workers=1).unread == 0
    monkeypatch.setattr(hologram_job, "__version__", "0.0.0")
    assert project_files([folder], made, SMALL, workers=1).unread == 0
    assert read == ["bad.cif", "bad.cif"], "the control: what has changed is read"


def test_a_problem_that_may_pass_is_tried_again(folder: Path, made: Path) -> None:
    with HologramWriter(made, SMALL) as file:
        file.refuse(BAD, Refused("a library is absent"))
    again = project_files([folder], made, SMALL, workers=1)
    assert again.unread == 0
    assert "library" not in again.problems[BAD]


def test_the_rate_leaves_out_the_start(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = hologram_job.project_file

    def slow_at_first(path: Path, settings: HologramSettings) -> hologram_job.Outcome:
        if not started:
            started.append(path)
            time.sleep(3)
        return plain(path, settings)

    started = list[Path]()
    monkeypatch.setattr(hologram_job, "project_file", slow_at_first)
    first = project_files([folder / "a"], out, SMALL, workers=1)
    assert (first.rate, first.seconds > 3) == (None, True)
    started.clear()
    summary = project_files([folder / "b"], out, SMALL, workers=1)
    assert summary.rate is not None
    assert summary.rate > summary.sites / summary.seconds


def test_ctrl_c_leaves_a_file_that_is_gone_on_with(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = hologram_job.project_file

    def interrupted(path: Path, settings: HologramSettings) -> hologram_job.Outcome:
        if path.name == "two.ent":
            raise KeyboardInterrupt
        return plain(path, settings)

    with monkeypatch.context() as patch:
        patch.setattr(hologram_job, "project_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            project_files([folder], out, SMALL, workers=1)
    with HologramFile(out) as file:
        assert file.names == NAMES[:2]
    assert project_files([folder], out, SMALL, workers=1).before == 2
    expect_all(out, folder)


def test_an_interruption_in_the_middle_of_writing_leaves_no_half_of_a_hologram(
    made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hologram_job.project_file(folder / "a" / "one.pdb", SMALL)
    assert isinstance(found, Projected)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with HologramWriter(made, SMALL) as file:
        file.add("first", found)
        file.commit()
        file.add("second", found)
        with monkeypatch.context() as patch:
            patch.setattr(h5py.AttributeManager, "update", interrupted)
            with pytest.raises(KeyboardInterrupt):
                file.add("third", found)
    with HologramFile(made) as file:
        assert file.names == ("first", *NAMES)
        assert same(file.read("first"), file.read(NAMES[0]))


def test_progress_is_a_bar_that_counts_what_is_done(
    folder: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_files([folder / "a"], out, SMALL, workers=1)
    assert capsys.readouterr().err == ""
    project_files([folder], out, SMALL, workers=1, progress=True)
    drawn = capsys.readouterr().err
    assert f"{out} has 1 files already; 1 of them are asked for and kept." in drawn
    assert "1/4" in drawn.split("\r")[1]
    assert "4/4" in drawn
    assert "problems=1, sites=27" in drawn


# --- dying ------------------------------------------------------------------------------------------------------------

PROGRAM = """
import os, signal
from pathlib import Path
from equiviz.datasets.proteins.hologram_file import HologramWriter
from equiviz.datasets.proteins.hologram_job import project_files
from equiviz.datasets.proteins.hologram_settings import HologramSettings
from equiviz.datasets.proteins import hologram_job

if __name__ == "__main__":
    hologram_job.COMMIT_EVERY = 0
    plain = HologramWriter.commit

    def commit(file):
        plain(file)
        if len(file) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    HologramWriter.commit = commit
    project_files([{folder!r}], {out!r}, HologramSettings(n_max=4, l_max=2), workers=2)
"""


def test_a_killed_process_leaves_a_file_that_is_gone_on_with(folder: Path, out: Path, tmp_path: Path) -> None:
    """SIGKILL after the second hologram; its workers end too."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(folder=str(folder), out=str(out)))
    killed = subprocess.run([sys.executable, str(script)], capture_output=True, timeout=120, start_new_session=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with HologramFile(out) as file:
        done = file.names
        assert len(done) == 2
    summary = project_files([folder], out, SMALL, workers=1)
    assert (summary.before, summary.projected) == (2, 1)
    expect_all(out, folder)


class Deadly(HologramSettings):
    """Kills the worker that projects two.ent for the first time."""

    def project(self, path: Path) -> Hologram:
        if path.name == "two.ent":
            die_once(path)
        return super().project(path)


@pytest.fixture
def cluster() -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="this needs Dask: pip install 'equiviz[protein]'")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as found:
        yield found.scheduler_address


def test_a_worker_of_a_dask_cluster_that_is_killed_loses_nothing(folder: Path, out: Path, cluster: str) -> None:
    summary = project_files([folder], out, Deadly(n_max=4, l_max=2), scheduler=cluster)
    assert (folder / "b" / "two.ent.flag").exists()
    assert (summary.projected, list(summary.problems)) == (3, [BAD])
    expect_all(out, folder)


def test_a_structure_that_kills_every_worker_is_told(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(function: object, paths: list[Path], count: int) -> Iterator[tuple[Path, None]]:
        yield from ((path, None) for path in paths)

    monkeypatch.setattr(hologram_job, "in_processes", dying)
    assert set(project_files([folder], out, SMALL, workers=2).problems.values()) == {KILLED}


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_what_became_of_the_files(folder: Path, out: Path) -> None:
    arguments = ["holograms", str(folder), "--out", str(out), "--n-max", "4", "--l-max", "2", "--workers", "1"]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    assert "4 files: 3 projected now, 0 before, 1 gave none." in told.stdout
    assert BAD in told.stdout
    expect_all(out, folder)
    again = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert (again["before"], again["projected"], list(again["problems"])) == (3, 0, [BAD])
    assert again["total"] == {"files": 3, "sites": 39}


def test_the_command_passes_its_options_on(folder: Path, out: Path) -> None:
    wanted = HologramSettings(("N", "backbone CA"), "reference", 6, 3, 8.0)
    options = ["--channels", "N, backbone CA", "--norm", "reference", "--n-max", "6", "--l-max", "3", "--radius", "8"]
    arguments = ["holograms", str(folder / "a"), "--out", str(out), "--workers", "1"]
    assert CliRunner().invoke(app, [*arguments, *options]).exit_code == 0
    with HologramFile(out) as file:
        assert file.settings == wanted
        one = folder / "a" / "one.pdb"
        found = project(one, wanted.channels, norm="reference", n_max=6, l_max=3, radius=8.0)
        assert same(file.read("one.pdb"), found)


def test_the_command_ends_with_1_when_nothing_could_be_projected(folder: Path, out: Path) -> None:
    told = CliRunner().invoke(app, ["holograms", str(folder / "b" / "bad.cif"), "--out", str(out), "--workers", "1"])
    assert (told.exit_code, "1 gave none" in told.stdout) == (1, True)
