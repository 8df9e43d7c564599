"""One scene of a picture: where its title, its legend and the scene itself go. Lengths are in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from equiviz.view.picture.camera import Bounds, axes_of, bounds_of, fitted
from equiviz.view.picture.canvas import Canvas
from equiviz.view.picture.labels import draw_labels
from equiviz.view.picture.legend import WIDTH, Block, legend
from equiviz.view.picture.lettering import fitting, font, write
from equiviz.view.picture.painters import Stage, paint, tripod
from equiviz.view.picture.slab import seen

if TYPE_CHECKING:
    from equiviz.view.picture.colouring import Colouring
    from equiviz.view.scene import Scene

EDGE = 14  # around everything, at scale 1, as the next ones
GAP = 16  # between blocks of a legend
NARROWEST = 100  # of a block
MOST_BELOW = 0.45  # of a panel: a legend below the scene
TITLE, TITLE_SIZE = 34, 15
WORDS_SIZE = 13
TRIPOD = 24
SMALLEST_SIDE = 150  # of the scene's part: where less would remain, blocks of the legend are left out
WIDE = 1.2  # sides of a panel that has its legend beside the scene; others have it below
EMPTY = "The scene is empty: nothing to draw."


@dataclass(frozen=True, eq=False)
class Panel:
    """One scene with its place on the page.

    Attributes:
        scene: what is drawn.
        bounds: how far it reaches; None where it is empty.
        left: where on the page it begins.
        size: width and height.
        area: the scene's own part: left, top, width and height within the panel.
        blocks: the legend, each block with its corner and width.
        unit: pixels per pixel of scale 1.
    """

    scene: Scene
    bounds: Bounds | None
    left: int
    size: tuple[int, int]
    area: tuple[int, int, int, int]
    blocks: tuple[tuple[Block, tuple[float, float], float], ...]
    unit: float

    @classmethod
    def of(cls, scene: Scene, left: int, size: tuple[int, int], colouring: Colouring, unit: float) -> Panel:
        """Divide a panel among title, legend and scene."""
        top = round(TITLE * unit) if scene.title.strip() and size[1] > 3 * TITLE * unit else 0
        bounds = bounds_of(scene.layers, axes_of(scene.camera))
        blocks = legend(scene.layers, colouring) if bounds is not None else []
        beside = size[0] > WIDE * (size[1] - top)
        placed, area = (_beside if beside else _below)(blocks, size, top, unit)
        return cls(scene, bounds, left, size, area, tuple(placed), unit)

    @property
    def height(self) -> float:
        """Of the scene's part in length units, so that all can be seen."""
        return 1.0 if self.bounds is None else self.bounds.height(self.area[2] / self.area[3])

    def draw(self, page: Image.Image, colouring: Colouring, height: float, samples: int) -> None:
        """Draw it on the page; its scene ``height`` length units high, from samples ``samples`` times as fine."""
        theme, brush = colouring.theme, ImageDraw.Draw(page)
        left, top, width, tall = self.area
        if self.bounds is None:
            words = font(WORDS_SIZE * self.unit)
            place = self.left + left + width / 2, top + tall / 2
            text = fitting(EMPTY, words, self.size[0] - 2 * EDGE * self.unit)
            write(brush, place, text, words, theme.muted, "mm")
        else:
            page.paste(self._scene(colouring, height, samples), (self.left + left, top))
        for block, (x, y), wide in self.blocks:
            block.draw(page, (self.left + x, y), wide, self.unit, theme)
        if top:
            letters = font(TITLE_SIZE * self.unit, bold=True)
            title = fitting(self.scene.title, letters, self.size[0] - 2 * EDGE * self.unit)
            write(brush, (self.left + EDGE * self.unit, 0.62 * top), title, letters, theme.text, "lm")

    def _scene(self, colouring: Colouring, height: float, samples: int) -> Image.Image:
        assert self.bounds is not None  # or there is nothing to draw
        _, _, width, tall = self.area
        view = fitted(self.scene, self.bounds, height, (width * samples, tall * samples))
        canvas = Canvas(view, colouring.theme.paper)
        stage = Stage(canvas, colouring, samples * self.unit, self.scene.layers)
        shown = seen(self.scene)
        paint(self.scene, shown, stage)
        names = self._tripod(stage, samples) if min(width, tall) >= SMALLEST_SIDE * self.unit else []
        image = canvas.reduced(samples)
        brush, letters, paper = ImageDraw.Draw(image), font(11 * self.unit), colouring.theme.paper
        for name, colour, x, y in names:
            write(brush, (x / samples, y / samples), name, letters, colour, "mm", halo=(1.5 * self.unit, paper))
        draw_labels(image, canvas, self.scene.layers, shown, self.unit, colouring.theme)
        return image

    def _tripod(self, stage: Stage, samples: int) -> list[tuple[str, str, float, float]]:
        inset = (EDGE + 1.3 * TRIPOD) * stage.unit
        return tripod(stage, (inset, self.area[3] * samples - inset), TRIPOD * stage.unit)


def _beside(
    blocks: list[Block], size: tuple[int, int], top: int, unit: float
) -> tuple[list[tuple[Block, tuple[float, float], float]], tuple[int, int, int, int]]:
    """The legend in a column at the right, the scene in the rest."""
    left = size[0] - (EDGE + max((block.width for block in blocks), default=0.0)) * unit
    column = round(left - EDGE * unit) if blocks else size[0]
    if column < SMALLEST_SIDE * unit:
        return [], (0, top, size[0], size[1] - top)
    placed = []
    y = top + EDGE * unit
    for block in blocks:
        if y + block.height * unit <= size[1]:
            placed.append((block, (left, y), block.width * unit + 1))
        y += (block.height + GAP) * unit
    return placed, (0, top, column, size[1] - top)


def _below(
    blocks: list[Block], size: tuple[int, int], top: int, unit: float
) -> tuple[list[tuple[Block, tuple[float, float], float]], tuple[int, int, int, int]]:
    """The legend in rows below the scene, as many blocks in each row and as many rows as fit."""
    gap, inner = GAP * unit, size[0] - 2 * EDGE * unit
    each = max(1, int((inner + gap) // (NARROWEST * unit + gap)))
    wide = min(WIDTH * unit, (inner - (each - 1) * gap) / each)
    limit = min(size[1] - top - SMALLEST_SIDE * unit, MOST_BELOW * (size[1] - top))
    rows = [blocks[k : k + each] for k in range(0, len(blocks), each)] if wide >= NARROWEST * unit - 1 else []
    heights = [max(block.height for block in row) * unit + gap for row in rows]
    while heights and sum(heights) > limit:
        heights.pop()
    taken = sum(heights)
    y = size[1] - taken
    placed = []
    for row, height in zip(rows, heights, strict=False):
        placed += [(block, (EDGE * unit + k * (wide + gap), y), wide) for k, block in enumerate(row)]
        y += height
    return placed, (0, top, size[0], int(size[1] - taken) - top)
