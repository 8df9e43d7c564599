"""What a page without a kernel holds of some residues: their neighbourhoods, densities, and what decides there.

A page cannot ask the network, and all residues of a large protein would be too much for it. It holds the residue that
it was opened at, and those that surprise most: where the pseudo-energy of another amino acid exceeds that of the wild
type by most (which is the largest mutation score of the site). Letters: E neighbours, P points.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from equiviz.apps.protein_explorer.densities import DOT, SPACING, site_clouds
from equiviz.apps.protein_explorer.neighbourhood import neighbour_names, neighbourhood_scene, share_scale
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.nn.errors import ModelError
from equiviz.view.layers import Atoms
from equiviz.view.wire import scene_packet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.apps.protein_explorer.subject import Subject
    from equiviz.explain.proteins.responsible import Responsible

SURPRISING = 6
"""Residues that a page explains by default, besides the one that it is opened at."""
MOST_BYTES = 8_000_000
"""Of all explanations in a page; what goes beyond is left out, and the page says so."""
SHARE = 0.45
"""Of a density's peak, from which on it is drawn; the explorer's slider begins there."""


@dataclass(frozen=True, eq=False)
class Explained:
    """What a page holds.

    Attributes:
        sites: that are explained, the chosen one first, the others by how much they surprise.
        residues: of each, what the page's script takes (static/surroundings_page.js).
        channels: of the holograms.
        degrees, groups: what shares are told by: degrees l, and channels whatever they are seen from.
        left_out: how many were asked for, and did not fit.
        reasons: of the chosen site.
    """

    sites: list[int]
    residues: list[dict[str, Any]]
    channels: tuple[str, ...]
    degrees: list[int]
    groups: list[str]
    left_out: int
    reasons: Responsible


def explained(
    subject: Subject,
    site: int,
    amino_acid: int | None = None,
    frame: int = 0,
    surprising: int = SURPRISING,
    most_bytes: int = MOST_BYTES,
) -> Explained:
    """Ask the network about a site and those that surprise most.

    Args:
        subject: protein and network.
        site: is always explained.
        amino_acid: 0 to 19, explained at `site` besides the wild type and the preferred one.
        frame: of a trajectory.
        surprising: how many others.
        most_bytes: of all of them; `site` is there whatever it takes.

    Raises:
        ModelError: a number of residues below zero.
    """
    if surprising < 0:
        raise ModelError(f"Expected a number of surprising residues to explain, from 0 on, got {surprising}.")
    others = [other for other in by_surprise(subject, frame) if other != site][:surprising]
    asked = [site, *others]
    made: list[dict[str, Any]] = []
    size = 0
    for number in asked:
        residue = _residue(subject, number, amino_acid if number == site else None, frame)
        size += len(json.dumps(residue))
        if made and size > most_bytes:
            break
        made.append(residue)
    reasons = subject.reasons(site, _asked(subject, site, amino_acid, frame)[0], frame)
    channels = subject.hologram(site, frame).channels
    kept = asked[: len(made)]
    return Explained(
        kept, made, channels, list(reasons.by_degree), list(reasons.by_channel), len(asked) - len(kept), reasons
    )


def by_surprise(subject: Subject, frame: int = 0) -> list[int]:
    """All sites, first the one where another amino acid's pseudo-energy exceeds the wild type's by most."""
    return np.argsort(-subject.scan(frame).mutation_scores.amax(1).numpy(), kind="stable").tolist()


def _asked(subject: Subject, site: int, amino_acid: int | None, frame: int) -> list[int]:
    """Whose probabilities are explained: what was asked for, the wild type, the preferred one; each once."""
    scan = subject.scan(frame)
    wanted = [amino_acid, int(scan.classes[site]), int(scan.preferences[site].argmax())]
    return list(dict.fromkeys(one for one in wanted if one is not None))


def _residue(subject: Subject, site: int, amino_acid: int | None, frame: int) -> dict[str, Any]:
    every = [subject.reasons(site, one, frame) for one in _asked(subject, site, amino_acid, frame)]
    scene = neighbourhood_scene(every[0], "elements", "", None)
    neighbours = replace(cast(Atoms, scene.layers[0]), hover=neighbour_names(every[0]))
    packet = scene_packet(replace(scene, layers=[neighbours, *scene.layers[1:]]))
    scan = subject.scan(frame)
    roles = {AMINO_ACIDS[int(scan.preferences[site].argmax())]: "preferred"}
    roles |= {AMINO_ACIDS[int(scan.classes[site])]: "wild type"}
    return {
        "site": site,
        "packet": base64.b64encode(packet).decode(),
        "why": [_why(reasons, roles.get(reasons.amino_acid, "asked for")) for reasons in every],
        "clouds": _clouds(subject, site, every[0], frame),
    }


def _why(reasons: Responsible, role: str) -> dict[str, Any]:
    low, high = share_scale(reasons).limits(reasons.scores)
    return {
        "amino_acid": reasons.amino_acid,
        "role": role,
        "words": reasons.describe(),
        "scale": {"title": share_scale(reasons).title, "low": low, "high": high},
        "scores": _text(reasons.scores.astype("<f4")),
        "degrees": np.round(list(reasons.by_degree.values()), 4).tolist(),
        "channels": np.round(list(reasons.by_channel.values()), 4).tolist(),
    }


def _clouds(subject: Subject, site: int, reasons: Responsible, frame: int) -> list[dict[str, Any]]:
    """Points as whole steps of the grid and values as shares of the peak, a byte each: four bytes a point."""
    hologram = subject.hologram(site, frame)
    made: list[dict[str, Any]] = []
    for channel, (shift, cloud) in enumerate(
        site_clouds(hologram, reasons.around, range(len(hologram.channels)), SHARE)
    ):
        if not len(cloud.values):
            continue
        told = {"channel": channel, "peak": cloud.peak, "unit": cloud.unit, "signed": bool((cloud.values < 0).any())}
        steps = np.rint(cloud.positions / SPACING).astype(np.int8)  # [P, 3]
        values = np.rint(127 * cloud.values / cloud.peak).astype(np.int8)  # [P]
        made.append({**told, "centre": shift.tolist(), "steps": _text(steps), "values": _text(values)})
    return made


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


GRID = {"spacing": SPACING, "dot": DOT}
"""What the page's script needs to draw points."""
