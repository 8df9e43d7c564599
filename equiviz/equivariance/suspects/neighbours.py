"""Neighbours that come and go: a cutoff without a smooth end, or a list that is cut short."""

from __future__ import annotations

from dataclasses import replace

import torch

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.trials import trials
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

# Moves every pair away from a cutoff at which it lies by construction (a lattice), and changes little else.
SHRINK = 1.0 - 1e-3


def flips(case: Case) -> list[Diagnosis]:
    """Pairs that lie at the cutoff to rounding."""
    if not isinstance(case.x, Structure) or case.kind not in ("rotation", "inversion", "translation", "lattice"):
        return []
    if not case.sums.inherited[case.kind].changed_edges and case.x.cell is None:
        return []
    smaller = _shrunk(case.x)
    own = [t for t in trials(smaller, 3, case.seed, batches=False) if t.kind == case.kind]
    after = case.error_with(own, reference=smaller)
    edges = sum(case.sums.inherited[case.kind].changed_edges.values())
    if not edges:
        return []
    cause = f"{edges} neighbours came or went: they lie at the cutoff, where the model does not end smoothly"
    fix = (
        "Multiply messages by an envelope that ends smoothly at the cutoff, so that a flipped neighbour counts nothing."
    )
    return case.if_cured("neighbour-flips", cause, "shrinking the structure by 0.1 %", after, fix)


def truncation(case: Case) -> list[Diagnosis]:
    """A largest number of neighbours: which ones are kept depends on the order of atoms, or on ties."""
    graph = case.runs.reference.graph
    if graph is None or not isinstance(case.x, Structure) or not graph.edge_index.shape[1]:
        return []
    degrees = torch.bincount(graph.receivers, minlength=len(graph))
    most = int(degrees.max())
    capped = int((degrees == most).sum())
    few = _first(case.x, most)
    if capped < 2 or capped < len(graph) / 3 or len(few) < 2 or not _is_cut(graph):
        return []
    own = [t for t in trials(few, 3, case.seed, batches=False) if t.kind == case.kind and t.comparable]
    after = case.error_with(own, reference=few)
    cause = f"{capped} of {len(graph)} atoms have exactly {most} neighbours: the list is cut short"
    fix = "Take all neighbours within the cutoff (raise max_neighbors), or choose them by distance, not by number."
    return case.if_cured(
        "neighbour-truncation", cause, f"{len(few)} of the atoms, which have room in the list", after, fix
    )


def _is_cut(graph: Graph) -> bool:
    """Whether pairs are missing that are nearer than the farthest that is listed (without periodic images)."""
    longest = float(graph.edge_vectors.norm(dim=1).max()) * (1 - 1e-6)
    near = torch.cdist(graph.positions, graph.positions) < longest
    near &= graph.batch[:, None] == graph.batch[None]
    near.fill_diagonal_(False)
    listed = torch.zeros_like(near)
    listed[graph.edge_index[0], graph.edge_index[1]] = True
    return bool((near & ~listed).any())


def _shrunk(structure: Structure) -> Structure:
    cell = None if structure.cell is None else structure.cell * SHRINK
    return replace(structure, positions=structure.positions * SHRINK, cell=cell)


def _first(structure: Structure, count: int) -> Structure:
    """The first atoms, without a cell: nobody has more neighbours than there are others."""
    node = {name: field.with_values(field.values[:count]) for name, field in structure.node.items()}
    return replace(
        structure,
        positions=structure.positions[:count],
        species=structure.species[:count],
        cell=None,
        pbc=(False, False, False),
        node=node,
    )
