"""Dictionaries of blocks that are no irreps of O(3): complex vectors, Cartesian tensors, signals on the sphere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

import equiviz
from equiviz.datasets.phase_space.motions import Motions
from equiviz.explain.dictionary.autoencoder import Autoencoder
from equiviz.explain.dictionary.channels import Channels
from equiviz.explain.dictionary.irreps_dictionary import IrrepsDictionary, Method
from equiviz.explain.dictionary.judged import commuting_error, curve
from equiviz.explain.dictionary.report import DictionaryReport
from equiviz.explain.errors import DictionaryError
from equiviz.models.registry import build
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.copies import CopiesOf
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import CartesianTensor
from equiviz.symmetry.sphere_signals import SphereSignals
from equiviz.symmetry.unitary_irreps import UnitaryIrreps
from equiviz.training.seeds import seeded
from tests.explain.dictionary.known import ACTIVE, ATOMS

CHANNELS = {"V(3)": (8, 3), "V*(3)": (8, 3), "1(3)": (10, 1)}
COUNTS = dict.fromkeys(CHANNELS, ATOMS)
EXACT = 1e-10  # rounding, times what solving for codes amplifies


def known(seed: int = 1, count: int = 1500, real: bool = False) -> tuple[Field, dict[str, Tensor]]:
    """Features of U(3) with three active atoms each, and the atoms [6, C] of each irrep, complex unless `real`."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.complex128)

    atoms = {label: random(ATOMS, copies) for label, (copies, _) in CHANNELS.items()}
    atoms = {label: normalize(a.real if real else a, dim=1).to(torch.complex128) for label, a in atoms.items()}
    rank = torch.rand(count, ATOMS * len(CHANNELS), generator=generator).argsort(1)
    held = (rank < ACTIVE).chunk(len(CHANNELS), 1)
    made = [
        torch.einsum("kc,nkm->ncm", atoms[label], random(count, ATOMS, size) * own[:, :, None])
        for (label, (_, size)), own in zip(CHANNELS.items(), held, strict=True)
    ]
    values = torch.cat([part.flatten(1) for part in made], 1)
    return Field(values + 0.02 * random(*values.shape), UnitaryIrreps("8xV(3)+8xV*(3)+10x1(3)")), atoms


@pytest.fixture(scope="module")
def features() -> tuple[Field, dict[str, Tensor]]:
    return known()


@pytest.fixture(scope="module")
def made(features: tuple[Field, dict[str, Tensor]]) -> IrrepsDictionary:
    return IrrepsDictionary.learn(features[0], COUNTS, ACTIVE, "pursuit", 0, 5)


def recovery(made: IrrepsDictionary, atoms: dict[str, Tensor]) -> float:
    """|d^dagger d'| of each known atom with the nearest that was found: the least."""
    found: list[float] = []
    for label, wanted in atoms.items():
        own = [made.atom(k) for k, other in enumerate(made.atoms.labels) if other == label]
        found.append(float((torch.stack(own) @ wanted.mH).abs().amax(0).min()))
    return min(found)


def explained(made: IrrepsDictionary, field: Field) -> float:
    return curve("dictionary", made, made.channels.stacked(field))[-1].share


def test_known_complex_atoms_are_found(made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]) -> None:
    assert recovery(made, features[1]) > 0.95
    assert explained(made, features[0]) > 0.98
    assert made.atoms.vectors.is_complex()


def test_complex_atoms_are_not_found_where_there_are_none(features: tuple[Field, dict[str, Tensor]]) -> None:
    """The controls: features of another dictionary; real parts of the right atoms, which explain less."""
    other = IrrepsDictionary.learn(known(seed=9)[0], COUNTS, ACTIVE, "pursuit", 0, 1)
    assert recovery(other, features[1]) < 0.9
    real = {label: normalize(atoms.real, dim=1).to(atoms) for label, atoms in features[1].items()}
    assert min(float((real[label] * features[1][label].conj()).sum(1).abs().min()) for label in real) < 0.8


@pytest.mark.parametrize("method", ["pursuit", "autoencoder"])
def test_codes_commute_with_unitary_matrices(
    method: Method, made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]
) -> None:
    field = features[0].with_values(features[0].values[:100])
    model = made if method == "pursuit" else IrrepsDictionary.learn(features[0], COUNTS, ACTIVE, method, 0, 1)
    assert commuting_error(model, field, 3, "U(n)") < EXACT
    assert str(model.encode(field).representation) == "6xV(3)+6xV*(3)+6x1(3)"
    assert explained(model, features[0]) > 0.85


