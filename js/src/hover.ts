// What the pointer is on, in words, and the little box that says it.

import { element, shortNumber, withUnit } from "./elements";
import type { Triple } from "./header";
import { glyphValue, type Hit } from "./pick";
import type { ArrowsLayer, AtomsLayer, GlyphsLayer, Layer, Scene } from "./scene";

/** Lines about a hit, the most important first. `towards` points from a glyph's origin to where it was hit. */
export function hitLines(scene: Scene, layers: Layer[], hit: Hit, towards: Triple): string[] {
  const layer = layers[hit.layer];
  const atom = atomOf(layers, hit);
  const lines = atom === null ? [] : atomLines(layers[atom.layer] as AtomsLayer, atom.row);
  if (layer.kind === "glyphs") lines.push(...glyphLines(layer, hit.row, towards));
  for (const [k, other] of layers.entries()) {
    if (other.kind === "arrows" && (k === hit.layer || (atom && other.of === atom.layer))) lines.push(arrowLine(other, k === hit.layer ? hit.row : atom!.row));
    if (other.kind === "glyphs" && k !== hit.layer && atom && other.of === atom.layer) lines.push(normLine(other, atom.row));
  }
  const points = atom ? (layers[atom.layer] as AtomsLayer).positions : "origins" in layer ? layer.origins : null;
  if (points) lines.push(placeLine(points, atom?.row ?? hit.row, scene.lengthUnit));
  const hover = atom ? (layers[atom.layer] as AtomsLayer).hover[atom.row] : "";
  return hover ? [...lines, hover] : lines;
}

/** The atom that a hit belongs to. */
export function atomOf(layers: Layer[], hit: Hit): { layer: number; row: number } | null {
  const layer = layers[hit.layer];
  if (layer.kind === "atoms") return { layer: hit.layer, row: hit.row };
  if ((layer.kind === "glyphs" || layer.kind === "arrows") && layer.of !== null) return { layer: layer.of, row: hit.row };
  return null;
}

function atomLines(atoms: AtomsLayer, row: number): string[] {
  const label = atoms.styles[atoms.style[row]].label;
  const first = label ? `${label} · atom ${row}` : `atom ${row}`;
  return atoms.values && atoms.scale ? [first, `${atoms.scale.title || "value"}: ${withUnit(atoms.values[row], atoms.scale.unit)}`] : [first];
}

function glyphLines(layer: GlyphsLayer, row: number, towards: Triple): string[] {
  const here = `${layer.scale.title || "f(n)"} here: ${withUnit(glyphValue(layer, row, towards), layer.scale.unit)}`;
  return layer.name ? [layer.name, here] : [here];
}

// Of a glyph that belongs to what was hit, but was not hit itself.
function normLine({ name, scale, coefficients, amplitudes, lmax }: GlyphsLayer, row: number): string {
  const numbers = (lmax + 1) ** 2;
  const norm = Math.hypot(...coefficients.subarray(numbers * row, numbers * (row + 1))) * (amplitudes[row] / 32767);
  return `norm of ${name || scale.title || "f"}: ${withUnit(norm, scale.unit)}`;
}

function arrowLine(layer: ArrowsLayer, row: number): string {
  const vector = [0, 1, 2].map((axis) => shortNumber(layer.vectors[3 * row + axis])).join(", ");
  return `${layer.scale.title || "vector"}: ${withUnit(layer.values[row], layer.scale.unit)}, (${vector})`;
}

function placeLine(points: Float32Array, row: number, unit: string): string {
  const place = [0, 1, 2].map((axis) => shortNumber(Number(points[3 * row + axis].toFixed(3)))).join(", ");
  return `at (${place})${unit ? ` ${unit}` : ""}`;
}

export class Tooltip {
  readonly box = element("div", "eqv-tooltip", "", { "aria-hidden": true, hidden: true });

  show(lines: string[], x: number, y: number, width: number, height: number): void {
    this.box.replaceChildren(...lines.map((line, k) => element("div", k ? "" : "eqv-strong", line)));
    this.box.hidden = false;
    const left = x + 16 + this.box.offsetWidth > width ? x - 12 - this.box.offsetWidth : x + 16;
    const top = y + 16 + this.box.offsetHeight > height ? y - 12 - this.box.offsetHeight : y + 16;
    this.box.style.transform = `translate(${Math.max(2, left)}px, ${Math.max(2, top)}px)`;
  }

  hide(): void {
    this.box.hidden = true;
  }
}
