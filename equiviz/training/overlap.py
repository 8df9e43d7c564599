"""Which configurations or proteins a model has met in its training: scores on these flatter it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.training.checkpoint import Manifest


def training_data(
    name: str, training: Sequence[GlassConfiguration], validation: Sequence[GlassConfiguration] = ()
) -> dict[str, object]:
    """What a manifest says of the data of a training.

    Returns:
        "name"; "configurations" and "validation", the names of those that were trained on and of those that chose the
        epoch; "fingerprints" of all of them by name; "times" (LJ units); "temperature".
    """
    return {
        "name": name,
        "configurations": [configuration.name for configuration in training],
        "validation": [configuration.name for configuration in validation],
        "fingerprints": {one.name: fingerprint(one) for one in (*training, *validation)},
        "times": training[0].times.tolist(),
        "temperature": training[0].temperature,
    }


def fingerprint(configuration: GlassConfiguration) -> str:
    """Sixteen hexadecimal digits that tell a configuration by its positions in single precision."""
    positions = configuration.structure.positions.detach().cpu().to(torch.float32).contiguous()
    return hashlib.sha256(positions.numpy().tobytes()).hexdigest()[:16]


def overlap_note(manifest: Manifest | None, configurations: Sequence[GlassConfiguration]) -> str:
    """A sentence on how many of these configurations the model was trained or validated on, or ""."""
    if manifest is None:
        return ""
    total, told = len(configurations), manifest.data.get("fingerprints")
    trained = sum(_is_among(manifest, "configurations", one) for one in configurations)
    chosen = sum(_is_among(manifest, "validation", one) for one in configurations)
    how = "" if isinstance(told, dict) and told else " (by name and temperature)"
    parts = [f"{trained} of {total} configurations were trained on{how}"] if trained else []
    parts += [f"{chosen} of {total} chose the epoch"] if chosen else []
    return f"{', '.join(parts)}: these scores flatter the model." if parts else ""


def file_overlap_note(manifest: Manifest | None, files: Sequence[str]) -> str:
    """The same of files of proteins, going by their names."""
    known = None if manifest is None else manifest.data.get("proteins")
    seen = sorted(set(files) & set(known if isinstance(known, list) else []))
    if not seen:
        return ""
    told = f"{len(seen)} of {len(files)} files were trained on (by name), {seen[0]} among them"
    return f"{told}: these scores flatter the model."


def _is_among(manifest: Manifest, kind: str, configuration: GlassConfiguration) -> bool:
    names = manifest.data.get(kind)
    if not isinstance(names, list) or configuration.name not in names:
        return False
    told = manifest.data.get("fingerprints")
    if isinstance(told, dict) and configuration.name in told:
        return told[configuration.name] == fingerprint(configuration)
    # Names such as configuration_0002 are common; weights without fingerprints say at least how warm it was.
    known = (manifest.data.get("temperature"), configuration.temperature)
    return None in known or known[0] == known[1]
