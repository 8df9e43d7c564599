"""Does H-CNN read proteins, keep its symmetry exactly, and learn?"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import equiviz
from equiviz.explain.proteins.responsible import responsible
from equiviz.holograms import Hologram, Neighbourhoods, Protein, project
from equiviz.holograms.channels import KINDS
from equiviz.models.errors import ConfigError
from equiviz.models.hcnn import Hcnn, HcnnConfig, example, seen_from_both
from equiviz.models.hermes import Hermes, HermesConfig
from equiviz.nn.errors import ModelError
from equiviz.nn.self_product import SelfProduct
from equiviz.symmetry import O3
from equiviz.symmetry.representations import O3Irreps
from equiviz.training.load import Ensemble
from tests.holograms.written_protein import helix
from tests.toy_networks import default_dtype

SMALL = HcnnConfig(orders=4, l_max=2, width=4, layers=2, hidden=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "helix.pdb"
    made.write_text(helix(12))
    return made


@pytest.fixture
def network() -> Hcnn:
    with default_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Hcnn(SMALL).eval()


def test_a_file_goes_in_and_preferences_come_out(network: Hcnn, path: Path) -> None:
    found = network.predict(path)["preferences"]
    assert found.values.shape == (12, 20)
    torch.testing.assert_close(network.predict(network.hologram(path))["preferences"].values, found.values)


def test_every_tool_takes_the_file_as_well(network: Hcnn, path: Path) -> None:
    assert list(equiviz.capture(network, path))[-1] == "output.preferences"
    report = equiviz.check(network, path, elements=2, wide=4)
    assert report.passed, report.describe()
    assert max(f.error for f in report.findings if f.claimed and f.passed) < 1e-12  # float64: issue 5 asks for it
    assert not report.groups["inversion"].passed, "odd products make pseudo-tensors"


def test_products_turn_as_their_types_say() -> None:
    with default_dtype(torch.float64):
        product = SelfProduct(3)
    assert product.paths == (4, 3, 7, 4)
    h = torch.randn(2, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    g = O3.rotation([1.0, -0.3, 2.0], 1.7)
    features = O3Irreps("3x0e+3x1o+3x2e+3x3o", "spherical")
    turned = features.transform(g, h.flatten(1)).reshape(h.shape)
    for degree, (before, after) in enumerate(zip(product(h), product(turned), strict=True)):
        irreps = O3Irreps(f"{before.shape[2]}x{degree}{'eo'[degree % 2]}", "ir_mul")
        expected = irreps.transform(g, before.flatten(1)).reshape(before.shape)
        torch.testing.assert_close(after, expected, rtol=0, atol=1e-13)


def test_holograms_of_another_kind_are_refused(network: Hcnn, path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"hcnn reads channels C, N, O, S, backbone N.*got a hologram of .* on Zernike"
    ):
        network.predict(project(path))


def test_files_are_joined_in_their_order(network: Hcnn, path: Path) -> None:
    one = network.hologram(path)
    both = network.prepare([path, path])
    assert len(both) == 24
    assert both.coefficients[12:].equal(one.coefficients)
    assert both.classes.tolist() == 2 * one.classes.tolist()


def test_the_published_functions_are_an_option(path: Path) -> None:
    network = Hcnn(HcnnConfig(basis="zernike", orders=8, l_max=2, width=4, hidden=8)).eval()
    assert network.predict(path)["preferences"].values.isfinite().all()


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="width, layers and hidden of at least 1"):
        HcnnConfig(width=0)


def test_the_example_is_a_hologram() -> None:
    assert isinstance(example(5, 0), Hologram)


def test_holograms_of_other_neighbourhoods_are_refused(path: Path) -> None:
    network = Hcnn(HcnnConfig(basis="zernike", orders=8, l_max=2, width=4, hidden=8)).eval()
    around_alphas = project(path, KINDS, n_max=8, l_max=2)
    with pytest.raises(ModelError, match=r"side chain, got a hologram of neighbourhoods of 10 Å around the CA"):
        network.predict(around_alphas)
    with pytest.raises(ModelError, match="got a hologram of neighbourhoods"):
        network(around_alphas)
    near = Neighbourhoods.of(Protein.read(path), 5.0, centre="side chain")
    with pytest.raises(ModelError, match=r"got neighbourhoods of 5 Å around the side chain"):
        network.hologram(near)
    hermes = Hermes(HermesConfig(orders=8, l_max=2, width=4, hidden=8)).eval()
    with pytest.raises(ModelError, match=r"divided by their power, got a hologram of .* around the side chain\. Pass"):
        hermes.predict(network.hologram(path))


def test_lists_of_files_are_read_and_structures_refused(network: Hcnn, path: Path) -> None:
    assert len(network.predict([str(path), path])["preferences"].values) == 24
    with pytest.raises(ModelError, match="reads holograms of proteins, got a Structure, which has no residues"):
        network.predict(equiviz.read(path))


def test_networks_with_different_centres_read_one_hologram(path: Path) -> None:
    """Each says what it said before, whatever is in the half that it does not read; and so does their mean."""
    with default_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        single = [Hcnn(replace(SMALL, centre=centre)).eval() for centre in ("side chain", "CA")]
    wide = [seen_from_both(network) for network in single]
    found = [network.predict(path)["preferences"].values for network in single]
    for network, wanted in zip(wide, found, strict=True):
        torch.testing.assert_close(network.predict(path)["preferences"].values, wanted, rtol=0, atol=1e-12)
    assert not torch.allclose(*found), "the control: the centres are different"
    ensemble = Ensemble(wide).eval()
    torch.testing.assert_close(ensemble.predict(path)["preferences"].values, (found[0] + found[1]) / 2)
    assert list(equiviz.capture(ensemble, path))[-1] == "output.preferences"
    report = equiviz.check(ensemble, path, elements=2, wide=4)
    assert report.passed, report.describe()
    assert max(f.error for f in report.findings if f.claimed and f.passed) < 1e-12


def test_what_a_member_does_not_read_does_not_count(path: Path) -> None:
    with default_dtype(torch.float64):
        wide = seen_from_both(Hcnn(replace(SMALL, centre="CA")).eval())
    found = responsible(wide, path, 5)
    assert found.by_centre["side chain"] == 0
    assert found.by_centre["CA"] == pytest.approx(sum(found.by_channel.values()))
    assert list(found.by_channel) == list(KINDS)
    assert sum(found.by_channel.values()) == pytest.approx(found.total, abs=1e-3)
    assert found.scores.sum() == pytest.approx(sum(found.by_channel.values()), abs=1e-9)


def test_a_network_may_look_from_both_centres(path: Path) -> None:
    network = Hcnn(replace(SMALL, centre="both")).eval()
    assert network.predict(path)["preferences"].values.isfinite().all()
    with pytest.raises(ModelError, match=r"reads neighbourhoods of 10 Å around the side chain and the CA, got"):
        network.hologram(Neighbourhoods.of(Protein.read(path)))
