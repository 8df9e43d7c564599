"""How well do bonded neighbours tell where a residue's N, C and CB are? The coefficients of `side_chain_centre.py`.

python -m benchmarks.side_chain_centre --data FOLDER/proteins        (validation proteins of its split.json)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from equiviz.datasets.proteins.protein_set import ProteinSet, structure_files
from equiviz.holograms.side_chain_centre import bonded


def fitted(name: str, columns: list[np.ndarray], wanted: np.ndarray) -> np.ndarray:
    """Least squares ``[S, 3]``, told with its errors."""
    table = np.stack([column.ravel() for column in columns], axis=1)
    weights = np.linalg.lstsq(table, wanted.ravel(), rcond=None)[0]
    found = (table @ weights).reshape(-1, 3)
    errors = np.quantile(np.linalg.norm(found - wanted, axis=1), [0.5, 0.9, 0.99])
    print(f"| {name} | {', '.join(f'{x:.5f}' for x in weights)} | {' | '.join(f'{x:.2f}' for x in errors)} |")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    around = ProteinSet.read(structure_files(parser.parse_args().data, "validation")).around
    protein, residues, alphas = around.protein, around.residues, around.centres
    places = bonded(protein, residues, alphas)
    own = {name: protein.first_atoms(name)[residues] for name in ("N", "C", "CB")}
    whole = np.isfinite(places).all((0, 2)) & (own["N"] >= 0) & (own["C"] >= 0)
    true = {name: protein.positions[rows] - alphas for name, rows in own.items()}
    print(f"{int(np.isfinite(places).all((0, 2)).sum())} residues between two bonded ones; errors in Å\n")
    print("| atom | coefficients | median | 90 % | 99 % |\n|---|---|---|---|---|")
    n = fitted("N", [places[1][whole], places[0][whole]], true["N"][whole])
    c = fitted("C", [places[2][whole], places[3][whole]], true["C"][whole])
    beta = (own["CB"] >= 0)[whole]
    fitted("CB", [n[beta], c[beta], np.cross(n, c)[beta]], true["CB"][whole][beta])


if __name__ == "__main__":
    main()
