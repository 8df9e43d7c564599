"""One measurement: a peer draws a case in a fresh notebook, then shows other numbers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.view.cases import Case
from benchmarks.view.drag import Dragged, dragged
from benchmarks.view.lab import Notebook, notebook
from benchmarks.view.pixels import SHARE, changed, covered, screen_pixels, shown
from benchmarks.view.record import PageError, Record

NOTEBOOK, PREPARATION = "notebook", "preparation"  # the steps before anything is drawn
LIMIT = 120  # seconds for a picture


@dataclass(frozen=True)
class Timing:
    """From running a cell to its picture, in seconds since its start, and what the kernel sent meanwhile."""

    complete: float  # the last picture before the page is quiet
    first: float  # the first one with everything in it, and with a pixel for each of the screen's
    kernel: float  # how long the kernel was busy
    arrived: float  # when the last message reached the page
    payload: int  # bytes, without a script that is sent once per page
    painting: float = 0.0  # what the first picture took, from its first draw call until the graphics were done
    refining: float = 0.0  # and the last one

    @classmethod
    def of(cls, record: Record, points: int, screen: float, script: int = 0) -> Timing:
        """Read from a record; ``screen``: the pixels that the picture has there; ``script`` bytes are taken off."""
        payload, painted, first = (
            record.payload() - script,
            record.painting(points, screen),
            record.first(points, screen),
        )
        return cls(record.complete(points), first, record.kernel(), record.arrived(), payload, *painted)


@dataclass(frozen=True)
class Measured:
    """What a visit found; ``failure`` says at which step a peer failed, and why."""

    peer: str
    case: Case
    version: str = "?"
    script: int = 0
    drawing: Timing | None = None
    updating: Timing | None = None
    drag: Dragged | None = None
    failure: str = ""

    @property
    def unmeasured(self) -> bool:
        """Whether it failed before the library had anything to do, as on a machine that is too busy."""
        return self.failure.startswith((NOTEBOOK, PREPARATION))


@dataclass(frozen=True)
class Place:
    """Where visits happen."""

    chromium: str
    limit: float = LIMIT
    pictures: Path | None = None  # where the page as it is at the end is kept

    def visit(self, peer: str, case: Case, drag: bool = False) -> Measured:
        """Draw, update, and perhaps drag; what fails is told, not raised."""
        prepare = f"from benchmarks.view.peers import prepare\ndrawing = prepare({peer!r}, {case.kind!r}, {case.count})"
        cells = (prepare, "drawing.draw()", "drawing.update(1)")
        try:
            with notebook(self.chromium, *cells) as opened:
                found = measured(opened, peer, case, self.limit, drag)
                self._keep(opened, f"{case.name}, {peer}.png")
                return found
        except Exception as problem:  # a browser that dies takes its notebook along
            return Measured(peer, case, failure=_said(NOTEBOOK, problem))

    def _keep(self, opened: Notebook, name: str) -> None:
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            with suppress(Exception):  # a page that hangs has no picture
                opened.page.screenshot(path=self.pictures / name.replace("<=", "≤"), timeout=30_000)


def measured(opened: Notebook, peer: str, case: Case, limit: float, drag: bool = False) -> Measured:
    """All steps in an open notebook, as far as they succeed."""
    found: dict[str, object] = {}

    def first() -> None:
        told = opened.prepared()
        found.update(version=told["version"], script=told["script_bytes"])

    def second() -> None:
        record = opened.run(1, case.points, limit)
        refuse_blank(covered(shown(opened.page)), "draws nothing")
        found["drawing"] = Timing.of(record, case.points, screen_pixels(opened.page), int(str(found["script"])))

    def third() -> None:
        before = shown(opened.page)
        record = opened.run(2, case.points, limit)
        refuse_blank(changed(before, shown(opened.page)), "the picture stays as it was")
        found["updating"] = Timing.of(record, case.points, screen_pixels(opened.page))

    def fourth() -> None:
        found["drag"] = dragged(opened)

    steps: dict[str, Callable[[], None]] = {PREPARATION: first, "first frame": second, "update": third}
    for name, step in (steps | ({"orbit": fourth} if drag else {})).items():
        try:
            step()
        except Exception as problem:
            return Measured(peer, case, failure=_said(name, problem), **found)  # type: ignore[arg-type]
    return Measured(peer, case, **found)  # type: ignore[arg-type]


def refuse_blank(share: float, what: str) -> None:
    """Raises where fewer pixels than `SHARE` speak for a picture."""
    if share < SHARE:
        raise PageError(f"{what}: {100 * share:.1f} % of the canvas differ, expected {100 * SHARE:.0f} %")


def _said(step: str, problem: Exception) -> str:
    return f"{step}: {str(problem).splitlines()[0] if str(problem) else type(problem).__name__}"
