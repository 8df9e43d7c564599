"""One view with its menus: what is chosen is drawn, and a line says what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from equiviz.apps.explorer.place import Place, carried_over
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
        self._drawn_on = recorded.place(choice.structure, choice.stage)
        scene = scene_of(self._drawn_on, recorded.seen(choice.structure)[choice.stage], choice)
        self.view: SceneView = scene_view(scene, height, linked)
        self.pickers = Pickers(models, recorded, choice, self._chosen)
        self._number = choice.structure
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
        """The chosen stage, a row for each atom or point where it lies on such."""
        return self.recorded.seen(self.choice.structure)[self.choice.stage]

    @property
    def inner(self) -> Choice:
        """What is shown, as the model has it: `Recorded.inner`."""
        return self.recorded.inner(self.choice, self.view.selected)

    @property
    def drawn_on(self) -> Place:
        """What the chosen stage is drawn on."""
        return self.recorded.place(self.choice.structure, self.choice.stage)

    def choose(self, choice: Choice) -> None:
        """Show something else; the menus follow, and whoever follows this pane."""
        self.pickers.choose(fitted(choice, self.recorded.seen(choice.structure)))
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
        before, now = self._drawn_on, self.drawn_on
        selected = carried_over(self.view.selected, before, now) if self._number == self.choice.structure else []
        self.sent = draw(self.view, scene_of(now, self.field, self.choice), _same(before, now), selected)
        self._drawn_on, self._number = now, self.choice.structure
        self.painter = None
        self._say()

    def _say(self) -> None:
        on_points, noun = self.recorded.on_points, self.recorded.noun
        reason = why_not_drawn(self.field, self.recorded.whole)
        if reason:
            told = f"{self.choice.stage}: {reason}."
            say(self.caption, told + numbers_words(self.field, self.choice), "equiviz-quiet")
        elif self.recorded.moving:
            say(self.caption, moving_words(self.drawn_on, self.choice), "equiviz-quiet")
        else:
            say(
                self.caption,
                caption_words(self.view.scene, self.field, self.choice, noun if on_points else ""),
                "equiviz-quiet",
            )


def _same(before: Place, now: Place) -> bool:
    """Whether the view may stay where it is: the same structure, or other points on the same ball."""
    one, other = before.ground, now.ground
    on_one_ball = one is not None and other is not None and one.ball == other.ball > 0
    return before.structure is now.structure or on_one_ball


def draw(view: SceneView, scene: Scene, same_place: bool, selected: Sequence[int] | None = None) -> str:
    """Bring a view to a scene by as little as needed.

    Args:
        view: that shows another scene.
        scene: to be shown.
        same_place: whether it is the same structure, so that camera and slab stay, and the selection too.
        selected: what is selected of the new scene, where that is known.

    Returns:
        "update", "scene", or "" where nothing differs.
    """
    found = changes(view.scene, scene)
    if found is not None and len(found) <= 1:
        for layer, arrays in found.items():
            view.change(layer, **arrays)
        view.scene = scene
        view.selected = list(view.selected if selected is None else selected)
        return "update" if found else ""
    chosen, kept = (
        list(view.selected) if selected is None and same_place else list(selected or ()),
        (view.camera, view.slab),
    )
    with view.hold_sync():
        view.show(scene)
        view.set_trait("selected", chosen)
        if same_place:
            view.set_trait("camera", kept[0])
            view.set_trait("slab", kept[1])
    return "scene"


def caption_words(scene: Scene, field: Field, choice: Choice, noun: str = "") -> str:
    """What is drawn, in a sentence; `noun`: what one row is, by default its support."""
    rows = f"{len(field):,} {noun or field.support}s"
    if choice.block == ALL:
        return f"{choice.stage}, channel {choice.channel} of every degree together, as glyphs on {rows}."
    shape = next((_SHAPES[type(layer)] for layer in scene.layers if type(layer) in _SHAPES), "colours")
    many = offered_blocks(field).get(choice.block, 0)
    scale = "one scale for all channels" if choice.shared else "a scale of its own"
    return (
        f"{choice.stage}, {choice.block}, channel {choice.channel} of {many} (from 0), as {shape} on {rows}; {scale}."
    )


def moving_words(place: Place, choice: Choice) -> str:
    """As `caption_words`, of points that are where their values take them."""
    assert place.on is not None
    arrows = " and ".join(place.on.names.values())
    return f"{choice.stage}: {len(place):,} {place.on.point}s where they are, with their {arrows} as arrows."


def numbers_words(field: Field, choice: Choice) -> str:
    """The chosen copy of a field of one row, in numbers; "" for others."""
    if field.support != "graph" or not len(field) or choice.block not in offered_blocks(field):
        return ""
    values = numbers(field, choice.block, choice.channel)[0]
    told = ", ".join(f"{value:.6g}" for value in values)
    return f" {choice.block}, channel {choice.channel}: " + (told if len(values) == 1 else f"({told})") + "."
