"""Are hydrogens, surfaces and charges right, do they reach the coefficients, and is their absence told?"""

import json
import math
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import equiviz
from equiviz.datasets.proteins.protein_set import ProteinSet, structure_files
from equiviz.holograms import HologramError, Neighbourhoods, Protein, project, with_channels, with_hydrogens
from equiviz.holograms.channels import DENSE, PUBLISHED, atom_weights
from equiviz.holograms.charges import partial_charges
from equiviz.holograms.compiled_projection import powers
from equiviz.holograms.projection import neighbourhoods_of
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.holograms.surface import surface
from equiviz.holograms.torch_projection import project_offsets
from equiviz.holograms.zernike import Zernike
from equiviz.models.errors import ConfigError
from equiviz.models.hcnn import HcnnConfig
from equiviz.models.registry import family
from equiviz.structures import StructureError
from equiviz.symmetry import O3, MissingLibrary
from equiviz.training.protein_training import hologram_recipe
from equiviz.training.recovery_training import train_recovery
from tests.holograms.plain_formula import plain
from tests.holograms.test_protein import SETTINGS, mutated
from tests.holograms.written_protein import atom, chain_lines, helix

for library in ("biotite", "hydride", "freesasa"):
    pytest.importorskip(library, reason="pip install 'equiviz[protein]'")

EXACT = 1e-12  # float64: sums of some hundred terms, relative to the largest
IN_A_CHAIN = dict(zip(AMINO_ACIDS, (5, 13, 6, 4, 5, 8, 6, 3, 7, 11, 11, 13, 9, 9, 7, 5, 7, 10, 9, 9), strict=True))
"""Hydrogens of each amino acid between two others, at pH 7 with neutral His: counted in their structural formulas."""


@pytest.fixture(scope="module")
def gb1(real_data: Path) -> Protein:
    return with_channels(Protein.read(real_data / "proteins" / "1PGA.pdb"), PUBLISHED)


@pytest.fixture(scope="module")
def spike(real_data: Path) -> Protein:
    """6M0J: two chains with disulfides, sugars, a zinc ion, and ends that the crystal does not show."""
    return with_hydrogens(Protein.read(real_data / "proteins" / "6m0j.pdb"))


def hydrogens(protein: Protein, residue: int) -> list[str]:
    own = (protein.residue == residue) & (protein.elements == 1)
    return [name.decode() for name in protein.atom_names[own].tolist()]


@pytest.mark.parametrize("name", ["1PGA", "2lzm"])
def test_every_residue_has_the_hydrogens_of_its_formula(real_data: Path, name: str) -> None:
    protein = with_hydrogens(Protein.read(real_data / "proteins" / f"{name}.pdb"))
    for residue in np.flatnonzero(protein.classes >= 0).tolist():
        wanted = IN_A_CHAIN[protein.residue_names[residue].decode()] + 2 * (residue == 0)  # it begins with NH3+
        found = hydrogens(protein, residue)
        assert len(found) == len(set(found)) == wanted, protein.label(residue)
    names = ["H", "H2", "H3", "HA", "HB2", "HB3", "HG2", "HG3", "HE1", "HE2", "HE3"]  # of Met, as the PDB has them
    assert hydrogens(protein, 0) == names


def test_new_hydrogens_stand_at_their_heavy_atom(real_data: Path, gb1: Protein) -> None:
    before = Protein.read(real_data / "proteins" / "1PGA.pdb")
    assert (np.diff(gb1.residue) >= 0).all()
    heavy = gb1.elements != 1
    assert (gb1.positions[heavy] == before.positions).all()
    assert (gb1.atom_names[heavy] == before.atom_names).all()
    away = np.linalg.norm(gb1.positions[~heavy][:, None] - gb1.positions[heavy], axis=2)
    # O-H .97, N-H 1.01, C-H 1.09 Å; the next atom beyond the bond is at least 1.8 Å away
    assert ((away.min(1) > 0.9) & (away.min(1) < 1.15)).all()
    assert (np.partition(away, 1, axis=1)[:, 1] > 1.6).all()
    assert (gb1.residue[heavy][away.argmin(1)] == gb1.residue[~heavy]).all()
    again = with_hydrogens(before)
    assert (again.positions == gb1.positions).all()
    assert with_hydrogens(again) is again


def test_bonds_between_residues_leave_no_place_for_hydrogens(spike: Protein) -> None:
    by_name = {spike.label(k): k for k in range(len(spike.numbers))}
    assert "HG" not in hydrogens(spike, by_name["A CYS 133"]), "it is bonded to Cys 141"
    assert hydrogens(spike, by_name["A ASN 53"]).count("HD21") == 1
    assert "HD22" not in hydrogens(spike, by_name["A ASN 53"]), "it carries a sugar"
    assert hydrogens(spike, by_name["A ZN 901"]) == []
    assert "H1" in hydrogens(spike, by_name["A NAG 903"])
    end = by_name["E GLY 526"]  # the chain goes on, but the crystal does not show where
    assert hydrogens(spike, end) == ["H", "HA2", "HA3"]


