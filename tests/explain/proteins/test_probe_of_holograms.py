"""Does the probe take holograms as it takes structures, and find what they hold?"""

import numpy as np
import pytest
import torch

import equiviz
from equiviz.explain.errors import ProbeError
from equiviz.explain.proteins.environment_targets import environment_targets
from equiviz.explain.proteins.scan import surroundings
from equiviz.explain.random_network import random_network
from equiviz.holograms import Neighbourhoods, Protein
from equiviz.models.hcnn import Hcnn, HcnnConfig


@pytest.fixture(scope="module")
def around(real_data: object) -> Neighbourhoods:
    return Neighbourhoods.of(Protein.read(f"{real_data}/proteins/2lzm.pdb"), centre="side chain")


def test_burial_is_read_off_a_hologram(around: Neighbourhoods) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Hcnn(HcnnConfig(width=8, layers=1, hidden=8, l_max=1)).eval()
    report = equiviz.probe(network, around, environment_targets(around), random_networks=0, stages=["feature_stages.0"])
    scores = {(score.target, score.control): score.r2 for score in report.scores}
    # l = 0 of shells counts atoms: even random combinations of channels know how many there are.
    assert scores["burial", "trained"] > 0.5
    assert scores["burial", "shuffled"] < 0.1


def test_targets_are_what_they_say(around: Neighbourhoods) -> None:
    found = environment_targets(around)
    assert found["burial"].tolist() == np.diff(around.first).tolist()
    helix, strand = slice(95, 104), slice(17, 19)  # of T4 lysozyme: residues 96 to 104, and 18, 19
    assert found["extension"][helix].mean() == pytest.approx(5.4, abs=0.2)
    assert found["extension"][strand].mean() > 6.0
    near = [around.protein.atom_names[around.neighbours[around.site == 25]], around.protein.residue]
    own = around.protein.residue_names[near[1][around.neighbours[around.site == 25]]]
    assert found["sulphur"][25] == np.isin(near[0], (b"SG", b"SD")).sum()
    plus = ((own == b"LYS") & (near[0] == b"NZ")) | ((own == b"ARG") & np.isin(near[0], (b"NE", b"NH1", b"NH2")))
    minus = np.isin(near[0], (b"OD1", b"OD2")) & (own == b"ASP") | np.isin(near[0], (b"OE1", b"OE2")) & (own == b"GLU")
    assert found["charge"][25] == plus.sum() - minus.sum()


def test_surface_secondary_structure_and_composition_are_those_of_lysozyme(around: Neighbourhoods) -> None:
    pytest.importorskip("freesasa")
    found = environment_targets(around, every=True)
    assert set(environment_targets(around)) < set(found)
    assert found["helix"][95:104].mean() > 0.8  # residues 96 to 104
    assert found["strand"][95:104].sum() == 0
    assert found["strand"][16:19].sum() >= 1
    assert found["helix"][16:19].sum() == 0
    total = found["carbon"] + found["nitrogen"] + found["oxygen"] + found["sulphur"]
    assert (total <= found["burial"]).all()
    assert total.sum() > 0.9 * found["burial"].sum()
    assert ((found["hydrophobic"] >= 0) & (found["hydrophobic"] <= 1)).all()
    # What is buried has little surface.
    assert np.corrcoef(found["SASA"], found["burial"])[0, 1] < -0.5
    assert all(values.shape == (len(around),) and np.isfinite(values).all() for values in found.values())


def test_descriptors_of_positions_and_species_are_refused(around: Neighbourhoods) -> None:
    network = Hcnn(HcnnConfig(width=4, layers=1, hidden=8, l_max=1)).eval()
    with pytest.raises(ProbeError, match="The descriptor 'q_4' needs positions, and what this model reads has none"):
        equiviz.probe(network, around, "q_4")
    with pytest.raises(ProbeError, match="species= chooses atoms of structures"):
        equiviz.probe(network, around, environment_targets(around), species=[6])
    assert surroundings(network, around) is around


def test_a_random_network_keeps_the_scales_of_the_data() -> None:
    network = Hcnn(HcnnConfig(width=4, layers=1, hidden=8, l_max=1))
    network.scales[0].data.fill_(3.0)
    fresh = random_network(network, 0)
    assert isinstance(fresh, Hcnn)
    assert fresh.scales[0].unique().tolist() == [3.0]
    assert not torch.equal(fresh.embed[0].weight, network.embed[0].weight)
