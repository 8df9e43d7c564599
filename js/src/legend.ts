// The key to the picture: colour bars with heading and ticks, and the species. As elements, and as paint for screenshots.

import { element, shortNumber } from "./elements";
import { css as cssColour, type Theme } from "./theme";
import type { Scale } from "./scales";
import type { Layer, Style } from "./scene";

const MOST_STYLES = 12;
const BAR = { width: 170, height: 11 };

export interface Key { scales: Scale[]; styles: Style[]; more: number }

/** What needs explaining: every scale once, and the species where they give the colours. */
export function keyOf(layers: Layer[]): Key {
  const scales = new Map<string, Scale>();
  const styles = new Map<string, Style>();
  for (const layer of layers) {
    const scale = layer.kind === "atoms" && !layer.values ? null : "scale" in layer ? layer.scale : null;
    if (scale) scales.set(JSON.stringify([scale.heading, scale.low, scale.high, scale.colours]), scale);
    if (layer.kind !== "atoms" || scale) continue;
    const alike = layer.styles.length > 1 && layer.styles.every(({ colour }) => colour === layer.styles[0].colour);
    if (alike) continue; // one colour for all tells nobody apart
    for (const style of layer.styles) if (style.label) styles.set(`${style.label} ${style.colour}`, style);
  }
  const all = [...styles.values()];
  return { scales: [...scales.values()], styles: all.slice(0, MOST_STYLES), more: Math.max(0, all.length - MOST_STYLES) };
}

function ticks(scale: Scale): string[] {
  return [scale.low, (scale.low + scale.high) / 2, scale.high].map(shortNumber);
}

export function legendElement(key: Key, dark: boolean): HTMLElement {
  const legend = element("div", "eqv-legend");
  if (key.styles.length) {
    const list = element("div", "eqv-species");
    for (const { label, colour } of key.styles) {
      const entry = element("span", "eqv-entry");
      const dot = element("span", "eqv-dot");
      dot.style.background = colour;
      entry.append(dot, element("span", "", label));
      list.append(entry);
    }
    if (key.more) list.append(element("span", "eqv-entry", `and ${key.more} more`));
    legend.append(list);
  }
  legend.append(...key.scales.map((scale) => barElement(scale, dark)));
  return legend;
}

function barElement(scale: Scale, dark: boolean): HTMLElement {
  const box = element("div", "eqv-scale", "", { role: "img", "aria-label": `${scale.heading}: colours from ${shortNumber(scale.low)} to ${shortNumber(scale.high)}` });
  const bar = element("div", "eqv-bar");
  const stops = dark ? scale.coloursOnDark : scale.colours;
  const painted = stops.length > 1 ? stops : [stops[0], stops[0]];
  bar.style.background = `linear-gradient(to right, ${painted.map(([place, colour]) => `${colour} ${100 * place}%`).join(", ")})`;
  const line = element("div", "eqv-ticks");
  line.append(...ticks(scale).map((tick) => element("span", "", tick)));
  box.append(element("div", "eqv-heading", scale.heading), bar, line);
  return box;
}

/** Paints the key into the lower right corner, in a context that measures in CSS pixels. */
export function paintLegend(paint: CanvasRenderingContext2D, key: Key, width: number, height: number, theme: Theme): void {
  paintVeil(paint, key, width, height, theme);
  let bottom = height - 12;
  paint.font = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";
  paint.textBaseline = "alphabetic";
  for (const scale of [...key.scales].reverse()) {
    paintBar(paint, scale, width - BAR.width - 16, bottom, theme);
    bottom -= 52;
  }
  let right = width - 16;
  for (const { label, colour } of [...key.styles].reverse()) {
    const wide = paint.measureText(label).width;
    paint.textAlign = "left";
    paint.fillStyle = cssColour(theme.ink);
    paint.fillText(label, right - wide, bottom);
    paint.fillStyle = colour;
    paint.beginPath();
    paint.arc(right - wide - 10, bottom - 4, 5, 0, 2 * Math.PI);
    paint.fill();
    right -= wide + 28;
  }
}

// Lets the key be read where something is drawn behind it.
function paintVeil(paint: CanvasRenderingContext2D, { scales, styles }: Key, width: number, height: number, theme: Theme): void {
  const tall = 52 * scales.length + (styles.length ? 20 : 0);
  if (!tall) return;
  paint.globalAlpha = 0.72;
  paint.fillStyle = cssColour(theme.background);
  paint.fillRect(width - BAR.width - 24, height - tall - 12, BAR.width + 18, tall + 8);
  paint.globalAlpha = 1;
}

function paintBar(paint: CanvasRenderingContext2D, scale: Scale, left: number, bottom: number, theme: Theme): void {
  const gradient = paint.createLinearGradient(left, 0, left + BAR.width, 0);
  for (const [place, colour] of theme.dark ? scale.coloursOnDark : scale.colours) gradient.addColorStop(Math.min(1, Math.max(0, place)), colour);
  paint.fillStyle = gradient;
  paint.fillRect(left, bottom - 26, BAR.width, BAR.height);
  paint.fillStyle = cssColour(theme.ink);
  paint.textAlign = "left";
  paint.fillText(scale.heading, left, bottom - 32, BAR.width);
  ticks(scale).forEach((tick, k) => {
    paint.textAlign = (["left", "center", "right"] as const)[k];
    paint.fillText(tick, left + (k * BAR.width) / 2, bottom);
  });
}
