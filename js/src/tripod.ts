// The axes x, y, z in a corner of the picture.

import type { Frame } from "./camera";
import type { Triple } from "./header";
import { css, type Theme } from "./theme";
import { dot } from "./vector";

const LENGTH = 26;
const AXES: { name: string; axis: Triple; light: string; dark: string }[] = [
  { name: "x", axis: [1, 0, 0], light: "#BB3311", dark: "#FF8866" },
  { name: "y", axis: [0, 1, 0], light: "#007766", dark: "#44CCAA" },
  { name: "z", axis: [0, 0, 1], light: "#0066AA", dark: "#66AAFF" },
];

export function paintTripod(paint: CanvasRenderingContext2D, frame: Frame, height: number, theme: Theme): void {
  const [x, y] = [LENGTH + 16, height - LENGTH - 16];
  const ends = AXES.map((entry) => ({ ...entry, right: dot(entry.axis, frame.right), up: dot(entry.axis, frame.up), towards: dot(entry.axis, frame.direction) }));
  paint.lineCap = "round";
  paint.font = "600 12px system-ui, -apple-system, 'Segoe UI', sans-serif";
  paint.textAlign = "center";
  paint.textBaseline = "middle";
  for (const end of ends.sort((a, b) => a.towards - b.towards)) {
    const paintOf = theme.dark ? end.dark : end.light;
    paint.strokeStyle = paint.fillStyle = paintOf;
    paint.lineWidth = 2;
    paint.beginPath();
    paint.moveTo(x, y);
    paint.lineTo(x + LENGTH * end.right, y - LENGTH * end.up);
    paint.stroke();
    if (Math.hypot(end.right, end.up) < 0.2) continue; // it points at the reader: its letter would lie on the others
    const [left, top] = [x + (LENGTH + 9) * end.right, y - (LENGTH + 9) * end.up];
    paint.lineWidth = 3;
    paint.strokeStyle = css(theme.background);
    paint.strokeText(end.name, left, top);
    paint.fillText(end.name, left, top);
  }
}
