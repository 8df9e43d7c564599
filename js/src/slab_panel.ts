// The sliders of the slab and of the isolated neighbourhood.

import type { Bounds } from "./bounds";
import { element, shortNumber, slider } from "./elements";
import type { SlabState } from "./scene";

const AXES = ["x", "y", "z"] as const;

export class SlabPanel {
  readonly row = element("div", "eqv-row", "", { role: "group", "aria-label": "Slab", hidden: true });
  private readonly axis = element("select", "eqv-select", "", { "aria-label": "Axis of the slab", title: "Axis of the slab" });
  private readonly position = slider("Position of the slab", 0, 1, "any", () => this.moved());
  private readonly thickness = slider("Thickness of the slab", 0, 1, "any", () => this.moved());
  private readonly label = element("span", "eqv-label");
  private bounds: Bounds | null = null;
  private unit = "";

  constructor(private readonly changed: (slab: SlabState) => void, private readonly guard: (action: () => void) => void) {
    for (const axis of AXES) this.axis.append(element("option", "", axis, { value: axis }));
    this.axis.addEventListener("change", () => guard(() => changed(middleSlab(this.bounds!, this.axis.value as SlabState["axis"], Number(this.thickness.value)))));
    this.row.append(element("span", "eqv-label", "slab"), this.axis, this.position, element("span", "eqv-label", "thick"), this.thickness, this.label);
  }

  show(slab: SlabState | null, bounds: Bounds, unit: string): void {
    [this.bounds, this.unit] = [bounds, unit];
    this.row.hidden = !slab;
    if (!slab) return;
    const [low, high] = extent(bounds, slab.axis);
    this.axis.value = slab.axis;
    for (const input of [this.position, this.thickness]) input.max = String(high - low);
    this.thickness.min = String((high - low) / 200);
    this.thickness.value = String(slab.thickness);
    this.position.min = String(low - slab.thickness / 2);
    this.position.max = String(high - slab.thickness / 2);
    this.position.value = String(slab.start ?? low);
    this.say(slab);
  }

  private moved(): void {
    this.guard(() => this.changed({ axis: this.axis.value as SlabState["axis"], thickness: Number(this.thickness.value), start: Number(this.position.value) }));
  }

  private say({ axis, thickness, start }: SlabState): void {
    const [low, high] = [start ?? 0, (start ?? 0) + thickness];
    const words = start === null ? "everything is shown" : `${axis} = ${shortNumber(Number(low.toPrecision(3)))} … ${shortNumber(Number(high.toPrecision(3)))} ${this.unit}`;
    this.label.textContent = words;
    this.position.setAttribute("aria-valuetext", words);
  }
}

function extent(bounds: Bounds, axis: SlabState["axis"]): [number, number] {
  const column = AXES.indexOf(axis);
  return [bounds.low[column], bounds.high[column]];
}

/** A slab in the middle of the scene; a fifth of it where no thickness is known. */
export function middleSlab(bounds: Bounds, axis: SlabState["axis"], thickness?: number): SlabState {
  const [low, high] = extent(bounds, axis);
  const thick = thickness && thickness > 0 ? Math.min(thickness, high - low || 1) : (high - low) / 5 || 1;
  return { axis, thickness: thick, start: (low + high - thick) / 2 };
}

export class IsolationPanel {
  readonly row = element("div", "eqv-row", "", { role: "group", "aria-label": "Isolated neighbourhood", hidden: true });
  private readonly radius = slider("Radius of the neighbourhood", 0, 1, "any", (radius) => this.guard(() => this.changed(radius)));
  private readonly label = element("span", "eqv-label");

  constructor(private readonly changed: (radius: number) => void, private readonly guard: (action: () => void) => void) {
    this.row.append(element("span", "eqv-label", "neighbourhood"), this.radius, this.label);
  }

  show(radius: number | null, largest: number, unit: string): void {
    this.row.hidden = radius === null;
    if (radius === null) return;
    this.radius.min = String(largest / 500);
    this.radius.max = String(largest);
    this.radius.value = String(radius);
    this.label.textContent = `within ${shortNumber(Number(radius.toPrecision(3)))} ${unit}`;
  }
}
