// Making page elements. Text enters a page here, and only as text: there is no innerHTML in this program.

export type Attributes = Record<string, string | number | boolean>;

export function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = "", attributes: Attributes = {}): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** An icon of 24 x 24 units, drawn with lines. */
export function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** A slider with its name for screen readers. */
export function slider(name: string, low: number, high: number, step: number | "any", moved: (value: number) => void): HTMLInputElement {
  const input = element("input", "eqv-slider", "", { type: "range", min: low, max: high, step, "aria-label": name, title: name });
  input.addEventListener("input", () => moved(Number(input.value)));
  return input;
}

/** A number for reading: four figures, a real minus sign, a power of ten where it is far from one. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return "unknown";
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 1e5);
  const text = plain ? String(Number(value.toPrecision(4))) : value.toExponential(2).replace("e+", "e");
  return text.replace(/-/g, "−");
}

export function withUnit(value: number, unit: string): string {
  return unit && !Number.isNaN(value) ? `${shortNumber(value)} ${unit}` : shortNumber(value);
}
