"""The three views of the hand: the input, what the model makes of it turned, and the turned features of it as it came.

A structure of atoms is turned by its views: positions and features of a rotation look like the picture turned, so that
a hand that drags sends nothing. Values on points are drawn as the check compares them, f(g x) beside D(g) f(x), on the
points where they are: a grid stays, and vectors of phase space go where they go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from equiviz.apps.explorer.drawing import input_scene, scene_of, seen_from_all_sides
from equiviz.apps.explorer.pane import draw
from equiviz.apps.explorer.place import Place
from equiviz.apps.explorer.recorded import input_points
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.view.live import scene_view
from equiviz.view.live_widget import IDENTITY
from equiviz.view.points import point_structure
from equiviz.view.scene import CHANGING

if TYPE_CHECKING:
    from equiviz.apps.explorer.choices import Choice
    from equiviz.apps.explorer.pane import Pane
    from equiviz.apps.explorer.rotation_hand import Turned
    from equiviz.symmetry.groups import GroupElement
    from equiviz.symmetry.points import PointValues
    from equiviz.view.live_widget import SceneView
    from equiviz.view.scene import Scene


class TurnedViews(ABC):
    """Three views that are seen from one side.

    Attributes:
        pane: whose choice is drawn.
        views: the input; what the model gives for it turned; what it should give.
    """

    def __init__(self, pane: Pane, height: int) -> None:
        self.pane = pane
        linked = f"hand-{id(self)}"
        self.views: list[SceneView] = self._made(height, linked)

    @property
    def hand(self) -> SceneView:
        """The view of the input."""
        return self.views[0]

    @abstractmethod
    def _made(self, height: int, linked: str) -> list[SceneView]: ...

    @abstractmethod
    def redraw(self, same: bool) -> None:
        """Draw what is chosen; `same`: at the same place as before, so that cameras stay."""

    @abstractmethod
    def show(self, turned: Turned) -> None:
        """Draw what a run gave."""

    @property
    def _choice(self) -> Choice:
        return self.pane.choice

    def _scene(self) -> Scene:
        """The chosen features of the input as it came."""
        place = self.pane.drawn_on
        scene = scene_of(place, self.pane.field, self._choice)
        return seen_from_all_sides(scene, scene.layers, place.ground)

    def _input(self) -> Place:
        number, recorded = self._choice.structure, self.pane.recorded
        given = recorded.inputs[number]
        on = input_points(given) if isinstance(given, TypedTensors) else None
        return Place(recorded.structures[number], input=on)


class AtomViews(TurnedViews):
    """Of a structure: every view is turned; f(g x) is drawn as D(g^-1) f(g x) in a view that is turned by g."""

    def _made(self, height: int, linked: str) -> list[SceneView]:
        hand = scene_view(self._bare(), height, linked)
        still = scene_view(self._scene(), height, linked)
        found = scene_view(self._scene(), height)
        # The model's features must not turn before the model has run: this view shares the camera only.
        from ipywidgets import jslink

        jslink((hand, "camera"), (found, "camera"))
        for view in (found, still):
            jslink((hand, "slab"), (view, "slab"))
        hand.hand = still.hand = True
        return [hand, found, still]

    def redraw(self, same: bool) -> None:
        """See `TurnedViews.redraw`."""
        draw(self.views[0], self._bare(), same)
        for view in self.views[1:]:
            draw(view, self._scene(), same)

    def show(self, turned: Turned) -> None:
        """f(g x), in one message with its orientation."""
        found, choice = self.views[1], self._choice
        field = turned.turned_back(choice.stage)
        scene = scene_of(self.pane.drawn_on, field, replace(choice, shared=False))
        with found.hold_sync():
            found.turn = orientation(turned.g)
            draw_like(found, scene, self.views[2].scene)

    def _bare(self) -> Scene:
        """The input alone, in the place where its features are drawn."""
        return seen_from_all_sides(input_scene(self._input()), self._scene().layers)


class PointViews(TurnedViews):
    """Of values on points: the input turns with the hand where there is one, features are drawn where they lie."""

    def _made(self, height: int, linked: str) -> list[SceneView]:
        from ipywidgets import jslink

        # Points on one ball share the camera itself; `linked` views share the turn too, but features are not turned.
        moving = self.pane.recorded.moving
        scenes = (self._bare(), self._scene(), self._scene())
        views = [scene_view(scene, height, linked if moving else "") for scene in scenes]
        for view in () if moving else views[1:]:
            jslink((views[0], "camera"), (view, "camera"))
        jslink((views[1], "selected"), (views[2], "selected"))
        views[0].hand = not moving
        return views

    def redraw(self, same: bool) -> None:
        """See `TurnedViews.redraw`."""
        selected = list(self.pane.view.selected)
        draw(self.views[0], self._bare(), same)
        for view in self.views[1:]:
            draw(view, self._scene(), same, selected)

    def show(self, turned: Turned) -> None:
        """f(g x) and D(g) f(x), as they are compared; the input, where no hand turns it."""
        if self.pane.recorded.moving:
            self._move_input(turned)
        pictured = turned.pictured(self._choice.stage)
        if pictured is None:
            return
        for view, on in zip(self.views[1:], pictured, strict=True):
            field = Field(on.values, on.representation)
            redrawn(view, scene_of(self._place(on), field, replace(self._choice, shared=False)))

    def _move_input(self, turned: Turned) -> None:
        moved = turned.matching.trial.x
        assert isinstance(moved, TypedTensors)
        on = input_points(moved)
        redrawn(self.hand, input_scene(Place(point_structure(on), input=on)))

    def _place(self, on: PointValues) -> Place:
        place = self.pane.drawn_on
        return replace(place, structure=place.structure if on.fixed else point_structure(on), on=on)

    def _bare(self) -> Scene:
        place = self._input()
        scene = input_scene(place)
        return seen_from_all_sides(scene, scene.layers, place.ground)


def orientation(g: GroupElement) -> list[float]:
    """A rotation as a view takes it."""
    return [float(x) for x in g.matrix.flatten()] if isinstance(g, O3) else list(IDENTITY)


def draw_like(view: SceneView, scene: Scene, like: Scene) -> None:
    """Draw a scene on the scale of another: only its numbers are sent."""
    for number, (own, other) in enumerate(zip(scene.layers, like.layers, strict=True)):
        for name in ("vectors", "coefficients", "values"):
            new, old = getattr(own, name, None), getattr(other, name, None)
            if new is not None and old is not None and new.shape == old.shape:
                view.change(number, **{name: new})
                return


def redrawn(view: SceneView, scene: Scene) -> None:
    """Draw a scene on the scales of what the view shows: all that may change is sent, in one message."""
    with view.hold_sync():
        for number, (own, other) in enumerate(zip(scene.layers, view.scene.layers, strict=True)):
            arrays = {name: (getattr(own, name, None), getattr(other, name, None)) for name in CHANGING}
            new = {name: a for name, (a, b) in arrays.items() if a is not None and b is not None and a.shape == b.shape}
            if new:
                view.change(number, **new)
