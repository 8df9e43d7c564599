// What lies under a line of sight: the nearest sphere, glyph or arrow. Plain loops; 100,000 atoms take about a millisecond.

import type { Ray } from "./camera";
import { glyphRadii } from "./glyphs";
import { evaluate } from "./harmonics";
import type { Triple } from "./header";
import { SHOWN } from "./painter";
import type { ArrowsLayer, GlyphsLayer, Layer } from "./scene";
import { radii } from "./spheres";
import { add, cross, dot, minus, norm, times } from "./vector";

export interface Hit { layer: number; row: number; distance: number }
type RowHit = Omit<Hit, "layer">;

const MOST_GLYPHS_TRIED = 24;
const STEPS = 64;

/** The nearest thing of any layer on the ray, which is in the coordinates of the structure. */
export class Picker {
  private readonly reach = new Map<Layer, Float32Array>();

  pick(layers: Layer[], states: Uint8Array[], ray: Ray, tolerance: number): Hit | null {
    let best: Hit | null = null;
    for (const [k, layer] of layers.entries()) {
      const hit = this.pickLayer(layer, states[k], ray, tolerance);
      if (hit && (!best || hit.distance < best.distance)) best = { layer: k, ...hit };
    }
    return best;
  }

  private pickLayer(layer: Layer, states: Uint8Array, ray: Ray, tolerance: number): RowHit | null {
    if (layer.kind === "atoms") return nearestSphere(layer.positions, this.radiiOf(layer), states, ray);
    if (layer.kind === "glyphs") return nearestGlyph(layer, this.radiiOf(layer), states, ray);
    if (layer.kind === "arrows") return nearestArrow(layer, states, ray, tolerance);
    return null;
  }

  /** Radii of atoms, or of the spheres about glyphs; kept while the layer stays the same. */
  radiiOf(layer: Layer): Float32Array {
    let known = this.reach.get(layer);
    if (!known) {
      if (this.reach.size > 32) this.reach.clear();
      known = layer.kind === "atoms" ? radii(layer) : layer.kind === "glyphs" ? glyphRadii(layer) : new Float32Array(0);
      this.reach.set(layer, known);
    }
    return known;
  }
}

export function nearestSphere(positions: Float32Array, radius: Float32Array, states: Uint8Array, { origin, direction }: Ray): RowHit | null {
  const [ox, oy, oz] = origin;
  const [dx, dy, dz] = direction;
  let best = Infinity;
  let row = -1;
  for (let k = 0, at = 0; k < states.length; k++, at += 3) {
    if (!(states[k] & SHOWN)) continue;
    const x = positions[at] - ox;
    const y = positions[at + 1] - oy;
    const z = positions[at + 2] - oz;
    const along = x * dx + y * dy + z * dz;
    const room = radius[k] * radius[k] - (x * x + y * y + z * z - along * along);
    if (room < 0) continue;
    const distance = along - Math.sqrt(room);
    if (distance < best && distance > 0) [best, row] = [distance, k];
  }
  return row < 0 ? null : { row, distance: best };
}

// Spheres about the glyphs first, from near to far; then the surface itself, along the ray.
export function nearestGlyph(layer: GlyphsLayer, reach: Float32Array, states: Uint8Array, ray: Ray): RowHit | null {
  const candidates: { row: number; enter: number; leave: number }[] = [];
  for (let k = 0; k < states.length; k++) {
    if (!(states[k] & SHOWN)) continue;
    const from = minus(originOf(layer, k), ray.origin);
    const along = dot(from, ray.direction);
    const room = reach[k] ** 2 - (dot(from, from) - along * along);
    if (room > 0) candidates.push({ row: k, enter: along - Math.sqrt(room), leave: along + Math.sqrt(room) });
  }
  candidates.sort((a, b) => a.enter - b.enter);
  let best: RowHit | null = null;
  for (const { row, enter, leave } of candidates.slice(0, MOST_GLYPHS_TRIED)) {
    if (best && enter > best.distance) break;
    const distance = glyphSurface(layer, row, ray, enter, leave);
    if (distance !== null && (!best || distance < best.distance)) best = { row, distance };
  }
  return best;
}

function glyphSurface(layer: GlyphsLayer, row: number, ray: Ray, enter: number, leave: number): number | null {
  const origin = originOf(layer, row);
  const within = (t: number) => {
    const from = minus(add(ray.origin, times(ray.direction, t)), origin);
    return norm(from) < layer.size * Math.abs(glyphValue(layer, row, from));
  };
  for (let step = 0; step <= STEPS; step++) {
    let [outside, inside] = [enter + ((step - 1) / STEPS) * (leave - enter), enter + (step / STEPS) * (leave - enter)];
    if (!within(inside)) continue;
    for (let k = 0; k < 12; k++) {
      const middle = (outside + inside) / 2;
      if (within(middle)) inside = middle;
      else outside = middle;
    }
    return inside;
  }
  return null;
}

/** f(n) of one glyph in the direction of `towards`. */
export function glyphValue(layer: GlyphsLayer, row: number, towards: Triple): number {
  const numbers = (layer.lmax + 1) ** 2;
  const length = norm(towards);
  if (!(length > 0)) return 0;
  const coefficients = layer.coefficients.subarray(row * numbers, (row + 1) * numbers);
  return (layer.amplitudes[row] / 32767) * evaluate(coefficients, layer.lmax, towards[0] / length, towards[1] / length, towards[2] / length);
}

function originOf(layer: GlyphsLayer | ArrowsLayer, row: number): Triple {
  return [layer.origins[3 * row], layer.origins[3 * row + 1], layer.origins[3 * row + 2]];
}

export function nearestArrow(layer: ArrowsLayer, states: Uint8Array, ray: Ray, tolerance: number): RowHit | null {
  const reach = Math.max(layer.width, tolerance);
  let best: RowHit | null = null;
  for (let row = 0; row < states.length; row++) {
    if (!(states[row] & SHOWN)) continue;
    const shaft = times([layer.vectors[3 * row], layer.vectors[3 * row + 1], layer.vectors[3 * row + 2]], layer.magnify);
    const { gap, distance } = closest(ray, originOf(layer, row), shaft);
    if (gap <= reach && distance > 0 && (!best || distance < best.distance)) best = { row, distance };
  }
  return best;
}

/** How near the ray passes the segment from `start` along `shaft`, and where on the ray. */
function closest(ray: Ray, start: Triple, shaft: Triple): { gap: number; distance: number } {
  const across = cross(ray.direction, shaft);
  const square = dot(across, across);
  const from = minus(ray.origin, start);
  const share = square > 0 ? dot(cross(ray.direction, from), across) / square : 0;
  const point = add(start, times(shaft, Math.min(1, Math.max(0, share))));
  const distance = dot(minus(point, ray.origin), ray.direction);
  return { gap: norm(minus(point, add(ray.origin, times(ray.direction, distance)))), distance };
}
