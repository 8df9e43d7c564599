"""Does every format give the structure that its file describes, and does a wrong file say where it is wrong?"""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest
import torch

from equiviz.structures import Graph, Structure, StructureError, read

SAMPLES = Path(__file__).parent / "sample_files"


def test_extended_xyz_gives_cell_periods_and_typed_attributes() -> None:
    water = read(SAMPLES / "water.extxyz")
    assert water.labels == ["O", "H", "H"]
    assert water.cell.tolist() == [[6, 0, 0], [1, 7, 0], [0.5, 0.25, 8]]
    assert water.pbc == (True, True, False)
    assert {name: str(item.representation) for name, item in {**water.node, **water.graph}.items()} == {
        "forces": "1x1o",
        "magmoms": "1x1e",
        "charges": "1x0e",
        "energy": "1x0e",
        "stress": "rank-2 polar",
    }
    assert water.node["forces"].values[0].tolist() == [0.1, -0.2, 0.3]
    assert water.graph["energy"].values.item() == -14.25


def test_an_unusual_attribute_is_typed_on_request() -> None:
    water = read(SAMPLES / "water.extxyz", attributes={"mu": "1o", "site": "0e"})
    assert water.graph["mu"].values.tolist() == [[0.0, 0.1, 1.8]]
    assert water.node["site"].values.flatten().tolist() == [7, 8, 9]
    with pytest.raises(StructureError, match=r"water.extxyz.*'mu' as 2x1o must be numbers of shape \[6\], got \[3\]"):
        read(SAMPLES / "water.extxyz", attributes={"mu": "2x1o"})


def test_frames_are_chosen_by_index_or_slice() -> None:
    path = SAMPLES / "water.extxyz"
    assert [len(frame) for frame in read(path, slice(None))] == [3, 2]
    assert len(read(path, 1)) == len(read(path, -1)) == 2
    with pytest.raises(StructureError, match="no frame 2: the file holds 2"):
        read(path, 2)


def test_model_liquid_takes_names_of_its_types() -> None:
    liquid = read(SAMPLES / "liquid.xyz", species_names=("A", "B"))
    assert liquid.species.tolist() == [0, 1, 0, 0]
    assert liquid.labels == ["A", "B", "A", "A"]
    with pytest.raises(StructureError, match=r"line 3: 'A' is no chemical symbol. .* species_names=\{1: 'A', 2: 'B'\}"):
        read(SAMPLES / "liquid.xyz")


def test_names_go_by_type_number_and_survive_a_file(tmp_path: Path) -> None:
    from ase.io import write

    names = {1: "A", 2: "B"}
    liquid = read(SAMPLES / "liquid.xyz", species_names=names)
    assert (liquid.species.tolist(), liquid.labels) == ([1, 2, 1, 1], ["A", "B", "A", "A"])
    write(tmp_path / "again.extxyz", liquid.to_ase())
    again = read(tmp_path / "again.extxyz")
    assert (again.species.tolist(), again.species_names) == ([1, 2, 1, 1], names)


def test_types_may_be_written_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "numbers.xyz"
    path.write_text((SAMPLES / "liquid.xyz").read_text().replace("A ", "1 ").replace("B ", "2 "))
    assert read(path).species.tolist() == read(path, species_names={1: "A", 2: "B"}).species.tolist() == [1, 2, 1, 1]
    with pytest.raises(StructureError, match="species '2' is none of A; complete species_names"):
        read(path, species_names={1: "A"})


@pytest.mark.parametrize(
    ("comment", "title"),
    [("Na Cl Na Cl", "Cl2Na2"), ("rock salt", "rock salt"), ("", "POSCAR"), ("In a box", "In a box")],
)
def test_a_poscar_is_called_by_its_comment_or_by_its_formula(tmp_path: Path, comment: str, title: str) -> None:
    rows = ["1.0", "4 0 0", "0 4 0", "0 0 8", "Na Cl", "2 2", "Direct", "0 0 0", "0 0 .5", ".5 .5 .25", ".5 .5 .75"]
    (tmp_path / "POSCAR").write_text("\n".join([comment, *rows]) + "\n")
    assert read(tmp_path / "POSCAR").name == title


