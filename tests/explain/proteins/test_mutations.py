"""Are mutations read, matched with the structure, and scored with the right sign?"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from typer.testing import CliRunner

from equiviz.cli import app
from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins.mutation_table import MutationTable
from equiviz.explain.errors import MutationError
from equiviz.explain.proteins.mutations import score_mutations
from equiviz.explain.proteins.scan import scan
from equiviz.models.configuration import write_config
from equiviz.models.hcnn import Hcnn
from equiviz.training.checkpoint import Manifest, save_checkpoint
from tests.holograms.written_protein import chain_lines


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "ddg.csv"
    rows = ["position,wtAA,mutAA,ddG", "1,ALA,GLY,1.5", "2,R,K,0.5", "3,ASN,ALA,-0.4", "4,D,A,2.0", "5,CYS,SER,1.0"]
    path.write_text("\n".join([*rows, ""]))
    return path


def test_scores_are_those_of_the_scan(network: Hcnn, written: Path, table: Path) -> None:
    found = score_mutations(network, written, "A", MutationTable.read(table))
    whole = scan(network, written)
    for one, score in zip(found.mutations, found.scores, strict=True):
        assert score == pytest.approx(float(whole.mutation_scores[whole.site("A", one.position), one.mutant]), abs=1e-6)
    assert [str(one) for one in found.mutations] == ["A1G", "R2K", "N3A", "D4A", "C5S"]


def test_destabilising_mutations_with_low_scores_correlate_positively(
    network: Hcnn, written: Path, table: Path
) -> None:
    found = score_mutations(network, written, "A", MutationTable.read(table))
    assert found.pearson == pytest.approx(pearsonr(-found.scores, found.ddg).statistic)
    assert found.spearman == pytest.approx(spearmanr(-found.scores, found.ddg).statistic)
    low, high = found.interval("pearson")
    assert low <= found.pearson <= high
    found.ddg = -found.scores * 2
    assert found.pearson == pytest.approx(1)


def test_a_table_of_many_proteins_gives_the_rows_of_one(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("pdb_code,chain_id,position,wtAA,mutAA,ddG\n1abc,A,1,A,G,1\n1abc,B,2,A,G,2\n2xyz,A,3,A,G,3\n")
    assert [one.position for one in MutationTable.read(path, "1ABC", "B").mutations] == [2]
    with pytest.raises(DatasetError, match="pdb_code '9zzz' has no rows; the table has those of 1abc, 2xyz"):
        MutationTable.read(path, "9zzz")


def test_chains_are_told_apart_by_their_case(tmp_path: Path) -> None:
    path = tmp_path / "chains.csv"
    path.write_text("chain_id,position,wtAA,mutAA,ddG\nA,1,A,G,1\na,2,A,G,2\n")
    assert [one.position for one in MutationTable.read(path, "x", "a").mutations] == [2]
    with pytest.raises(DatasetError, match="chain_id 'B' has no rows; the table has those of A, a"):
        MutationTable.read(path, "x", "B")


def test_rows_that_do_not_fit_are_told(network: Hcnn, written: Path, tmp_path: Path) -> None:
    path = tmp_path / "ddg.csv"
    path.write_text("Position,WTAA,mutaa,DDG\n1,ALA,GLY,1\n2,ALA,GLY,1\n99,ALA,GLY,1\n3B,ASN,GLY,1\n")
    found = score_mutations(network, written, "A", MutationTable.read(path))
    assert len(found.scores) == 1
    assert found.left_out == (
        "line 3, A2G: the structure has A ARG 2",
        "line 4, A99G: chain A has no residue 99",
        "line 5, N3BG: chain A has no residue 3B",
    )
    assert np.isnan(found.pearson)
    assert json.loads(json.dumps(found.to_dict()))["pearson"] is None
    with pytest.raises(MutationError, match=r"has no chain 'Q'\. It has A"):
        score_mutations(network, written, "Q", MutationTable.read(path))


def test_a_row_without_a_number_is_left_out_and_the_others_are_scored(
    network: Hcnn, written: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ddg.csv"
    path.write_text("position,wtAA,mutAA,ddG\n1,ALA,GLY,nan\n1,ALA,ARG,1.5\n1,ALA,SER,inf\n99,ALA,GLY,2\n")
    table = MutationTable.read(path)
    assert [str(one) for one in table.mutations] == ["A1R", "A99G"]
    found = score_mutations(network, written, "A", table)
    assert found.measured
    assert found.ddg.tolist() == [1.5]
    assert found.left_out == (
        "line 2, A1G: ddG 'nan' is no finite number",
        "line 4, A1S: ddG 'inf' is no finite number",
        "line 5, A99G: chain A has no residue 99",
    )
    assert "3 rows were left out; the first: line 2, A1G: ddG 'nan' is no finite number." in found.describe()


def test_a_chain_whose_twin_comes_first_can_be_mutated(network: Hcnn, tmp_path: Path) -> None:
    structure, table = tmp_path / "twins.pdb", tmp_path / "ddg.csv"
    one, other = (chain_lines(["ALA", "GLY", "SER"], chain, shift) for chain, shift in (("A", 0), ("B", 12)))
    structure.write_text("\n".join([*one, "TER", *other, "TER", "END", ""]))
    table.write_text("position,wtAA,mutAA,ddG\n1,ALA,GLY,1\n")
    assert score_mutations(network, structure, "B", MutationTable.read(table)).scan.sites == ("B ALA 1",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file; expected position, wtAA, mutAA, and ddG if known"),
        ("\n \n", "empty file"),
        ("1,A,G\n", "no column position, wtaa, mutaa; expected position, wtAA, mutAA, and ddG if known"),
        ("position,wtAA,ddG\n1,A,1\n", "no column mutaa"),
        ("position,wtAA,mutAA,ddG\n1,A,G\n", "line 2, A1G: ddG '' is no finite number, and so in all rows; expected"),
        ("position,wtAA,mutAA\n1,A,\n", "line 2: expected a number and two amino acids, got"),
        ("position,wtAA,mutAA,ddG\n", "no mutations"),
        ("position,wtAA,mutAA,ddG\n1,A,G,nan\n1,A,R,-\n", "line 2, A1G: ddG 'nan' is no finite number, and so in all"),
        ("position,wtAA,mutAA,ddG\n1,A,G,1\nx,A,G,1\n", "line 3: .*position 'x'"),
        ("position,wtAA,mutAA,ddG\n1,A,XYZ,1\n", "mutaa 'XYZ'"),
        ("position,wtAA,mutAA,ddG\n1,A\n", "line 2"),
        ('position,wtAA,mutAA,ddG\n"1,A,G,1\n', "cannot be read as a CSV table"),
    ],
)
def test_damaged_tables_say_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        MutationTable.read(path)


def test_mutations_that_nobody_measured_are_scored(network: Hcnn, written: Path, table: Path, tmp_path: Path) -> None:
    path = tmp_path / "wanted.csv"
    path.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()))
    found = score_mutations(network, written, "A", MutationTable.read(path))
    np.testing.assert_array_equal(
        found.scores, score_mutations(network, written, "A", MutationTable.read(table)).scores
    )
    assert "nothing to compare with" in found.describe()
    assert "ddg" not in " ".join(found.to_frame().columns)
    said = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert said["pearson"] is None
    assert said["spearman_interval"] == [None, None]
    assert found.figure().layout.xaxis.title.text == "position"


def test_the_command_prints_json(network: Hcnn, written: Path, table: Path, tmp_path: Path) -> None:
    manifest = Manifest(
        family="hcnn", config=write_config(network.config), data={}, recipe={}, seeds=(0,), scores={}, members=1
    )
    weights = save_checkpoint(tmp_path / "weights", [network], manifest)
    asked = ["mutations", str(written), "--chain", "A", "--table", str(table), "--model", str(weights), "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    assert said["mutations"] == 5
    assert {"pearson", "pearson_interval", "spearman", "spearman_interval", "scores"} <= set(said)
    assert said["scores"][1]["wild_type"] == "ARG"
    result = CliRunner().invoke(app, asked[:-1])
    assert re.search(r"Pearson -?\d\.\d{3} \[", result.output)
