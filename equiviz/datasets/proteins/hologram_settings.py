"""HologramSettings: how the holograms of a file are projected; the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from equiviz.holograms import channels as known
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.neighbourhoods import RADIUS
from equiviz.holograms.projection import project
from equiviz.holograms.zernike import Norm, Zernike

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class HologramSettings:
    """The arguments of `equiviz.holograms.project`.

    Attributes:
        channels: what is projected of each atom.
        norm: of the radial functions, see `Zernike`.
        n_max: largest order.
        l_max: largest degree.
        radius: of the neighbourhoods and the ball, in Å.

    Raises:
        HologramError: an unknown channel or norm; orders or a radius out of range.
    """

    channels: tuple[str, ...] = known.HEAVY
    norm: Norm = "orthonormal"
    n_max: int = 20
    l_max: int = 5
    radius: float = RADIUS

    def __post_init__(self) -> None:
        known.check(self.channels)
        _ = self.basis

    @property
    def basis(self) -> Zernike:
        """The radial functions."""
        return Zernike(self.n_max, self.l_max, self.radius, self.norm)

    def project(self, path: Path) -> Hologram:
        """The hologram of a structure file.

        Raises:
            StructureError: it cannot be read, or has no usable residue.
            HologramError: it cannot give a channel.
        """
        given = {"norm": self.norm, "n_max": self.n_max, "l_max": self.l_max, "radius": self.radius}
        return project(path, self.channels, **cast(dict[str, Any], given))

    def to_dict(self) -> dict[str, Any]:
        """As attributes of a file; the channels with commas between them."""
        return {**asdict(self), "channels": ",".join(self.channels)}

    @classmethod
    def from_dict(cls, attributes: Mapping[str, Any]) -> HologramSettings:
        """The way back; further attributes do not matter.

        Raises:
            KeyError, ValueError, TypeError: attributes that are missing, or of other types.
            HologramError: settings that are impossible.
        """
        return cls(
            tuple(str(attributes["channels"]).split(",")),
            cast(Norm, str(attributes["norm"])),
            int(attributes["n_max"]),
            int(attributes["l_max"]),
            float(attributes["radius"]),
        )
