// What a view shows of its scene: layers with updates and frames applied, slab, neighbourhood, selection.

import { type Bounds, boundsOf } from "./bounds";
import type { Triple } from "./header";
import { SHOWN } from "./painter";
import { Selection } from "./selection";
import { type AtomsLayer, type Change, changedLayers, type Layer, rowsOf, type Scene, type SlabState } from "./scene";
import { firstAtoms, type Isolation, neighbourhoodRadius, statesOf } from "./slices";
import { middleSlab } from "./slab_panel";
import { add, minus, norm, times } from "./vector";

export class Showing {
  layers: Layer[];
  states: Uint8Array[] = [];
  bounds: Bounds;
  slab: SlabState | null = null;
  isolation: Isolation | null = null;
  readonly selection = new Selection();
  private base: Layer[];
  private frame = 0;

  constructor(readonly scene: Scene) {
    this.base = this.layers = scene.layers;
    this.bounds = boundsOf(this.layers);
    this.restate();
  }

  /** The first atoms layer, whose rows are selected. */
  get atoms(): AtomsLayer | null {
    const first = firstAtoms(this.layers);
    return first < 0 ? null : (this.layers[first] as AtomsLayer);
  }

  /** How many things there are to draw. */
  get rows(): number {
    return this.layers.reduce((sum, layer) => sum + rowsOf(layer), 0);
  }

  get atomsLayer(): number {
    return firstAtoms(this.layers);
  }

  /** Each frame stands alone on the scene. */
  setFrame(frame: number): void {
    const frames = this.scene.frames;
    this.frame = Math.min(Math.max(0, frame), Math.max(0, frames.length - 1));
    this.replace(changedLayers(this.base, frames[this.frame]?.changes ?? []));
  }

  /** An update changes the scene itself, and what is shown now. */
  change(changes: Change[]): void {
    this.base = changedLayers(this.base, changes);
    this.replace(changedLayers(this.layers, changes));
  }

  private replace(layers: Layer[]): void {
    const moved = layers.some((layer, k) => placesOf(layer) !== placesOf(this.layers[k]));
    this.layers = layers;
    if (!moved) return;
    this.bounds = boundsOf(layers);
    this.restate();
  }

  /** Finds again what is shown; to be called after each change of slab, isolation or selection. */
  restate(): void {
    this.states = statesOf(this.layers, { slab: this.slab, isolation: this.isolation }, this.selection.rows);
  }

  /** The neighbourhood of the selected atoms, or of `fallback`. False where there is nothing to isolate. */
  isolate(fallback: number | null): boolean {
    const rows = this.selection.rows.length ? this.selection.rows : fallback === null ? [] : [fallback];
    const { atoms } = this;
    if (!atoms || !rows.length) return false;
    this.isolation = { rows, radius: neighbourhoodRadius(atoms.positions, rows) };
    this.restate();
    return true;
  }

  /** The middle of what is isolated, and how far it reaches. */
  isolatedSphere(): [centre: Triple, radius: number] {
    const { rows, radius } = this.isolation!;
    const { positions } = this.atoms!;
    const points = rows.map((row): Triple => [positions[3 * row], positions[3 * row + 1], positions[3 * row + 2]]);
    const centre = times(points.reduce(add), 1 / points.length);
    return [centre, radius + Math.max(...points.map((point) => norm(minus(point, centre))))];
  }

  toggleSlab(): void {
    const { slab } = this;
    if (slab && slab.start !== null) this.slab = this.scene.slab ? { ...slab, start: null } : null;
    else this.slab = middleSlab(this.bounds, slab?.axis ?? "z", slab?.thickness);
    this.restate();
  }

  /** The next atom that is shown, by number. */
  nextAtom(from: number | null, by: number): number | null {
    const states = this.states[this.atomsLayer];
    if (!states) return null;
    const count = states.length;
    for (let step = 1; step <= count; step++) {
      const row = ((((from ?? (by > 0 ? -1 : count)) + by * step) % count) + count) % count;
      if (states[row] & SHOWN) return row;
    }
    return null;
  }
}

// Colours and coefficients change often and move nothing.
function placesOf(layer: Layer): unknown {
  return layer.kind === "arrows" ? layer.vectors : "origins" in layer ? layer.origins : "positions" in layer ? layer.positions : null;
}
