"""Does the verb work on models of every kind, and does its report say what holds?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from equiviz.explain.chunks import DaskClient
from equiviz.explain.dictionary.dictionary import dictionary
from equiviz.explain.dictionary.report import DictionaryReport
from equiviz.explain.errors import DictionaryError
from equiviz.structures.structure import Structure
from tests.toy_networks import molecule, toy

MOLECULES: list[Structure] = [molecule(12, seed, length=3.0) for seed in range(16)]


@pytest.fixture(scope="module")
def report() -> DictionaryReport:
    asked = {"atoms": 10, "sparsity": 3, "starts": 1, "targets": ["q_2"]}
    return dictionary(toy(), MOLECULES, "stage_layers.0", **asked)  # type: ignore[arg-type]


def test_controls_explain_less(report: DictionaryReport) -> None:
    last = {s.of: s.share for s in report.scores if s.active == 3}
    assert set(last) == {"dictionary", "principal components", "shuffled channels", "random weights"}
    assert last["dictionary"] > last["shuffled channels"]
    assert last["dictionary"] > last["principal components"]
    assert report.explained == last["dictionary"]


def test_more_atoms_explain_more(report: DictionaryReport) -> None:
    own = [score.share for score in report.scores if score.of == "dictionary"]
    assert own == sorted(own)


def test_held_out_structures_are_whole(report: DictionaryReport) -> None:
    where, held = report.sample.places[:, 0], report.sample.held_out
    assert set(where[held].tolist()).isdisjoint(where[~held].tolist())
    assert 0.2 < float(held.double().mean()) < 0.3


def test_codes_of_the_report_turn(report: DictionaryReport) -> None:
    assert report.commuting < 1e-10
    assert "Codes turn as the environment does" in report.describe()


def test_the_gallery_shows_the_strongest_environments_aligned(report: DictionaryReport) -> None:
    vectors = [k for k, atom in enumerate(report.atoms) if atom.irrep == "1o" and not atom.dead]
    row = report.gallery(vectors[0], shown=2, together=5)
    assert len(row.scenes) == 3
    glyph = row.scenes[1].layers[-1]
    assert glyph.coefficients[0, 1:].tolist() == pytest.approx([0, 0, 1], abs=1e-9)  # type: ignore[union-attr]
    assert row.png(300, 100)[:4] == b"\x89PNG"


def test_the_face_of_the_report(report: DictionaryReport, tmp_path: Path) -> None:
    frame = report.to_frame()
    assert {"atom", "irrep", "used", "strength", "share", "dead", "rank_correlation_q_2"} <= set(frame.columns)
    assert frame["share"].sum() == pytest.approx(1)
    assert "10 atoms, of which 3 code each environment" in report.describe()
    report.leading(1)
    assert "data:image/png" in str(report.to_html())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stage": "nothing"}, "there is none called 'nothing'"),
        ({"atoms": 0}, "at least one atom"),
        ({"atoms": 500}, "192 environments are too few for 500 atoms"),
        ({"atoms": {"1o": 3}}, "for each irrep of the stage that varies"),
        ({"sparsity": 0}, "a sparsity of one or more"),
    ],
)
def test_what_makes_no_dictionary_is_refused(settings: dict[str, object], message: str) -> None:
    asked = {"stage": "stage_layers.0", **settings}
    with pytest.raises(DictionaryError, match=message):
        dictionary(toy(), MOLECULES, **asked)  # type: ignore[arg-type]


def test_unknown_atoms_are_refused(report: DictionaryReport) -> None:
    with pytest.raises(DictionaryError, match="There is no atom '9z #1'"):
        report.gallery("9z #1")


def test_the_model_is_left_as_it_was(report: DictionaryReport) -> None:
    network = toy()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    dictionary(network, MOLECULES[:8], "stage_layers.0", atoms=4, starts=1, random_weights=False)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_stage_without_learned_weights_is_told() -> None:
    found = dictionary(toy(), MOLECULES, "stage_inputs", atoms=2, starts=1)
    assert found.unlearned
    assert "No learned weights come before this stage" in found.describe()


def test_a_cluster_gives_the_same(client: DaskClient) -> None:
    asked = {"atoms": 6, "sparsity": 2, "starts": 1}
    here = dictionary(toy(), MOLECULES, "stage_layers.0", **asked)  # type: ignore[arg-type]
    there = dictionary(toy(), MOLECULES, "stage_layers.0", client=client, **asked)  # type: ignore[arg-type]
    torch.testing.assert_close(there.codes, here.codes, rtol=1e-6, atol=1e-9)
    for ours, theirs in zip(here.scores, there.scores, strict=True):
        assert (ours.of, ours.active) == (theirs.of, theirs.active)
        assert ours.share == pytest.approx(theirs.share, abs=1e-9)
    with pytest.raises(DictionaryError, match="Expected a stage on nodes, there is none called 'layer9'"):
        dictionary(toy(), MOLECULES, "layer9", client=client, **asked)  # type: ignore[arg-type]
