"""One view with its menus: what is chosen is drawn, and a line says what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.explorer.choices import (
    Choice,
    fitted,
    numbers,
    offered_blocks,
    why_not_drawn,
)
from equiviz.apps.explorer.drawing import changes, scene_of
from equiviz.apps.explorer.pickers import Pickers
from equiviz.apps.explorer.recorded import Recorded
from equiviz.equivariance.check_widget.look import line, say
from equiviz.view.drawn_field import ALL
from equiviz.view.layers import Arrows, Glyphs
from equiviz.view.live import scene_view
from equiviz.view.scene import Scene

if TYPE_CHECKING:
    from equiviz.symmetry.field import Field
    from equiviz.view.live_widget import SceneView

_SHAPES: dict[type, str] = {Arrows: "arrows", Glyphs: "glyphs"}


class Pane:
    """Menus, view and caption.

    Attributes:
        pickers: the menus.
        view: the 3D view.
        caption: what is drawn, or why nothing is.
        sent: what the last choice sent to the page: "update", "scene", or "" where nothing changed.
        painter: who has painted the atoms instead of the choice; None where the choice is drawn.
        box: all of it.
    """

    def __init__(
        self, models: dict[str, Recorded], recorded: Recorded, choice: Choice, height: int, linked: str = ""
    ) -> None:
        from ipywidgets import VBox

        self.followers: list[Callable[[], object]] = []
        scene = scene_of(recorded.structures[choice.structure], recorded.capture(choice.structure), choice)
        self.view: SceneView = scene_view(scene, height, linked)
        self.pickers = Pickers(models, recorded, choice, self._chosen)
        self._structure = recorded.structures[choice.structure]
        self.caption = line()
        self.sent = "scene"
        self.painter: object = None
        self._say()
        self.box = VBox([self.pickers.box, cast(Any, self.view), self.caption])

    @property
    def place(self) -> tuple[Recorded, int]:
        """Which structure of which record is shown: what an answer is about."""
        return self.recorded, self.choice.structure

    @property
    def choice(self) -> Choice:
        """What is shown."""
        return self.pickers.choice

    @property
    def recorded(self) -> Recorded:
        """Of which model."""
        return self.pickers.recorded

    @property
    def field(self) -> Field:
        """The chosen stage."""
        return self.recorded.capture(self.choice.structure)[self.choice.stage]

    def choose(self, choice: Choice) -> None:
        """Show something else; the menus follow, and whoever follows this pane."""
        self.pickers.choose(fitted(choice, self.recorded.capture(choice.structure)))
        self._draw()
        self._tell()

    def paint(self, painter: object, scene: Scene, words: str) -> None:
        """Draw something else on the same structure, until `reset` or another choice.

        Args:
            painter: who paints; `Pane.painter` until then.
            scene: of the structure that is shown.
            words: what is drawn.
        """
        draw(self.view, scene, same_place=True)
        self.painter = painter
        say(self.caption, words, "equiviz-quiet")
        self._tell()

    def reset(self) -> None:
        """Draw the choice again."""
        self._draw()
        self._tell()

    def _tell(self) -> None:
        for follow in self.followers:
            follow()

    def _chosen(self) -> None:
        """A menu was moved: an error is shown in the view, for a callback has nobody else to tell."""
        self.view.guarded(lambda _: self.choose(self.choice))(None)

    def _draw(self) -> None:
        structure = self.recorded.structures[self.choice.structure]
        scene = scene_of(structure, self.recorded.capture(self.choice.structure), self.choice)
        self.sent = draw(self.view, scene, same_place=structure is self._structure)
        self._structure = structure
        self.painter = None
        self._say()

    def _say(self) -> None:
        reason = why_not_drawn(self.field)
        if reason:
            told = f"{self.choice.stage}: {reason}."
            say(self.caption, told + numbers_words(self.field, self.choice), "equiviz-quiet")
        else:
            say(self.caption, caption_words(self.view.scene, self.field, self.choice), "equiviz-quiet")


def draw(view: SceneView, scene: Scene, same_place: bool) -> str:
    """Bring a view to a scene by as little as needed.

    Args:
        view: that shows another scene.
        scene: to be shown.
        same_place: whether it is the same structure, so that selection, camera and slab stay.

    Returns:
        "update", "scene", or "" where nothing differs.
    """
    found = changes(view.scene, scene)
    if found is not None and len(found) <= 1:
        for layer, arrays in found.items():
            view.change(layer, **arrays)
        view.scene = scene
        return "update" if found else ""
    kept = (view.selected, view.camera, view.slab)
    with view.hold_sync():
        view.show(scene)
        if same_place:
            view.set_trait("selected", kept[0])
            view.set_trait("camera", kept[1])
            view.set_trait("slab", kept[2])
    return "scene"


def caption_words(scene: Scene, field: Field, choice: Choice) -> str:
    """What is drawn, in a sentence."""
    rows = f"{len(field):,} {field.support}s"
    if choice.block == ALL:
        return f"{choice.stage}, channel {choice.channel} of every degree together, as glyphs on {rows}."
    shape = next((_SHAPES[type(layer)] for layer in scene.layers if type(layer) in _SHAPES), "colours")
    many = offered_blocks(field).get(choice.block, 0)
    scale = "one scale for all channels" if choice.shared else "a scale of its own"
    return (
        f"{choice.stage}, {choice.block}, channel {choice.channel} of {many} (from 0), as {shape} on {rows}; {scale}."
    )


def numbers_words(field: Field, choice: Choice) -> str:
    """The chosen copy of a field of one row, in numbers; "" for others."""
    if field.support != "graph" or not len(field) or choice.block not in offered_blocks(field):
        return ""
    values = numbers(field, choice.block, choice.channel)[0]
    told = ", ".join(f"{value:.6g}" for value in values)
    return f" {choice.block}, channel {choice.channel}: " + (told if len(values) == 1 else f"({told})") + "."
