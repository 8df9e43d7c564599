"""A page's record (`record.js`), read: which pictures were drawn since a moment, when the last was complete."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("record.js").read_text()
QUIET = 1.5  # seconds without a picture, a message or a stall, after which nothing more is expected
DRAWN_BY = ("display_data", "execute_result", "update_display_data", "comm_open", "comm_msg")
BUSY_WITH = (*DRAWN_BY, "comm_close", "stream", "error")

# Gives the record as soon as everything is drawn (or as soon as the page is quiet, where nothing has to be drawn).
QUIET_SINCE = """([since, points, quiet, kinds]) => {
  const record = globalThis.__record, now = performance.timeOrigin + performance.now();
  const pictures = record.pictures.filter((picture) => picture.begun >= since && picture.points >= points);
  const heard = record.messages.filter((message) => message.way === "in" && kinds.includes(message.type));
  const idle = record.messages.some((m) => m.time >= since && m.state === "idle" && m.parent === "execute_request");
  const last = Math.max(since, ...record.stalls, ...record.pictures.slice(-1).map((one) => one.done),
    ...heard.slice(-1).map((one) => one.time));
  const failed = record.messages.find((m) => m.time >= since && m.type === "error");
  if (failed) return { failure: failed.error };
  if (record.open || now - record.alive > 400 || now - last < 1000 * quiet) return false;
  if (points && !(pictures.length && idle)) return false;
  return { pictures: record.pictures.filter((one) => one.begun >= since),
    messages: record.messages.filter((one) => one.time >= since) };
}"""

# Says what is missing, where a page is not quiet in time.
MISSING = """([since, points]) => {
  const record = globalThis.__record, pictures = record.pictures.filter((picture) => picture.begun >= since);
  const most = Math.max(0, ...pictures.map((picture) => picture.points));
  const was = (state) =>
    record.messages.some((m) => m.time >= since && m.parent === "execute_request" && m.state === state);
  if (!was("idle")) return was("busy") ? "the cell still runs" : "no cell ran";
  if (most < points) return most ? `draws ${most} of ${points} points` : "draws nothing";
  const late = (list) => list.filter((time) => time > record.alive - 5000).length;
  return `is never still: ${late(pictures.map((one) => one.done))} pictures, ${late(record.stalls)} stalls and ` +
    `${late(record.messages.map((one) => one.time))} messages in its last five seconds, ${record.open} pictures open`;
}"""


class PageError(Exception):
    """A page that did not come to a complete picture, and why."""


@dataclass(frozen=True)
class Record:
    """What a page drew and heard since a moment, ``since``, in milliseconds since 1970."""

    since: float
    pictures: list[dict[str, Any]]
    messages: list[dict[str, Any]]

    def whole(self, points: int) -> list[dict[str, Any]]:
        """Pictures in which everything is drawn."""
        return [picture for picture in self.pictures if picture["points"] >= points]

    def sharp(self, points: int, screen: float) -> dict[str, Any]:
        """The first picture of everything with about a pixel for each of the ``screen`` ones where it stands.

        Viewports may leave margins: six tenths are asked for, of the screen's or of the largest picture's.
        """
        whole = sorted(self.whole(points), key=lambda one: one["done"])
        most = max(picture["pixels"] for picture in whole)
        return next(picture for picture in whole if picture["pixels"] >= 0.6 * min(screen, most))

    def first(self, points: int, screen: float) -> float:
        """Seconds to that picture."""
        return (self.sharp(points, screen)["done"] - self.since) / 1000

    def complete(self, points: int) -> float:
        """Seconds to the last picture before the page was quiet."""
        return (max(picture["done"] for picture in self.whole(points)) - self.since) / 1000

    def painting(self, points: int, screen: float) -> tuple[float, float]:
        """Seconds that the first and the last picture took, from the first draw call until a pixel could be read."""
        last = max(self.whole(points), key=lambda one: one["done"])
        first, last = ((one["done"] - one["begun"]) / 1000 for one in (self.sharp(points, screen), last))
        return first, last

    def received(self) -> list[dict[str, Any]]:
        """Messages of the kernel that have to do with what is drawn."""
        return [one for one in self.messages if one["way"] == "in" and one["type"] in DRAWN_BY]

    def payload(self) -> int:
        """Bytes of these messages."""
        return sum(one["bytes"] for one in self.received())

    def kernel(self) -> float:
        """Seconds that the kernel was busy with the cell."""
        told = [one for one in self.messages if one["type"] == "status" and one["parent"] == "execute_request"]
        busy = [one["sent"] for one in told if one["state"] == "busy"]
        idle = [one["sent"] for one in told if one["state"] == "idle"]
        return (max(idle) - min(busy)) / 1000 if busy and idle else float("nan")

    def arrived(self) -> float:
        """Seconds to the last message that has to do with what is drawn."""
        return (max((one["time"] for one in self.received()), default=float("nan")) - self.since) / 1000

    def asked(self) -> list[str]:
        """What the page sent to the kernel, apart from the states of traits: anything here may be a kernel call."""
        sent = [one for one in self.messages if one["way"] == "out"]
        return [one["type"] for one in sent if not (one["type"] == "comm_msg" and one["method"] == "update")]

    def executions(self) -> int:
        """Cells that the kernel ran."""
        return sum(one["type"] in ("execute_request", "execute_input") for one in self.messages)
