"""Is a scan what the network says, and does it say which site is which?"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import equiviz
from equiviz.explain.proteins.scan import scan
from equiviz.holograms.protein import LETTERS
from equiviz.models.hcnn import Hcnn
from equiviz.nn.errors import ModelError
from tests.holograms.written_protein import chain_lines


def test_quantities_follow_from_the_preferences(network: Hcnn, written: Path) -> None:
    found = scan(network, written)
    said = network.predict(network.hologram(written))["preferences"].values.double()
    torch.testing.assert_close(found.preferences, said)
    p, wild = said.softmax(1), found.classes
    torch.testing.assert_close(found.entropies, -(p * p.log()).sum(1))
    torch.testing.assert_close(found.wild_type_energies, said[torch.arange(len(said)), wild])
    ratio = p / p[torch.arange(len(p)), wild][:, None]
    torch.testing.assert_close(found.mutation_scores, ratio.log())


def test_sites_are_found_by_the_numbers_of_the_file(network: Hcnn, written: Path) -> None:
    found = scan(network, written)
    assert found.sites[found.site("A", 7)] == "A GLU 7"
    with pytest.raises(ModelError, match=re.escape("has no site A 99. The sites of this chain lie between 1 and 30")):
        found.site("A", 99)
    with pytest.raises(ModelError, match=re.escape("has no site B 1. Chains with sites: A")):
        found.site("B", 1)


def test_the_table_the_picture_and_the_words_agree(network: Hcnn, written: Path) -> None:
    found = scan(network, written)
    frame = found.to_frame()
    np.testing.assert_allclose(frame[[f"p_{x}" for x in LETTERS]].sum(axis=1), 1)
    assert found.figure().data[0].z.shape == (20, 30)
    share = (frame["wild_type"] == frame["preferred"]).mean()
    assert f"At {share:.0%} of them" in found.describe()
    assert "Which amino acid belongs where" in str(found.to_html())


def test_sites_of_one_name_stay_apart_in_the_picture(network: Hcnn, tmp_path: Path) -> None:
    path = tmp_path / "twice.pdb"
    path.write_text("\n".join([*chain_lines(["ALA", "GLY"]), *chain_lines(["ALA", "GLY"], shift=30), "END", ""]))
    figure = scan(network, path).figure()
    assert len(set(figure.data[0].x)) == len(figure.data[0].x)


def test_models_of_other_things_are_refused(written: Path) -> None:
    with pytest.raises(ModelError, match="reads no holograms of proteins"):
        scan(equiviz.load("glassy-T056"), written)
