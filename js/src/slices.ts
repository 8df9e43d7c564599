// What is shown: a slab of a dense system, or the neighbourhood of the selection. One byte per row of each layer.

import { SELECTED, SHOWN } from "./painter";
import type { Rows } from "./selection";
import { type AtomsLayer, type Layer, rowsOf, type SlabState } from "./scene";

export interface Isolation { rows: Rows; radius: number }
export interface Restriction { slab: SlabState | null; isolation: Isolation | null }

const AXES = { x: 0, y: 1, z: 2 } as const;

type Inside = (points: Float32Array, at: number) => boolean;

/** The number of the first atoms layer, -1 where there is none. */
export function firstAtoms(layers: Layer[]): number {
  return layers.findIndex((layer) => layer.kind === "atoms");
}

/** The states of all layers: SHOWN, and SELECTED where a row is, or belongs to, a selected atom. */
export function statesOf(layers: Layer[], restriction: Restriction, selected: Rows): Uint8Array[] {
  const first = firstAtoms(layers);
  const inside = insideOf(layers, restriction);
  const states: Uint8Array[] = [];
  for (const [k, layer] of layers.entries()) {
    states.push(layerStates(layer, states, inside));
    if (k === first) for (const row of selected) states[k][row] |= SELECTED;
  }
  return states;
}

function layerStates(layer: Layer, before: Uint8Array[], inside: Inside | null): Uint8Array {
  if (layer.kind === "bonds") return bondStates(layer.pairs, before[layer.of]);
  if ("of" in layer && layer.of !== null) return before[layer.of].slice();
  const states = new Uint8Array(rowsOf(layer)).fill(SHOWN);
  if (layer.kind === "cell" || !inside) return states;
  const points = "positions" in layer ? layer.positions : layer.origins;
  for (let k = 0; k < states.length; k++) if (!inside(points, 3 * k)) states[k] = 0;
  return states;
}

function bondStates(pairs: Uint32Array, atoms: Uint8Array): Uint8Array {
  const states = new Uint8Array(pairs.length / 2);
  for (let k = 0; k < states.length; k++) states[k] = atoms[pairs[2 * k]] & atoms[pairs[2 * k + 1]] & SHOWN;
  return states;
}

function insideOf(layers: Layer[], { slab, isolation }: Restriction): Inside | null {
  const tests: Inside[] = [];
  if (slab && slab.start !== null) tests.push(inSlab(slab, slab.start));
  const first = firstAtoms(layers);
  if (isolation && first >= 0) tests.push(nearAny((layers[first] as AtomsLayer).positions, isolation));
  return tests.length ? (points, at) => tests.every((test) => test(points, at)) : null;
}

function inSlab({ axis, thickness }: SlabState, start: number): Inside {
  const column = AXES[axis];
  return (points, at) => points[at + column] >= start && points[at + column] <= start + thickness;
}

// Centres are sorted into boxes as wide as the radius: each point looks into 27 boxes, however many are selected.
function nearAny(positions: Float32Array, { rows, radius }: Isolation): Inside {
  const boxes = new Map<string, number[]>();
  const box = (value: number) => Math.floor(value / radius);
  for (const row of rows) {
    const key = [0, 1, 2].map((axis) => box(positions[3 * row + axis])).join();
    boxes.set(key, [...(boxes.get(key) ?? []), 3 * row]);
  }
  const square = radius * radius;
  return (points, at) => {
    const [x, y, z] = [points[at], points[at + 1], points[at + 2]];
    const [i, j, k] = [box(x), box(y), box(z)];
    for (let n = 0; n < 27; n++) {
      const centres = boxes.get(`${i + (n % 3) - 1},${j + (Math.floor(n / 3) % 3) - 1},${k + Math.floor(n / 9) - 1}`);
      if (centres?.some((c) => (positions[c] - x) ** 2 + (positions[c + 1] - y) ** 2 + (positions[c + 2] - z) ** 2 <= square)) return true;
    }
    return false;
  };
}

/** A radius that shows about two shells of neighbours: 2.2 times the distance to the nearest other atom. */
export function neighbourhoodRadius(positions: Float32Array, rows: Rows): number {
  const distances = rows.slice(0, 20).map((row) => nearest(positions, row)).filter(Number.isFinite).sort((a, b) => a - b);
  return distances.length ? 2.2 * distances[distances.length >> 1] : 1;
}

function nearest(positions: Float32Array, row: number): number {
  let least = Infinity;
  for (let k = 0; 3 * k < positions.length; k++) {
    const square = (positions[3 * k] - positions[3 * row]) ** 2 + (positions[3 * k + 1] - positions[3 * row + 1]) ** 2 + (positions[3 * k + 2] - positions[3 * row + 2]) ** 2;
    if (k !== row && square > 0 && square < least) least = square;
  }
  return Math.sqrt(least);
}
