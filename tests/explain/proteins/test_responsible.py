"""Do the shares of a decision add up, name the right atoms, and stay when the protein is turned?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from equiviz.explain.proteins.responsible import responsible
from equiviz.explain.proteins.scan import scan
from equiviz.holograms import Protein
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.models.hcnn import Hcnn, HcnnConfig
from equiviz.nn.errors import ModelError
from equiviz.symmetry.field import Field
from tests.explain.proteins.conftest import SMALL


class OnlySulphur(Hcnn):
    """Prefers cysteine by how much sulphur there is: what decides is known."""

    def forward(self, hologram: Hologram) -> dict[str, Field]:  # type: ignore[override]
        place = hologram.channels.index("S")
        amount: Tensor = hologram.degree(0)[:, place].sum((1, 2))
        values = torch.zeros(len(amount), 20, dtype=amount.dtype)
        return {"preferences": Field(values.index_add(1, torch.tensor([4]), amount[:, None]), "20x0e", "node")}


def test_shares_of_atoms_degrees_and_channels_each_give_the_total(network: Hcnn, written: Path) -> None:
    found = responsible(network.double(), written, 12)
    logs = scan(network, written).log_probabilities
    nothing = network.predict(_empty(network, written))["preferences"].values.double().log_softmax(1)
    kind = scan(network, written).classes[12]
    assert found.total == pytest.approx(float(logs[12, kind] - nothing[0, kind]), abs=1e-6)
    # Gauss-Legendre with 32 points on a smooth path: far below the float32 of the projected atoms.
    for shares in (found.scores, list(found.by_degree.values()), list(found.by_channel.values())):
        assert np.sum(shares) == pytest.approx(found.total, abs=1e-5)
    assert abs(found.error) < 1e-5


def test_what_decides_is_found(written: Path) -> None:
    model = OnlySulphur(HcnnConfig(**SMALL)).eval()
    found = responsible(model, written, 5, "CYS")
    elements = found.around.protein.elements[found.atoms]
    assert (elements == 16).any()
    assert np.abs(found.scores[elements != 16]).max() == 0
    assert (found.scores[elements == 16] > 0).all()
    assert {name for name, share in found.by_channel.items() if share} == {"S"}
    assert {degree for degree, share in found.by_degree.items() if share} == {0}
    assert found.to_frame()["atom"][0] in ("SG", "SD")
    assert "channels S" in found.describe()


def test_a_turned_protein_has_the_same_shares(network: Hcnn, written: Path) -> None:
    protein = Protein.read(written)
    turned = replace(protein, positions=Rotation.random(random_state=0).apply(protein.positions))
    one, other = (responsible(network.double(), each, 5) for each in (protein, turned))
    np.testing.assert_array_equal(np.sort(one.atoms), np.sort(other.atoms))
    np.testing.assert_allclose(one.scores[np.argsort(one.atoms)], other.scores[np.argsort(other.atoms)], atol=1e-7)


def test_residues_sum_up_their_atoms(network: Hcnn, written: Path) -> None:
    found = responsible(network, written, 3)
    assert found.by_residue()["score_nats"].sum() == pytest.approx(found.scores.sum())
    assert found.figure().data[0].x is not None


def test_the_network_is_left_as_it_was(network: Hcnn, written: Path) -> None:
    network.train()
    responsible(network, written, 3)
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_sites_and_amino_acids_that_do_not_exist_are_refused(network: Hcnn, written: Path) -> None:
    with pytest.raises(ModelError, match=r"Expected a site from 0 to 29, as scan.* finds it, got 30"):
        responsible(network, written, 30)
    with pytest.raises(ModelError, match=r"Expected one of ALA, ARG.*got 'XYZ'"):
        responsible(network, written, 0, "XYZ")


def _empty(network: Hcnn, written: Path) -> Hologram:
    whole = network.hologram(Neighbourhoods.of(Protein.read(written), residues=[0], centre="side chain"))
    return whole.with_coefficients(torch.zeros_like(whole.coefficients))
