"""PaiNN: are its equations those of the paper, its forces derivatives, its energy smooth, its refusals clear?"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from equiviz.models.errors import ConfigError
from equiviz.models.example_structures import organic_atoms
from equiviz.models.painn import Message, Painn, PainnConfig, Update
from equiviz.models.registry import family
from equiviz.nn.errors import ModelError
from equiviz.structures.structure import Structure
from tests.toy_networks import default_dtype

ALL = ("energy", "forces", "dipole", "polarizability")


def network(**settings: object) -> Painn:
    with default_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        small = {**family("painn").small, **settings}
        model = family("painn").build(small)
        assert isinstance(model, Painn)
        with torch.no_grad():  # biases start at zero, and would hide where they are forgotten
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        return model.eval()


def silu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def two_layers(x: Tensor, block: Message | Update) -> Tensor:
    inner, outer = block.inner, block.outer
    return silu(x @ inner.weight.T + inner.bias) @ outer.weight.T + outer.bias


def plain_formula(model: Painn, x: Structure) -> tuple[Tensor, Tensor]:
    """Scalars and vectors after the last layer, atom by atom and neighbour by neighbour, as in the paper."""
    config, count = model.config, len(x)
    width = config.width
    s = model.embedding.weight[model.place[x.species]]
    v = torch.zeros(count, 3, width, dtype=torch.float64)
    row = 0
    for message, update in zip(model.messages, model.updates, strict=True):
        assert isinstance(message, Message)
        assert isinstance(update, Update)
        mix = model.filters.weight[row : row + message.parts * width]
        row += message.parts * width
        told, s_new, v_new = two_layers(s, message), s.clone(), v.clone()
        for i in range(count):
            for j in range(count):
                r = x.positions[j] - x.positions[i]
                d = float(r.norm())
                if i == j or d >= config.cutoff:
                    continue
                cut = 0.5 * (math.cos(math.pi * d / config.cutoff) + 1)
                waves = [math.sin(n * math.pi * d / config.cutoff) / d for n in range(1, config.radial + 1)]
                weight = mix @ (cut * torch.tensor([*waves, 1.0], dtype=torch.float64))
                parts = (told[j] * weight).split(width)
                s_new[i] += parts[0]
                v_new[i] += (r / d)[:, None] * parts[1]
                if len(parts) > 2:
                    v_new[i] += v[j] * parts[2]
        s, v = s_new, v_new
        u, w = (v @ update.mix.weight.T).split(width, 2)
        a = two_layers(torch.cat([s, (w.square().sum(1) + 1e-8).sqrt()], 1), update).split(width, 1)
        s = s + a[0] + a[1] * (u * w).sum(1)
        if len(a) > 2:
            v = v + a[2][:, None] * u
    return s, v


@torch.no_grad()
def test_the_layers_are_the_equations_of_the_paper() -> None:
    model, x = network(), organic_atoms(7, 0)
    graph = model.prepare(x)
    s, v = model.represent(graph, graph.edge_vectors)
    wanted_s, wanted_v = plain_formula(model, x)
    torch.testing.assert_close(s, wanted_s, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(v, wanted_v, rtol=1e-10, atol=1e-12)


@torch.no_grad()
def test_dipole_and_polarizability_are_sums_over_atoms_about_the_centre_of_mass() -> None:
    model, x = (
        network(dipole_scale=2.0, polarizability_scale=3.0, polarizability_shifts=[1.0, 2.0, 3.0, 4.0]),
        organic_atoms(6, 1),
    )
    graph = model.prepare(x)
    s, v = model.represent(graph, graph.edge_vectors)
    masses = {1: 1.008, 6: 12.011, 7: 14.007, 8: 15.999}
    mass = torch.tensor([masses[n] for n in x.species.tolist()], dtype=torch.float64)
    r = x.positions - (mass[:, None] * x.positions).sum(0) / mass.sum()
    assert model.dipole_head is not None
    assert model.polarizability_head is not None
    q, own = model.dipole_head(s, v)
    a, nu = model.polarizability_head(s, v)
    wanted = 2.0 * sum(own[i] + q[i] * r[i] for i in range(6))
    shift = {1: 1.0, 6: 2.0, 7: 3.0, 8: 4.0}
    alpha = sum(
        3.0 * (a[i] * torch.eye(3, dtype=torch.float64) + torch.outer(nu[i], r[i]) + torch.outer(r[i], nu[i]))
        + shift[int(x.species[i])] * torch.eye(3)
        for i in range(6)
    )
    found = model.predict(x)
    torch.testing.assert_close(found["dipole"].values[0], wanted, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(found["polarizability"].values.view(3, 3), alpha, rtol=1e-10, atol=1e-10)


def test_forces_are_minus_the_derivative_of_the_energy() -> None:
    model, x, step = network(energy_shifts=[-1.0, -2.0, -3.0, -4.0]), organic_atoms(9, 2), 1e-4

    def energy(place: Tensor) -> float:
        return float(model.predict(Structure(place, x.species))["energy"].values)

    found = model.predict(x)["forces"].values
    for atom, axis in ((0, 0), (3, 1), (8, 2), (5, 0)):
        moved = torch.zeros_like(x.positions)
        moved[atom, axis] = step
        # Fourth order in the step: truncation and rounding both stay below 1e-9.
        near, far = (energy(x.positions + k * moved) - energy(x.positions - k * moved) for k in (1, 2))
        slope = (8 * near - far) / (12 * step)
        assert abs(float(found[atom, axis]) + slope) < 1e-7 * max(1.0, float(found.abs().max()))


def test_forces_of_a_molecule_add_up_to_zero() -> None:
    found = network().predict(organic_atoms(12, 3))["forces"].values
    assert float(found.sum(0).abs().max()) < 1e-12 * float(found.abs().max())


def test_energy_and_forces_are_smooth_where_an_atom_crosses_the_cutoff() -> None:
    model = network()
    cutoff, step = model.config.cutoff, 1e-5

    def at(distance: float) -> tuple[float, float]:
        places = torch.tensor([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]], dtype=torch.float64)
        found = model.predict(Structure(places, torch.tensor([6, 8])))
        return float(found["energy"].values), float(found["forces"].values[1, 0])

    (inside, pull), (outside, none) = at(cutoff - step), at(cutoff + step)
    closer = at(cutoff - 0.2)
    assert none == 0.0
    # The energy ends quadratically, the force linearly; both were visible at 0.2 Å from the cutoff.
    assert abs(inside - outside) < 1e-7 * abs(closer[0] - outside) + 1e-14
    assert abs(pull) < 1e-3 * abs(closer[1])
    assert abs(closer[1]) > 1e-4


def test_forces_can_be_differentiated_once_more() -> None:
    model, x = network(), organic_atoms(4, 4)
    graph = model.prepare(x)

    def forces(places: Tensor) -> Tensor:
        return model(model.at_positions(graph, places))["forces"].values.flatten()

    hessian = -torch.autograd.functional.jacobian(forces, graph.positions).flatten(1)
    torch.testing.assert_close(hessian, hessian.T, rtol=0, atol=1e-10 * float(hessian.abs().max()))


def test_predictions_keep_no_autograd_graph() -> None:
    found = network().predict(organic_atoms(5, 5))
    assert not any(field.values.requires_grad for field in found.values())


def test_a_graph_with_a_skin_serves_moved_atoms() -> None:
    model, x = network(), organic_atoms(10, 6)
    moved = x.positions + 0.2 * (torch.rand(10, 3, dtype=torch.float64) - 0.5)
    graph = model.at_positions(model.prepare(x, skin=0.5), moved)
    fresh = model.predict(Structure(moved, x.species))
    for name, field in model(graph).items():
        torch.testing.assert_close(field.values, fresh[name].values, rtol=1e-10, atol=1e-10)


def test_energies_of_thousands_of_electronvolts_keep_their_digits_in_single_precision() -> None:
    shifts = [-13.0, -1027.123456789, -1479.0, -2037.0]
    model, x = network(energy_shifts=shifts).float(), Structure(torch.zeros(1, 3), torch.tensor([6]))
    bare = network(energy_shifts=[]).float()
    difference = model.predict(x)["energy"].values - bare.predict(x)["energy"].values
    assert abs(float(difference) + 1027.123456789) < 1e-9


def test_edge_vectors_of_ones_own_are_honoured() -> None:
    model, x = network(outputs=["energy", "forces"]), organic_atoms(5, 7)
    graph = model.prepare(x)
    doubled = model.prepare(Structure(1.1 * x.positions, x.species), skin=3.0)
    given = model.prepare(x, skin=3.0)
    given = given.with_edge_vectors(1.1 * given.edge_vectors)
    torch.testing.assert_close(model(given)["energy"].values, model(doubled)["energy"].values, rtol=1e-10, atol=0)
    assert not torch.allclose(model(given)["energy"].values, model(graph)["energy"].values)


def test_what_is_not_asked_for_is_not_made() -> None:
    model = network(outputs=["energy"])
    assert set(model.predict(organic_atoms(4, 0))) == {"energy"}
    assert model.dipole_head is None
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in network().parameters())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"outputs": ("forces",)}, "add 'energy' to the outputs"),
        ({"outputs": ()}, "expected outputs among energy, forces, dipole, polarizability"),
        ({"outputs": ("energies",)}, "expected outputs among"),
        ({"species": (1, 1)}, "expected different atomic numbers from 1 to 118"),
        ({"species": (0,)}, "expected different atomic numbers"),
        ({"cutoff": math.inf}, "a cutoff > 0"),
        ({"layers": 0}, "layers and radial of at least 1"),
        ({"energy_shifts": (1.0,)}, "expected 4 energy_shifts, one per species, or none; got 1"),
    ],
)
def test_settings_that_make_no_network_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        PainnConfig(**settings)  # type: ignore[arg-type]


def test_other_elements_and_units_are_refused() -> None:
    model, places = network(), torch.zeros(1, 3)
    with pytest.raises(ModelError, match=r"knows H, C, N, O, but Fe came too\. Train one on data that have it\."):
        model.prepare(Structure(places, torch.tensor([26])))
    with pytest.raises(ModelError, match=r"lengths in sigma\. Give it with length_unit='Å'"):
        model.prepare(Structure(places, torch.tensor([1]), length_unit="sigma"))
    with pytest.raises(ModelError, match="and type numbers"):
        model.prepare(Structure(places, torch.tensor([1]), species_names=("", "A")))


def test_moments_of_periodic_structures_are_refused() -> None:
    x = Structure(torch.zeros(1, 3), torch.tensor([1]), cell=5 * torch.eye(3), pbc=(True, False, False))
    with pytest.raises(
        ModelError, match="The dipole and the polarizability of a periodic structure depend on which image"
    ):
        network(outputs=["energy", "dipole", "polarizability"]).prepare(x)


def test_forces_in_inference_mode_are_refused_in_words() -> None:
    model = network(outputs=["energy", "forces"])
    graph = model.prepare(organic_atoms(5, 0))
    with torch.inference_mode(), pytest.raises(ModelError, match=r"Use model.predict\(structures\)"):
        model(graph)
