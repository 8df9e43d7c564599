"""Molecules from extended-xyz files: are properties found under their names, and bad files refused in words?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.molecules.frames import read_molecules, shared_properties

WATER = """3
{comment}
O 0.0 0.0 0.0 0.1 0.0 0.0
H 0.96 0.0 0.0 -0.1 0.0 0.0
H -0.24 0.93 0.0 0.0 0.0 0.0
"""
FORCES = "Properties=species:S:1:pos:R:3:{name}:R:3"


def written(folder: Path, comment: str, name: str = "water.xyz") -> Path:
    path = folder / name
    path.write_text(WATER.format(comment=comment))
    return path


@pytest.mark.parametrize(
    ("energy", "forces"), [("energy", "forces"), ("REF_energy", "REF_forces"), ("dft_energy", "force")]
)
def test_energies_and_forces_are_found_under_their_usual_names(tmp_path: Path, energy: str, forces: str) -> None:
    (frame,) = read_molecules(written(tmp_path, f'{FORCES.format(name=forces)} {energy}=-2.5 pbc="F F F"'))
    assert float(frame.properties["energy"].values) == -2.5
    assert frame.properties["forces"].values[:, 0].tolist() == [0.1, -0.1, 0.0]
    assert frame.name == "water.xyz[0]"
    assert not frame.structure.node


def test_dipoles_and_polarizabilities_of_tensoap_are_typed(tmp_path: Path) -> None:
    alpha = "9.8 0.1 0.2 0.1 10.3 0.3 0.2 0.3 9.5"
    comment = f'{FORCES.format(name="unused")} mu="-0.7 0.1 0.2 " alpha="{alpha} "'
    (frame,) = read_molecules(written(tmp_path, comment))
    assert str(frame.properties["dipole"].representation) == "1x1o"
    assert frame.properties["dipole"].values.tolist() == [[-0.7, 0.1, 0.2]]
    assert frame.properties["polarizability"].values[0].tolist() == [float(word) for word in alpha.split()]


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name, energy in (("b.xyz", 2.0), ("a.extxyz", 1.0)):
        written(tmp_path, f"{FORCES.format(name='forces')} energy={energy}", name)
    frames = read_molecules(tmp_path)
    assert [frame.name for frame in frames] == ["a.extxyz[0]", "b.xyz[0]"]
    assert shared_properties(frames) == ["energy", "forces"]
    assert torch.cat([frame.properties["energy"].values for frame in frames])[:, 0].tolist() == [1.0, 2.0]


def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected an extended-xyz file or a folder of such files; there is none"):
        read_molecules(tmp_path / "absent.xyz")
    with pytest.raises(DatasetError, match=r"expected files that end in \.xyz"):
        read_molecules(tmp_path)
    bare = written(tmp_path, FORCES.format(name="unused"))
    with pytest.raises(DatasetError, match=r"expected frames with some of energy, forces.*got positions alone"):
        read_molecules(bare)
    with pytest.raises(DatasetError, match="frame 0: energy has a number that is not finite"):
        read_molecules(written(tmp_path, f"{FORCES.format(name='forces')} energy=nan"))
    (tmp_path / "cut.xyz").write_text("3\nenergy=1\nO 0 0 0\n")
    with pytest.raises(DatasetError, match="announces 3 atoms but the file ends after 1"):
        read_molecules(tmp_path / "cut.xyz")
    (tmp_path / "empty.xyz").write_text("0\nenergy=1.0\n")
    with pytest.raises(DatasetError, match="frame 0 has no atoms"):
        read_molecules(tmp_path / "empty.xyz")


def test_two_energies_of_one_frame_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 'Properties=species:S:1:pos:R:3:forces:R:3 energy=1.0 REF_energy=2.0 pbc="F F F"')
    with pytest.raises(DatasetError, match=r"more than one energy: .*REF_energy"):
        read_molecules(path)
