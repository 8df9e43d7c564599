"""Are atoms moved as stated, and does the energy follow?"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.explain.errors import PerturbationError
from equiviz.explain.proteins.ablation import ablate_hologram
from equiviz.explain.proteins.burial import accuracy_by_burial
from equiviz.explain.proteins.perturbations import noise_response, shear_response, sheared, trajectory_response
from equiviz.explain.proteins.scan import scan
from equiviz.holograms import Protein
from equiviz.holograms.channels import KINDS
from equiviz.models.hcnn import Hcnn
from equiviz.training.recovery import evaluate_recovery


@pytest.fixture
def real(real_data: Path) -> Path:
    return real_data / "proteins" / "1PGA.pdb"


def dihedral(protein: Protein, places: np.ndarray, atoms: list[tuple[int, bytes]]) -> float:
    """In degrees, of atoms given by residue and name."""
    rows = [np.flatnonzero((protein.residue == r) & (protein.atom_names == n))[0] for r, n in atoms]
    a, b, c, d = places[rows]
    first, second = np.cross(b - a, c - b), np.cross(c - b, d - c)
    along = (c - b) / np.linalg.norm(c - b)
    return math.degrees(math.atan2(np.cross(first, second) @ along, first @ second))


def test_shear_turns_two_angles_and_no_bond(real: Path) -> None:
    protein, residue, angle = Protein.read(real), 19, 12.0
    before, after = protein.positions, sheared(Protein.read(real), 19, angle)
    phi = [(residue - 1, b"C"), (residue, b"N"), (residue, b"CA"), (residue, b"C")]
    psi = [(residue - 1, b"N"), (residue - 1, b"CA"), (residue - 1, b"C"), (residue, b"N")]
    assert dihedral(protein, after, phi) - dihedral(protein, before, phi) == pytest.approx(angle)
    assert dihedral(protein, after, psi) - dihedral(protein, before, psi) == pytest.approx(-angle)
    near = np.linalg.norm(before[:, None] - before[None], axis=-1) < 1.7  # bonds
    moved = np.linalg.norm(after[:, None] - after[None], axis=-1)
    np.testing.assert_allclose(moved[near], np.linalg.norm(before[:, None] - before[None], axis=-1)[near], atol=1e-9)
    # The axes are nearly parallel: what comes before stays, and what comes after hardly moves as a whole.
    assert np.abs((after - before)[protein.residue < residue - 1]).max() == 0


def test_shear_by_nothing_changes_nothing(network: Hcnn, real: Path) -> None:
    found = shear_response(network, real, "A", 20, angles=(-10, 0, 10))
    assert found.y[1] == pytest.approx(float(scan(network, real).wild_type_energies.mean()), abs=1e-6)
    assert found.y[0] != found.y[2]


def test_residues_without_a_phi_are_refused(network: Hcnn, real: Path) -> None:
    with pytest.raises(PerturbationError, match="A MET 1 has no phi"):
        shear_response(network, real, "A", 1)
    with pytest.raises(PerturbationError, match="No amino acid 999 in chain 'A'"):
        shear_response(network, real, "A", 999)


def test_noise_is_drawn_anew_and_reproducible(network: Hcnn, written: Path) -> None:
    one, other = (noise_response(network, written, (0, 0.3), draws=3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.y, other.y)
    assert one.y[0] == pytest.approx(float(scan(network, written).wild_type_energies.mean()), abs=1e-6)
    assert one.low[1] < one.y[1] < one.high[1]
    assert one.to_frame()["count"].tolist() == [1, 3]
    with pytest.raises(PerturbationError, match="levels of at least 0"):
        noise_response(network, written, (-1.0,))


def test_a_trajectory_is_followed_frame_by_frame(network: Hcnn, written: Path) -> None:
    protein = Protein.read(written)
    frames = [protein.positions, protein.positions + 7.0, protein.positions * 1.05]
    found = trajectory_response(network, protein, frames, times=(0, 2, 4))
    assert found.y[0] == pytest.approx(found.y[1], abs=1e-6)  # a shift is no change
    assert found.y[0] != pytest.approx(found.y[2], abs=1e-6)
    assert found.varied == "time, ps"
    with pytest.raises(PerturbationError, match="in frame 1"):
        trajectory_response(network, protein, [frames[0], frames[0][:5]])
    with pytest.raises(PerturbationError, match="at least one frame"):
        trajectory_response(network, protein, [])


def test_what_a_network_does_not_read_costs_nothing(network: Hcnn, written: Path) -> None:
    with torch.no_grad():
        degree = network.embed[2].weight
        degree.zero_()
    found = ablate_hologram(network, written)
    frame = found.to_frame().set_index("left_out")
    assert frame.loc["l = 2", "lost"] == 0
    assert frame.loc["l = 2", "cross_entropy_nats"] == pytest.approx(frame.loc["nothing", "cross_entropy_nats"])
    assert frame.loc["C", "cross_entropy_nats"] != pytest.approx(frame.loc["nothing", "cross_entropy_nats"])
    assert "Without channel" in found.describe()
    assert len(found.figure().data[0].x) == len(KINDS) + 3


def test_groups_of_equal_size_from_exposed_to_buried(network: Hcnn, written: Path) -> None:
    found = accuracy_by_burial(network, written, bins=3)
    assert found.counts.tolist() == [10, 10, 10]
    assert (np.diff(found.x) > 0).all()
    assert ((found.low <= found.y) & (found.y <= found.high)).all()
    with pytest.raises(PerturbationError, match="1 to 30 bins for 30 sites, got 31"):
        accuracy_by_burial(network, written, bins=31)


def test_ligands_are_turned_with_what_they_lie_at(real_data: Path) -> None:
    protein = Protein.read(real_data / "proteins" / "6m0j.pdb")
    residue = int(np.flatnonzero((protein.chains == b"A") & (protein.numbers == 300))[0])
    after = sheared(protein, residue, 20.0)
    moved = np.abs(after - protein.positions).max(1) > 0
    sugars = np.flatnonzero((protein.residue_names == b"NAG") & (protein.chains == b"A"))
    amino = np.flatnonzero((protein.classes >= 0)[protein.residue])
    for sugar in sugars:
        own = np.flatnonzero(protein.residue == sugar)
        apart = np.linalg.norm(protein.positions[own][:, None] - protein.positions[amino][None], axis=-1)
        host = protein.residue[amino[apart.min(0).argmin()]]
        assert moved[own].all() == (host >= residue and protein.chains[host] == b"A")
        assert moved[own].all() == moved[own].any()
    assert len(sugars) > 1


def test_one_protein_gives_no_interval_over_proteins(network: Hcnn, written: Path) -> None:
    report = ablate_hologram(network, written)
    assert report.to_frame()["lost_low"].iloc[1:].isna().all()
    assert report.figure().data[0].error_x.array is None
    scored = evaluate_recovery(network, written)
    assert scored.to_dict()["accuracy_interval"] == [None, None]
    assert "30 residues in 1 protein; naming" in scored.describe()


def test_one_draw_gives_no_interval(network: Hcnn, written: Path) -> None:
    found = noise_response(network, written, (0, 0.3), draws=1)
    assert found.low[0] == found.y[0]
    assert np.isnan(found.low[1])
    assert "shade" not in found.describe()
