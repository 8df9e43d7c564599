"""A folder of structures, and the file of their holograms."""

from __future__ import annotations

from pathlib import Path

import pytest

from equiviz.datasets.proteins.hologram_file import HologramFile
from equiviz.datasets.proteins.hologram_job import project_files
from equiviz.datasets.proteins.hologram_settings import HologramSettings
from equiviz.holograms import Hologram
from tests.holograms.written_protein import helix

SMALL = HologramSettings(n_max=4, l_max=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two proteins of the same file name, one with a name of its own, and one that is none."""
    found = tmp_path / "structures"
    for number, name in enumerate(["a/one.pdb", "b/one.pdb", "b/two.ent"]):
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text(helix(12 + number, number))
    (found / "b" / "bad.cif").write_text("no mmCIF\n")
    (found / "b" / "notes.txt").write_text("no structure, and not asked for\n")
    return found


NAMES = ("structures/a/one.pdb", "structures/b/one.pdb", "structures/b/two.ent")
BAD = "structures/b/bad.cif"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "holograms.h5"


@pytest.fixture
def made(folder: Path, out: Path) -> Path:
    project_files([folder], out, SMALL, workers=1)
    return out


def expect_all(out: Path, folder: Path, settings: HologramSettings = SMALL) -> None:
    """Every structure of the folder, to the last bit of float32."""
    with HologramFile(out) as file:
        assert tuple(file) == file.names == NAMES
        assert list(file.problems) == [BAD]
        for name in file:
            found, wanted = file.read(name), settings.project(folder.parent / name)
            assert same(found, wanted)


def same(found: Hologram, wanted: Hologram) -> bool:
    equal = found.coefficients.equal(wanted.coefficients) and found.classes.equal(wanted.classes)
    words = (found.sites, found.channels, found.basis, found.name)
    return equal and words == (wanted.sites, wanted.channels, wanted.basis, wanted.name)
