"""A map of environments: the invariants of a stage on every node of every structure, brought to two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from equiviz.features.capture import Capture
from equiviz.view.arrays import numbers
from equiviz.view.errors import ViewError

Method: TypeAlias = Literal["PCA", "UMAP"]
NEIGHBOURS = 15
"""UMAP's own default; fewer where there are fewer nodes."""


@dataclass(frozen=True, eq=False)
class Environments:
    """Nodes on a map.

    Attributes:
        points: ``[N, 2]``, without a unit: invariants are brought to mean 0 and variance 1 first.
        structure: number of the structure that each node is of ``[N]``.
        row: number of the node in its structure ``[N]``.
        axes: what the two axes are called.
        note: what readers should know, or "".
    """

    points: NDArray[np.float64]
    structure: NDArray[np.int64]
    row: NDArray[np.int64]
    axes: tuple[str, str]
    note: str = ""

    def places(self, structure: int, rows: Sequence[int]) -> list[int]:
        """Where on the map some nodes of a structure are."""
        wanted = (self.structure == structure) & np.isin(self.row, np.asarray(rows, dtype=np.int64))
        return np.flatnonzero(wanted).tolist()


def methods() -> tuple[Method, ...]:
    """What can be asked for on this machine; UMAP needs umap-learn."""
    return ("PCA", "UMAP") if find_spec("umap") else ("PCA",)


def environments(captures: Mapping[int, Capture], stage: str, method: Method = "PCA") -> Environments:
    """The map of one stage.

    Args:
        captures: by number of the structure.
        stage: whose invariants (norms, and scalars with their sign) describe the nodes.
        method: "PCA": the two directions of the largest variance, by scikit-learn. "UMAP": McInnes, Healy and Melville,
            arXiv 1802.03426; distances on such a map mean little, neighbourhoods much.

    Raises:
        ViewError: UMAP without umap-learn.
    """
    if method not in methods():
        raise ViewError(
            f"Expected one of the maps {', '.join(methods())}, got {method!r}; UMAP needs: pip install umap-learn"
        )
    held = [(k, capture[stage]) for k, capture in captures.items() if stage in capture]
    held = [(k, field) for k, field in held if field.support == "node" and not field.representation.affine]
    if not held:
        return _nothing("This stage has no features on nodes, so there is no map of environments.")
    columns = np.concatenate([_columns(numbers(_real(field.invariants().values))) for _, field in held])  # [N, C]
    structure = np.concatenate([np.full(len(field), k) for k, field in held])
    row = np.concatenate([np.arange(len(field)) for _, field in held])
    finite = np.isfinite(columns).all(axis=1)
    columns, structure, row = columns[finite], structure[finite], row[finite]
    if len(columns) < 2:
        return _nothing("A map of environments needs at least two nodes with finite features.")
    note = "" if finite.all() else f"{int((~finite).sum())} nodes with features that are not finite are left out."
    points, axes = _umap(_standard(columns)) if method == "UMAP" else _pca(_standard(columns))
    return Environments(points, structure, row, axes, note)


def _real(values: Any) -> Any:
    return values.abs() if values.is_complex() else values


def _columns(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(len(values), -1)


def _standard(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column with mean 0 and variance 1; those that do not vary beyond rounding are left out."""
    spread = columns.std(axis=0)
    varies = spread > 1e-6 * np.abs(columns).max(axis=0, initial=0.0)
    return (columns[:, varies] - columns[:, varies].mean(axis=0)) / spread[varies]


def _pca(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, str]]:
    from sklearn.decomposition import PCA

    points, shares = np.zeros((len(columns), 2)), np.zeros(2)
    count = min(2, *columns.shape)
    if count:
        made = PCA(count, svd_solver="full")
        points[:, :count] = made.fit_transform(columns)
        shares[:count] = made.explained_variance_ratio_
    return points, (f"PC 1 ({shares[0]:.0%} of the variance)", f"PC 2 ({shares[1]:.0%})")


def _umap(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, str]]:
    from importlib import import_module

    if len(columns) < 5 or not columns.shape[1]:
        return _pca(columns)
    made = cast(Any, import_module("umap")).UMAP(
        n_neighbors=min(NEIGHBOURS, len(columns) - 1), random_state=0, n_jobs=1
    )
    return np.asarray(made.fit_transform(columns), dtype=np.float64), ("UMAP 1", "UMAP 2")


def _nothing(note: str) -> Environments:
    none = np.zeros(0, dtype=np.int64)
    return Environments(np.zeros((0, 2)), none, none, ("", ""), note)
