"""`equiviz mutations`: from files to a report."""

from __future__ import annotations

from pathlib import Path

from equiviz.datasets.proteins.mutation_table import MutationTable
from equiviz.explain.proteins.mutations import MutationReport, score_mutations
from equiviz.training.load import load


def mutations_of(
    model: str | Path, structure: str | Path, chain: str, table: str | Path, protein: str = ""
) -> MutationReport:
    """Score the rows of a table that belong to a structure.

    Args:
        model: name of shipped weights, or their folder.
        structure: path of a PDB or mmCIF file.
        chain: its name.
        table: path of a CSV file, see `MutationTable.read`.
        protein: the table's name for it; by default that of the file.

    Raises:
        UnknownWeights, StructureError, DatasetError, MutationError: as the parts.
    """
    measured = MutationTable.read(table, protein or Path(structure).name.split(".")[0], chain)
    return score_mutations(load(model), structure, chain, measured)