@pytest.mark.parametrize("name", ["liquid.xyz", "water.extxyz", "POSCAR"])
def test_a_file_without_a_unit_takes_that_of_the_caller(name: str) -> None:
    names = ("A", "B") if name == "liquid.xyz" else ()
    plain, told = (read(SAMPLES / name, species_names=names, length_unit=unit) for unit in (None, "sigma"))
    assert (plain.length_unit, told.length_unit) == ("Å", "sigma")
    assert torch.equal(plain.positions, told.positions)  # nothing is converted


@pytest.mark.parametrize("name", ["glycine.pdb", "glycine.mmcif", "rutile.cif"])
def test_a_file_whose_unit_is_known_refuses_another(name: str) -> None:
    assert read(SAMPLES / name, length_unit="Å").length_unit == "Å"
    with pytest.raises(
        StructureError, match=rf"{name}: .* in Å, but length_unit='sigma' was passed; leave length_unit out"
    ):
        read(SAMPLES / name, length_unit="sigma")


def test_a_remembered_unit_is_not_overruled(tmp_path: Path) -> None:
    from ase.io import write

    liquid = read(SAMPLES / "liquid.xyz", species_names=("A", "B"), length_unit="sigma")
    write(tmp_path / "again.extxyz", liquid.to_ase())
    again = tmp_path / "again.extxyz"
    assert read(again).length_unit == read(again, length_unit="sigma").length_unit == "sigma"
    with pytest.raises(StructureError, match="in sigma, but length_unit='Å' was passed"):
        read(again, length_unit="Å")


@pytest.mark.parametrize("name", ["water.extxyz", "POSCAR", "rutile.cif"])
def test_same_as_ase(name: str) -> None:
    from ase.io import read as ase_read

    ours, theirs = read(SAMPLES / name), ase_read(SAMPLES / name, index=0)
    assert ours.species.sort().values.tolist() == sorted(theirs.numbers.tolist())
    offsets = ours.positions[:, None] - torch.tensor(theirs.positions)  # [N, N, 3]
    hops = torch.linalg.solve(
        ours.cell.T, offsets.flatten(0, 1).T
    ).T  # which image of an atom is chosen does not matter
    apart = ((hops - hops.round()) @ ours.cell).norm(dim=1).reshape(len(ours), -1)
    assert apart.min(dim=1).values.max() < 1e-9
    assert torch.equal(ours.species, torch.tensor(theirs.numbers)[apart.argmin(dim=1)])
    assert len(apart.argmin(dim=1).unique()) == len(theirs)
    torch.testing.assert_close(ours.cell, torch.tensor(theirs.cell.array), rtol=0, atol=1e-12)
    assert ours.pbc == tuple(theirs.pbc)


def test_cif_symmetry_gives_the_known_bond_lengths_of_rutile() -> None:
    rutile = read(SAMPLES / "rutile.cif")
    graph = Graph.from_structures(rutile, 2.2, torch.float64)
    titanium = graph.species[graph.receivers] == 22
    lengths = graph.edge_vectors.norm(dim=1)[titanium & (graph.receivers == graph.receivers[titanium][0])]
    # From the cell in the file: apical sqrt(2) x a; equatorial sqrt(2 (1/2 - x)^2 a^2 + c^2 / 4).
    a, c, x = 4.5937, 2.9587, 0.3053
    expected = [math.sqrt(2 * (0.5 - x) ** 2 * a**2 + c**2 / 4)] * 4 + [math.sqrt(2) * x * a] * 2
    torch.testing.assert_close(lengths.sort().values, torch.tensor(expected).double(), rtol=1e-7, atol=0)


def test_pdb_and_mmcif_agree() -> None:
    pdb, cif = read(SAMPLES / "glycine.pdb"), read(SAMPLES / "glycine.mmcif")
    assert pdb.labels == cif.labels == ["N", "C", "C", "O", "Zn"]
    assert torch.equal(pdb.positions, cif.positions)
    assert torch.equal(pdb.node["b_factor"].values, cif.node["b_factor"].values)
    assert pdb.pbc == (False, False, False)
    torch.testing.assert_close(pdb.cell, cif.cell)
    assert read(SAMPLES / "glycine.pdb", 1).positions[0, 0].item() == 1.56


