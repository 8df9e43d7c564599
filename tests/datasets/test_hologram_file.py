"""Does the file hold what `project` gives, for every structure, whatever is killed on the way?"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from equiviz.datasets.errors import DatasetError, GenerationError
from equiviz.datasets.proteins import hologram_job
from equiviz.datasets.proteins.hdf5_door import encoded
from equiviz.datasets.proteins.hologram_file import HologramFile, HologramWriter, Projected
from equiviz.datasets.proteins.hologram_job import project_files
from equiviz.datasets.proteins.hologram_settings import HologramSettings
from equiviz.datasets.proteins.journaled_file import JournaledFile
from equiviz.holograms import Hologram, HologramError, project
from tests.datasets.hologram_folder import BAD, NAMES, SMALL, expect_all, same
from tests.datasets.hologram_folder import folder as folder
from tests.datasets.hologram_folder import made as made
from tests.datasets.hologram_folder import out as out
from tests.holograms.written_protein import helix

# --- what is in it ----------------------------------------------------------------------------------------------------


def test_every_structure_is_there_as_project_gives_it(folder: Path, out: Path) -> None:
    summary = project_files([folder], out, SMALL, workers=1)
    expect_all(out, folder)
    assert (summary.asked, summary.projected, summary.before, summary.sites) == (4, 3, 0, 12 + 13 + 14)
    assert summary.total == (3, 39)
    (why,) = summary.problems.values()
    assert "bad.cif" in why
    assert f"  {BAD}: {why}" in summary.describe()
    assert "4 files: 3 projected now, 0 before, 1 gave none." in summary.describe()
    with HologramFile(out) as file:
        assert (len(file), file.sites, file.settings) == (3, 39, SMALL)
        assert same(file.read("two.ent"), file.read(NAMES[2]))


def test_the_published_settings_are_the_default(folder: Path, out: Path) -> None:
    project_files([folder / "a"], out, workers=1)
    with HologramFile(out) as file:
        assert same(file.read("one.pdb"), project(folder / "a" / "one.pdb"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one.pdb", "2 files are called 'one.pdb': expected one of structures/a/one.pdb, structures/b/one.pdb"),
        ("three.pdb", "no hologram of 'three.pdb'; expected one of structures/a/one.pdb, "),
        (BAD, "no hologram of 'structures/b/bad.cif'; it gave none: .*bad.cif"),
    ],
)
def test_a_name_that_is_not_there_is_refused_in_words(made: Path, name: str, words: str) -> None:
    with HologramFile(made) as file, pytest.raises(DatasetError, match=words):
        file.read(name)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="such names cannot be there")
def test_hostile_names_of_files_are_names(folder: Path, out: Path) -> None:
    place = os.fsencode(folder)
    hostile = [b"new\nline.pdb", b"\x1b[31mred.pdb", b"\xff\xfe.pdb", b"%2F..%2Fx.pdb", "ß è.pdb".encode(), b"..pdb"]
    for name in hostile:
        Path(os.fsdecode(place + b"/" + name)).write_text(helix(5))
    Path(os.fsdecode(place + b"/\xff.cif")).write_text("none")
    summary = project_files([folder], out, SMALL, workers=1)
    with HologramFile(out) as file:
        assert {os.fsencode(name)[len("structures/") :] for name in file if name not in NAMES} == set(hostile)
        assert all(len(file.read(name)) == 5 for name in file if name not in NAMES)
    assert summary.describe().encode().count(b"\n") == 3
    assert "\\udcff.cif" in summary.describe()
    assert project_files([folder], out, SMALL, workers=1).before == 9


def test_paths_are_seen_from_the_file_wherever_one_stands(folder: Path, made: Path, monkeypatch: object) -> None:
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.chdir(folder / "a")
    summary = project_files(["one.pdb", "../b", folder / "b" / "two.ent"], "../../holograms.h5", SMALL, workers=1)
    assert (summary.asked, summary.before) == (4, 3)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_paths_that_are_not_there_are_refused(folder: Path, out: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: no such file or folder"):
        project_files([folder, folder / "nowhere"], out)
    (folder / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"No structure files in .*empty: expected names that end in \.pdb"):
        project_files([folder / "empty"], out)
    with pytest.raises(DatasetError, match="No structure files in no path"):
        project_files([], out)
    with pytest.raises(DatasetError, match="at least one worker, got 0"):
        project_files([folder], out, workers=0)
    assert not out.exists()


def test_an_unknown_scheduler_is_refused(folder: Path, out: Path) -> None:
    with pytest.raises(GenerationError, match=r"expected 'local\[2\]' or an address"):
        project_files([folder], out, SMALL, scheduler="local")


def test_impossible_settings_are_refused() -> None:
    for options in ({"channels": ("X",)}, {"norm": "other"}, {"n_max": 99}, {"radius": -1.0}):
        with pytest.raises(HologramError, match=r"Expected|There is no channel 'X'"):
            HologramSettings(**options)


def test_a_file_of_other_settings_is_left_alone(folder: Path, made: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(DatasetError, match=r"other settings \(n_max was 4, now 5, radius was 10\.0, now 9\.0\)"):
        project_files([folder], made, HologramSettings(n_max=5, l_max=2, radius=9.0))
    assert made.read_bytes() == before


@pytest.mark.parametrize("kind", ["text", "empty", "folder", "hdf5", "dangling"])
def test_what_is_not_ours_is_left_alone(folder: Path, out: Path, kind: str) -> None:
    if kind == "folder":
        out.mkdir()
    elif kind == "hdf5":
        with h5py.File(out, "w") as file:
            file["precious"] = np.arange(3)
    elif kind == "dangling":
        out.symlink_to(folder / "elsewhere")
    else:
        out.write_text("precious" if kind == "text" else "")
    before = out.read_bytes() if out.is_file() else None
    with pytest.raises(DatasetError, match="it is left alone: choose another"):
        project_files([folder], out, SMALL, workers=1)
    assert (out.read_bytes() if out.is_file() else None) == before


def test_a_missing_file_is_told(out: Path) -> None:
    with pytest.raises(DatasetError, match="no such file; `equiviz holograms PATHS --out FILE` makes one"):
        HologramFile(out)


def test_two_writers_and_a_reader_beside_a_writer_are_refused(made: Path) -> None:
    with HologramWriter(made, SMALL):
        with pytest.raises(DatasetError, match="another process is writing it"):
            HologramWriter(made, SMALL)
        with pytest.raises(DatasetError, match="another process is writing it"):
            HologramFile(made)
    HologramFile(made).close()


def read_all(path: Path) -> None:
    with HologramFile(path) as file:
        assert file.problems is not None
        for name in file:
            file.source(name)
            assert isinstance(file.read(name), Hologram)
        assert file.sites >= 0


def test_damaged_files_give_an_error_or_a_result(made: Path, out: Path) -> None:
    """Cut anywhere, and with words of its index changed: 60 of each."""
    whole, random = made.read_bytes(), np.random.default_rng(0)
    refused = 0
    for number in range(120):
        content = bytearray(whole)
        if number % 2:
            del content[int(random.integers(len(whole))) :]
        else:
            # The first bytes, where the index stands: coefficients may be any numbers.
            for place in random.integers(0, 4096, 8).tolist():
                content[place] = int(random.integers(256))
        out.write_bytes(content)
        try:
            read_all(out)
        except DatasetError:
            refused += 1
    assert refused > 60


@pytest.mark.parametrize("kind", ["external", "chunks", "link", "soft", "short", "float64", "class", "schema", "norm"])
def test_hostile_files_are_refused(made: Path, kind: str, tmp_path: Path) -> None:
    with h5py.File(made, "r+") as file:
        entry = file["files"][encoded(NAMES[0])]
        values = entry["coefficients"][...]
        if kind in ("external", "chunks", "link", "soft", "short", "float64"):
            del entry["coefficients"]
        if kind == "external":
            secret = [(str(tmp_path / "secret"), 0, values.nbytes)]
            entry.create_dataset("coefficients", values.shape, values.dtype, external=secret)
        elif kind == "chunks":
            entry.create_dataset("coefficients", (10**9, values.shape[1]), "f4", compression="gzip")
        elif kind == "link":
            entry["coefficients"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
        elif kind == "soft":
            entry["coefficients"] = h5py.SoftLink("/nowhere")
        elif kind == "short":
            entry["coefficients"] = values[:3]
        elif kind == "float64":
            entry["coefficients"] = values.astype("f8")
        elif kind == "class":
            entry["classes"][0] = 20
        elif kind == "schema":
            file.attrs["schema"] = 2
        else:
            file.attrs["norm"] = "other"
    with pytest.raises((DatasetError, HologramError), match="xpected"):
        read_all(made)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_full_disk_is_told_and_loses_nothing(
    made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    before, plain, calls = made.read_bytes(), JournaledFile._put, itertools.count()

    def full(file: JournaledFile, start: int, view: memoryview) -> None:
        if next(calls) >= after:
            raise OSError(28, "No space left on device")
        plain(file, start, view)

    found = hologram_job.project_file(folder / "a" / "one.pdb", SMALL)
    assert isinstance(found, Projected)
    monkeypatch.setattr(JournaledFile, "_put", full)

    def fill() -> None:
        with HologramWriter(made, SMALL) as file:
            for name in "abcdefgh":
                file.add(name, found)
                file.commit()

    with pytest.raises(DatasetError, match=r"cannot be read or written: .*No space left"):
        fill()
    monkeypatch.undo()
    read_all(made)
    if after == 0:
        assert made.read_bytes() == before
