"""Which molecules a model has met in its training: scores on these flatter it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from equiviz.datasets.molecules.frames import Frame
from equiviz.training.checkpoint import Manifest


def molecule_data(name: str, training: Sequence[Frame], validation: Sequence[Frame]) -> dict[str, object]:
    """What a manifest says of the data of a training: counts, files, and a fingerprint of every frame."""
    frames = [*training, *validation]
    return {
        "name": name,
        "files": sorted({frame.name.rpartition("[")[0] for frame in frames}),
        "molecules": len(training),
        "validation": len(validation),
        "fingerprints": fingerprints(frames),
    }


def fingerprints(frames: Sequence[Frame]) -> str:
    """Of all frames, as one string: a list of thousands would fill the manifest with line ends."""
    return " ".join(fingerprint(frame) for frame in frames)


def fingerprint(frame: Frame) -> str:
    """Eight hexadecimal digits that tell a frame by its atoms' elements and distances from their middle, to .001 Å.

    Turned, moved, mirrored and renumbered copies have the same: data sets hold some (of the water monomer in
    ../shared/data, 18 of 200 frames), and a model knows them all when it knows one.
    """
    structure = frame.structure
    positions = structure.positions.detach().cpu().double()
    distances = torch.round(1000 * (positions - positions.mean(0)).norm(dim=1)).long()
    rows = sorted(zip(structure.species.tolist(), distances.tolist(), strict=True))
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:8]


def molecule_overlap_note(manifest: Manifest | None, frames: Sequence[Frame]) -> str:
    """A sentence on how many of these frames the model was trained or validated on, or ""."""
    told = None if manifest is None else manifest.data.get("fingerprints")
    if not isinstance(told, str):
        return ""
    known = set(told.split())
    met = sum(fingerprint(frame) in known for frame in frames)
    if not met:
        return ""
    return f"{met} of {len(frames)} molecules were in its training or validation: these scores flatter the model."