@pytest.mark.parametrize("name", ["water.extxyz", "glycine.pdb", "rutile.cif", "POSCAR"])
def test_gzip_reads_the_same(name: str, tmp_path: Path) -> None:
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((SAMPLES / name).read_bytes()))
    assert torch.equal(read(packed).positions, read(SAMPLES / name).positions)


def test_what_ase_writes_comes_back_typed(tmp_path: Path) -> None:
    from ase.io import write

    water = read(SAMPLES / "water.extxyz", attributes={"mu": "1o"})
    write(tmp_path / "again.extxyz", water.to_ase())
    again = read(tmp_path / "again.extxyz")
    assert str(again.graph["mu"].representation) == "1x1o"
    torch.testing.assert_close(again.node["magmoms"].values, water.node["magmoms"].values)
    torch.testing.assert_close(again.cell, water.cell)


XYZ = "2\nProperties=species:S:1:pos:R:3\nH 0 0 0\nH 0 0 {}\n"
PDB = "ATOM      1  N   GLY A   1    {:>8}   0.000   0.000  1.00 11.50           N\n"
REFUSED = {
    "nan.extxyz": (XYZ.format("nan"), r"nan.extxyz, line 4: a coordinate is not finite: \[0.0, 0.0, nan\]"),
    "word.extxyz": (XYZ.format("zero"), "line 4: expected a number, got 'zero'"),
    "short.extxyz": (XYZ.format(""), "line 4: atom 1: expected 4 columns, got 3"),
    "count.xyz": ("two\n\n", "line 1: expected the number of atoms of the next frame, got 'two'"),
    "many.xyz": ("99999999999\n\n", "line 1: 99999999999 atoms; expected 0 to 1000000"),
    "end.xyz": ("3\n\nH 0 0 0\n", "line 1: the frame announces 3 atoms but the file ends after 1"),
    "flat.extxyz": ('1\nLattice="1 0 0 1 0 0 0 0 1" Properties=species:S:1:pos:R:3\nH 0 0 0\n', "span no volume"),
    "columns.extxyz": (
        "1\nProperties=species:S:1:pos:R:2\nH 0 0\n",
        "line 2: Properties must name species:S:1 and pos:R:3",
    ),
    "word.pdb": (PDB.format("oops"), "line 1: expected a finite coordinate in columns 31-54, got '    oops'"),
    "nan.pdb": (PDB.format("nan"), "line 1: expected a finite coordinate in columns 31-54, got '     nan'"),
    "POSCAR": ("x\n1.0\n1 0 0\n0 1 0\n0 0 1\nH\n99999999\nDirect\n", "line 7: 99999999 atoms; expected 0 to 1000000"),
    "a.cif": ("data_a\nloop_\n_atom_site_fract_x\n", "the unit cell is missing or has no volume"),
    "b.mmcif": ("data_b\n_cell.length_a 1\n", "no atoms: the file has no _atom_site"),
    "c.docx": ("", r"unknown format '.docx'; expected POSCAR or one of \['.cif'"),
    "d.xyz.gz": ("not gzip", "cannot be read: Not a gzipped file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_file_says_where_and_why(name: str, tmp_path: Path) -> None:
    text, message = REFUSED[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(StructureError, match=message) as caught:
        read(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def test_missing_and_oversized_files_are_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="no such file"):
        read(tmp_path / "absent.xyz")
    bomb = tmp_path / "bomb.xyz.gz"
    bomb.write_bytes(gzip.compress(b"\n" * 20_000_000))
    assert bomb.stat().st_size < 30_000
    with pytest.raises(StructureError, match="more than 1000000 bytes of text; split the file, or raise max_bytes"):
        read(bomb, max_bytes=1_000_000)


def test_real_molecules_and_proteins(real_data: Path) -> None:
    silicon = read(real_data / "molecules/silicon/sitraj.xyz")
    assert (len(silicon), silicon.pbc) == (64, (True, True, True))
    assert {"forces"} <= set(silicon.node)
    assert {"energy", "stress"} <= set(silicon.graph)
    protein = read(real_data / "proteins/1PGA.pdb")
    assert isinstance(protein, Structure)
    assert protein.composition["S"] == 1
    assert protein.node["b_factor"].values.min() > 0