def test_a_gate_that_looks_at_real_parts_does_not_commute(
    made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]
) -> None:
    """The control of the one above: copies chosen by the size of their real parts."""

    class RealGate(Autoencoder):
        def codes(self, stacked: Tensor, active: int) -> Tensor:
            images = torch.einsum("kc,ncm->nkm", self.encoder, stacked)
            kept = images.real.square().sum(2).topk(active, 1).indices
            return images * torch.zeros(images.shape[:2], dtype=images.dtype).scatter(1, kept, 1.0)[:, :, None]

    gate = RealGate(made.atoms.vectors, made.atoms.labels, made.atoms.vectors.conj().resolve_conj())
    broken = IrrepsDictionary(made.channels, gate, ACTIVE)
    field = features[0].with_values(features[0].values[:100])
    assert commuting_error(broken, field, 3, "U(n)") > 0.1


def test_decoding_gives_complex_features_back(
    made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]
) -> None:
    field = features[0]
    back = made.decode(made.codes(field))
    assert back.representation == field.representation
    assert float((back.values - field.values).norm() / field.values.norm()) < 0.15
    everything = made.channels.field(made.channels.stacked(field)).values
    torch.testing.assert_close(everything, field.values, rtol=1e-12, atol=1e-12)


def test_means_of_complex_invariants_are_taken_out() -> None:
    """Of invariants alone: a mean of vectors would not be a vector."""
    values = torch.randn(60, 4, dtype=torch.complex128, generator=torch.Generator().manual_seed(0)) + 5j
    channels = Channels.of(Field(values, UnitaryIrreps("1xV(3)+1x1(3)")))
    assert float(channels.means["1(3)"].imag) == pytest.approx(5, abs=0.5)
    assert channels.means["V(3)"].tolist() == [0]


@pytest.fixture(scope="module")
def report() -> DictionaryReport:
    with seeded(0):
        model = build("unitary", {"channels": 6, "hidden": 8}).double().eval()
    parts = [Motions.make("oscillators", "test", 40, seed=seed).inputs for seed in range(4)]
    settings = {"atoms": 6, "starts": 1, "random_weights": False, "progress": False}
    return equiviz.dictionary(model, parts, "feature_stages.1", **settings)  # type: ignore[arg-type]


def test_a_unitary_network_is_taken_apart(report: DictionaryReport) -> None:
    assert report.commuting < EXACT
    assert report.explained > 0.5
    assert "Codes turn as the environment does" in report.describe()
    assert list(report.to_frame()["irrep"].unique()) == ["V(3)"]
    assert "Gallery" not in [section.heading for section in report.sections()]
    assert report.to_html()


def test_codes_without_a_shape_are_not_drawn(report: DictionaryReport) -> None:
    with pytest.raises(DictionaryError, match=r"codes are irreps of O\(3\); here codes are 6xV\(3\), of PhaseSpace in"):
        report.gallery(0)


def test_a_gauge_network_is_taken_apart_under_the_rotations_that_it_claims() -> None:
    with seeded(0):
        model = build("gauge_cnn", {"level": 1, "widths": [4, 4], "strides": [1, 1], "outputs": 2}).double().eval()
    signals = torch.randn(60, 1, 42, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = SphereSignal.of(signals)
    settings = {"atoms": 4, "starts": 1, "random_weights": False, "progress": False}
    found = equiviz.dictionary(model, [x], "feature_stages.1", **settings)  # type: ignore[arg-type]
    assert found.commuting < EXACT
    assert str(found.dictionary.representation) == "4xregular"


def test_signals_on_a_grid_commute_with_what_moves_its_points() -> None:
    """Under other rotations they are interpolated, so that norms, which the gates look at, change: the control."""
    rough = torch.randn(80, 4 * 6 * 42, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    field = Field(rough, SphereSignals(1, 4, "regular"))
    made = IrrepsDictionary.learn(field, {"regular": 6}, 2, "pursuit", 0, 1)
    assert commuting_error(made, field, 0, "I") < EXACT
    assert commuting_error(made, field, 0, "SO(3)") > 0.01


def test_channels_on_an_axis_of_their_own_are_coded() -> None:
    """As some networks keep Cartesian tensors."""
    tensors = torch.randn(80, 5, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    field = Field(tensors, CartesianTensor(2))
    made = IrrepsDictionary.learn(field, {"rank-2 polar": 5}, 5, "pursuit", 0, 1)
    assert explained(made, field) == pytest.approx(1)
    back = made.decode(made.codes(field)).values
    assert float((back - tensors).norm() / tensors.norm()) < 1e-3  # what the ridge of 1e-6 leaves
    assert commuting_error(made, field, 0) < EXACT
    assert isinstance(made.representation, CopiesOf)
