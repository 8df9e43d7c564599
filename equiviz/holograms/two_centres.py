"""One residue seen from two centres: the channels of both holograms beside each other, in one.

A hologram resolves best what is near its centre. Where the side chain would be (`side_chain_centre.py`) is the better
place for one network, but networks that look from the CA see other things, and err elsewhere. With ``centre="both"`` a
hologram has the channels "C around the side chain", ... and after them "C around the CA", ...; a network may read all
of them, or, with zeros for the others, those of one centre. Both turn with the protein, and so does the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from equiviz.holograms.hologram import Hologram
from equiviz.holograms.neighbourhoods import SINGLE, Centre

_AROUND = " around the "


def seen_channels(channels: Sequence[str], centre: Centre) -> tuple[str, ...]:
    """What the channels of a hologram are called: as those of the atoms, or, seen from both centres, twice as many."""
    if centre != "both":
        return tuple(channels)
    return tuple(f"{channel}{_AROUND}{one}" for one in SINGLE[centre] for channel in channels)


def channel_and_centre(name: str, centre: Centre) -> tuple[str, Centre]:
    """Of a hologram's channel: the one of the atoms, and the centre that it is seen from."""
    if centre != "both":
        return name, centre
    channel, _, place = name.partition(_AROUND)
    return channel, "CA" if place == "CA" else "side chain"


def channel_groups(hologram: Hologram) -> dict[str, dict[str, list[int]]]:
    """Where each "channel" stands among those of a hologram, and, seen from both, the channels of each "centre"."""
    told = [channel_and_centre(name, hologram.origin.centre) for name in hologram.channels]
    groups: dict[str, dict[str, list[int]]] = {"channel": {}, "centre": {}}
    for place, (channel, centre) in enumerate(told):
        groups["channel"].setdefault(channel, []).append(place)
        groups["centre"].setdefault(centre, []).append(place)
    return groups


def beside(views: Sequence[Hologram]) -> Hologram:
    """Holograms of the same sites, seen from each single centre of "both" in that order, as one."""
    first = views[0]
    blocks = [torch.cat([view.degree(degree) for view in views], 1) for degree in range(first.basis.l_max + 1)]
    return Hologram.of(
        torch.cat([block.flatten(1) for block in blocks], 1),
        seen_channels(first.channels, "both"),
        first.basis,
        first.classes,
        first.sites,
        first.name,
        replace(first.origin, centre="both"),
    )
