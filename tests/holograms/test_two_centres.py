"""Is what is seen from both centres what each of them sees, and nothing else?"""

import numpy as np
import pytest
import torch

from equiviz.holograms import HologramError, Neighbourhoods, Protein
from equiviz.holograms.compiled_projection import project_neighbourhoods
from equiviz.holograms.neighbourhoods import SINGLE, Centre
from equiviz.holograms.shells import Shells
from equiviz.holograms.two_centres import channel_and_centre, seen_channels
from equiviz.symmetry import O3

CHANNELS = ("C", "N", "backbone O")


def members(around: Neighbourhoods) -> list[set[int]]:
    """By site its neighbours."""
    return [set(around.neighbours[a:b].tolist()) for a, b in zip(around.first[:-1], around.first[1:], strict=True)]


def test_neighbours_are_those_of_either_centre(protein: Protein) -> None:
    both = Neighbourhoods.of(protein, 6.0, centre="both")
    single = {one: members(Neighbourhoods.of(protein, 6.0, centre=one)) for one in SINGLE["both"]}
    assert members(both) == [a | b for a, b in zip(*single.values(), strict=True)]
    for one, wanted in single.items():
        assert members(both.seen_from(one)) == wanted
        assert wanted != members(both), "the control: the centres see different atoms"
    assert both.seen_from("both") is both


@pytest.mark.parametrize("counting", ["atoms", "square"])
def test_channels_are_those_of_each_centre_beside_each_other(protein: Protein, counting: str) -> None:
    basis = Shells(5, 2)
    found = project_neighbourhoods(
        Neighbourhoods.of(protein, centre="both"), CHANNELS, basis, counting=counting, dtype=torch.float64
    )
    assert found.channels[0] == "C around the side chain"
    assert found.channels[-1] == "backbone O around the CA"
    assert "around the side chain and the CA" in str(found.origin)
    for place, one in enumerate(SINGLE["both"]):
        around = Neighbourhoods.of(protein, centre=one)
        wanted = project_neighbourhoods(around, CHANNELS, basis, counting=counting, dtype=torch.float64)
        for degree in range(3):
            part = found.degree(degree)[:, 3 * place : 3 * place + 3]
            torch.testing.assert_close(part, wanted.degree(degree), rtol=0, atol=1e-12)


def test_it_turns_with_the_protein(protein: Protein) -> None:
    g = O3.rotation([0.2, -1.0, 0.5], 1.1)
    moved = protein.at(protein.positions @ g.matrix.numpy().T + np.array([3.0, -1.0, 2.0]))
    before, after = (
        project_neighbourhoods(Neighbourhoods.of(p, centre="both"), CHANNELS, Shells(5, 2), dtype=torch.float64)
        for p in (protein, moved)
    )
    torch.testing.assert_close(after.coefficients, before.transform(g).coefficients, rtol=0, atol=1e-11)


@pytest.mark.parametrize("centre", ["CA", "side chain", "both"])
def test_names_tell_channel_and_centre(centre: Centre) -> None:
    told = [channel_and_centre(name, centre) for name in seen_channels(CHANNELS, centre)]
    assert told == [(channel, one) for one in SINGLE[centre] for channel in CHANNELS]


def test_a_centre_that_is_not_there_is_refused(protein: Protein) -> None:
    with pytest.raises(HologramError, match="These neighbourhoods have the centre 'CA', not 'side chain'"):
        Neighbourhoods.of(protein).seen_from("side chain")
