"""`capture_each(model, structures)`: what `capture` records, over a data set, one structure at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.features.capture import Capture, capture
from equiviz.features.errors import CaptureError
from equiviz.features.model_input import Given
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors


def capture_each(
    model: nn.Module,
    structures: Iterable[Given],
    *,
    stages: Collection[str] | None = None,
    supports: Mapping[str, Support] | None = None,
    client: DaskClient | None = None,
    progress: bool = True,
) -> Iterator[Capture]:
    """Yield the capture of each structure, in their order; only one is held here at any moment.

    What is not kept is not sent, so that naming the stages is what makes a cluster fast. Values lie on the CPU, and no
    gradients are recorded.

    Example:
        >>> norms = [one["layers.1"].invariants() for one in capture_each(model, glass)]  # doctest: +SKIP

    Args:
        model: as `equiviz.capture`.
        structures: one after the other, drawn as they are needed: a generator will do.
        stages: names of those (outputs too) that are kept; None for all, and the graph that the model's forward took.
        supports: as `equiviz.capture`.
        client: a `dask.distributed.Client`; by default the work is done here.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        CaptureError: a single structure; no such stage; as `equiviz.capture`.
    """
    if isinstance(structures, (str, Path, Structure, Graph, TypedTensors)):
        raise CaptureError(
            f"Expected structures one after the other, got a single {type(structures).__name__}: "
            "put it into a list, or use equiviz.capture."
        )
    if isinstance(stages, str):
        raise CaptureError(f"Expected stages= as a list of names, got the name {stages!r}: write [{stages!r}].")
    kept = None if stages is None else tuple(stages)
    return in_chunks(_Recording(model, kept, supports), structures, client, progress=progress)


@dataclass(frozen=True, eq=False)
class _Recording:
    """The capture of one structure; can be sent to another process."""

    model: nn.Module
    stages: tuple[str, ...] | None
    supports: Mapping[str, Support] | None

    def __call__(self, structure: Given) -> Capture:
        with torch.no_grad():
            found = capture(self.model, structure, supports=self.supports)
        if self.stages is None:
            return replace(found, fields={name: field.to("cpu") for name, field in found.items()})
        unknown = [name for name in self.stages if name not in found]
        if unknown:
            raise CaptureError(f"There is no stage {unknown[0]!r}; this model passes {', '.join(found)}.")
        return replace(found, fields={name: found[name].to("cpu") for name in self.stages}, graph=None, skipped={})