def test_hydrogens_of_the_file_are_used(tmp_path: Path, gb1: Protein) -> None:
    assert with_hydrogens(gb1) is gb1
    without = gb1.taken((gb1.elements != 1) | (gb1.residue == 5))
    own = gb1.taken((gb1.elements != 1) | (gb1.residue != 5))
    found = with_hydrogens(without)
    assert len(found) == len(gb1), "the other residues get theirs"
    here, there = found.residue == 5, gb1.residue == 5
    assert (found.positions[here] == gb1.positions[there]).all()
    assert len(with_hydrogens(own)) == len(gb1)


def test_residues_that_nobody_knows_keep_their_atoms(tmp_path: Path) -> None:
    lines = chain_lines(["ALA", "GLY", "SER"])
    lines += [atom(80 + k, f"X{k}", "UNL", 9, np.array([20.0, 1.5 * k, 0.0]), element="C") for k in range(3)]
    lines += [atom(90, "C", "ALA", 30, np.array([40.0, 0.0, 0.0]), chain="B")]
    path = tmp_path / "made.pdb"
    path.write_text("\n".join([*lines, "END", ""]))
    protein = with_channels(Protein.read(path), PUBLISHED)
    assert hydrogens(protein, 0)
    assert (protein.residue == 3).sum() == 3
    assert (protein.residue == 4).sum() == 1, "an atom without bonds is no methane"
    assert np.isfinite(protein.weights["charge"]).all()


def test_surface_is_that_of_freesasa(real_data: Path, gb1: Protein) -> None:
    """Golden: freesasa 2.2.1 on the file itself gives 3,654.2 Å²; both use its radii and 20 slices per atom."""
    import freesasa

    path = real_data / "proteins" / "1PGA.pdb"
    area = gb1.weights["SASA"]
    assert area.sum() == pytest.approx(freesasa.calc(freesasa.Structure(str(path))).totalArea(), rel=1e-6)
    assert area.sum() == pytest.approx(3654.2, rel=1e-4)
    assert not area[gb1.elements == 1].any()
    assert (area >= 0).all()


def test_a_lone_atom_has_the_surface_of_its_sphere(gb1: Protein) -> None:
    lone = replace(gb1.taken(np.arange(len(gb1)) == 0), atom_names=np.array([b"Q1"]), elements=np.array([6], np.uint8))
    # Lee and Richards cut a sphere into slices, which for a free one is exact.
    assert surface(lone).tolist() == pytest.approx([4 * math.pi * (1.70 + 1.4) ** 2], rel=1e-6)
    assert surface(gb1.taken(gb1.elements == 1)).sum() == 0


@pytest.mark.parametrize(("name", "residues"), [("1PGA", 56), ("2lzm", 164)])
def test_charges_sum_to_the_formal_ones(real_data: Path, name: str, residues: int) -> None:
    protein = Protein.read(real_data / "proteins" / f"{name}.pdb")
    sequence = protein.sequences["A"]
    assert len(sequence) == residues
    formal = sum(sequence.count(x) for x in "KR") - sum(sequence.count(x) for x in "DE")  # the ends cancel
    together = partial_charges(protein)
    assert together.sum() == pytest.approx(formal, abs=1e-3)  # float32 of 2,600 atoms
    whole = with_hydrogens(protein)
    each = partial_charges(whole)
    assert each[whole.elements == 1].min() > 0
    moved = with_channels(whole, ("charge",)).weights["charge"]
    assert not moved[whole.elements == 1].any()
    np.testing.assert_allclose(moved[whole.elements != 1], together, atol=1e-6)


def test_charges_of_another_program_are_kept(gb1: Protein) -> None:
    own = replace(gb1, weights={"charge": np.ones(len(gb1))})
    assert (with_channels(own, ("H", "charge")).weights["charge"] == 1).all()
    assert with_channels(own, ("charge",)).weights["charge"].max() == 4, "NH3+"


def test_the_first_row_sums_the_weights(gb1: Protein) -> None:
    """Row n = l = 0 is sqrt(3) Y_00 times the sum; golden: counted in the file, Met-1 has 51 C, 12 N, 17 O, no S."""
    around = neighbourhoods_of(gb1, PUBLISHED)
    hologram = project(around, PUBLISHED, dtype=torch.float64)
    counted = hologram.degree(0)[:, :, 0, 0].numpy() / math.sqrt(3 / (4 * math.pi))  # [S, 7]
    for site in range(len(around)):
        away = np.linalg.norm(gb1.positions - around.centres[site], axis=1)
        near = (away <= 10.0) & (gb1.residue != around.residues[site])
        wanted = [float((gb1.elements[near] == number).sum()) for number in (6, 7, 8, 16, 1)]
        wanted += [float(gb1.weights[name][near].sum()) for name in DENSE]
        np.testing.assert_allclose(counted[site], wanted, atol=1e-9 * max(wanted))
    np.testing.assert_allclose(counted[0, :4], [51, 12, 17, 0], atol=1e-9)


