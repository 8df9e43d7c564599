"""The view of the chosen residue's neighbourhood."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from equiviz.apps.protein_explorer.controls import SHARES
from equiviz.apps.protein_explorer.densities import Cloud, site_clouds
from equiviz.apps.protein_explorer.neighbourhood import neighbourhood_scene
from equiviz.view.live import scene_view
from equiviz.view.scene import Scene

if TYPE_CHECKING:
    from equiviz.apps.protein_explorer.controls import Controls
    from equiviz.apps.protein_explorer.subject import Subject
    from equiviz.explain.proteins.responsible import Responsible
    from equiviz.holograms.hologram import Hologram


class SurroundingsPanel:
    """Neighbours of a site, and the density of a channel.

    Attributes:
        view: the 3D view.
    """

    def __init__(self, subject: Subject, controls: Controls, height: int) -> None:
        self.subject, self.controls = subject, controls
        self.view = scene_view(Scene([]), height)
        self._reasons: Responsible | None = None
        self._hologram: Hologram | None = None

    def show(self, site: int, reasons: Responsible, frame: int) -> None:
        """Draw another site, or another explanation of it."""
        self._hologram, self._reasons = self.subject.hologram(site, frame), reasons
        self.draw()

    def draw(self) -> None:
        """As the menus say; the camera stays."""
        if self._reasons is None or self._hologram is None:
            return
        channel = cast(int, self.controls.channel.value)
        name = self._hologram.channels[channel] if channel >= 0 else ""
        painting = "shares" if self.controls.painting.value == SHARES else "elements"
        scene = neighbourhood_scene(self._reasons, painting, name, self._cloud(self._hologram, channel))
        camera = self.view.camera if self.view.scene.layers else None
        with self.view.hold_sync():
            self.view.show(scene)
            if camera is not None:
                self.view.set_trait("camera", camera)

    def _cloud(self, hologram: Hologram, channel: int) -> Cloud | None:
        if channel < 0 or self._reasons is None:
            return None
        share = cast(int, self.controls.share.value) / 100
        ((shift, found),) = site_clouds(hologram, self._reasons.around, [channel], share)
        return found.moved(shift)