def test_both_projections_give_the_formula_in_all_channels(gb1: Protein) -> None:
    around = neighbourhoods_of(gb1, PUBLISHED, 6.0)
    basis = Zernike(n_max=6, l_max=3, radius=6.0)
    options = {"n_max": 6, "l_max": 3, "dtype": torch.float64}
    weights = atom_weights(around.protein, PUBLISHED)
    arranged = project(around, PUBLISHED, layout="hcnn", **options)
    for degree, block in plain(around, weights, 6, 3, "orthonormal").items():
        wanted = block.reshape(len(block), -1, 2 * degree + 1)
        assert np.abs(arranged[degree] - wanted).max() <= EXACT * np.abs(wanted).max()
    counts = torch.tensor(np.diff(around.first))
    each = torch.tensor(weights[around.neighbours])
    square = each / torch.tensor(powers(around, basis))[:, None]
    for counting, heavy in (("atoms", each), ("square", square)):
        quick = project(around, PUBLISHED, counting=counting, **options).coefficients
        slow = project_offsets(torch.tensor(around.offsets()), heavy, counts, basis)
        torch.testing.assert_close(quick, slow, rtol=0, atol=EXACT * float(slow.abs().max()))


def test_dense_channels_leave_the_others_alone(gb1: Protein) -> None:
    alone, among = project(gb1, ("C", "N", "O", "S", "H")), project(gb1, ("SASA", "C", "N", "O", "S", "H", "charge"))
    for degree in range(6):
        assert among.degree(degree)[:, 1:6].equal(alone.degree(degree))


def test_a_turned_protein_has_turned_coefficients(gb1: Protein) -> None:
    g = O3.inversion() @ O3.rotation([1.0, 2.0, -0.5], 2.2)
    turned = replace(gb1, positions=gb1.positions @ g.matrix.numpy().T)
    before = project(gb1, PUBLISHED, dtype=torch.float64).transform(g).coefficients
    after = project(turned, PUBLISHED, dtype=torch.float64).coefficients
    torch.testing.assert_close(after, before, rtol=0, atol=EXACT * float(before.abs().max()))


def test_what_was_not_calculated_is_refused_in_words(protein: Protein) -> None:
    around = Neighbourhoods.of(protein)
    for channel, words in (
        ("H", "has no hydrogen atoms"),
        ("SASA", "has no such weights"),
        ("charge", "has no such weights"),
    ):
        with pytest.raises(HologramError, match=rf"Channel {channel}: helix {words}.*with_channels"):
            project(around, ("C", channel))
    with pytest.raises(ConfigError, match="hcnn: There is no channel 'X'"):
        HcnnConfig(channels=("C", "X"))


@pytest.mark.parametrize(("library", "channel"), [("hydride", "H"), ("biotite", "charge"), ("freesasa", "SASA")])
def test_a_missing_library_gives_the_install_line(
    protein: Protein, monkeypatch: pytest.MonkeyPatch, library: str, channel: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=rf"{library}.*pip install 'equiviz\[protein\]'"):
        project(protein, ("C", channel))
    project(protein)


def test_impossible_coordinates_are_refused_in_words(protein: Protein) -> None:
    places = protein.positions.copy()
    places[0] = 1e12
    broken = replace(protein, positions=places)
    with pytest.raises(HologramError, match=r"has coordinates beyond 1e\+05 Å"):
        with_hydrogens(broken)
    with pytest.raises(HologramError, match=r"Channel SASA: .*expected at most 4e\+09"):
        surface(broken)


@given(mutated)
@settings(max_examples=40, **SETTINGS)
def test_damaged_files_give_an_error_or_a_result(tmp_path: Path, damaged: tuple[str, bytes]) -> None:
    ending, content = damaged
    path = tmp_path / f"mutated{ending}"
    path.write_bytes(content)
    with suppress(StructureError, HologramError):
        assert project(path, PUBLISHED, n_max=4, l_max=2).coefficients.isfinite().all()


def test_a_network_trains_on_all_channels(tmp_path: Path) -> None:
    folder = tmp_path / "proteins"
    folder.mkdir()
    for k in range(3):
        (folder / f"p{k}.pdb").write_text(helix(22, seed=k))
    (folder / "split.json").write_text(json.dumps({"train": ["p0.pdb", "p1.pdb"], "validation": ["p2.pdb"]}))
    whole = ProteinSet.read(structure_files(folder), channels=PUBLISHED)
    alone = project(folder / "p1.pdb", PUBLISHED)
    rows = np.flatnonzero(whole.source == 1)
    torch.testing.assert_close(project(whole.around, PUBLISHED).coefficients[rows], alone.coefficients)
    config = {"channels": PUBLISHED, "orders": 4, "l_max": 1, "width": 4, "layers": 1, "hidden": 8}
    result = train_recovery(family("hcnn"), folder, tmp_path / "out", hologram_recipe(epochs=2), config, progress=False)
    assert all(math.isfinite(epoch.loss) for epoch in result.epochs[0])
    loaded = equiviz.load(tmp_path / "out")
    found = equiviz.evaluate(loaded, folder)
    assert len(found.classes) == 66
    one = loaded.predict(folder / "p2.pdb")["preferences"].values
    torch.testing.assert_close(found.preferences[44:].float(), one.float(), rtol=0, atol=1e-4)
