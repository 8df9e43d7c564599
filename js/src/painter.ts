// A painter turns one layer into one three.js object, and changes it where the layer changes.

import { DynamicDrawUsage, InstancedBufferAttribute, type InstancedBufferGeometry, type Object3D } from "three";

/** Bits of a row's state. */
export const SHOWN = 1;
export const SELECTED = 2;

export interface Painter<L> {
  readonly object: Object3D;
  /** Draw this layer from now on; it has as many rows as the first one. */
  update(layer: L, dark: boolean): void;
  /** One byte per row: SHOWN, SELECTED. */
  mark(states: Uint8Array): void;
  dispose(): void;
}

/** Writes `array` into the geometry's attribute `name`, which is made where there is none. */
export function fill(geometry: InstancedBufferGeometry, name: string, array: Float32Array | Uint8Array, size: number, normalised = false): void {
  const attribute = geometry.getAttribute(name) as InstancedBufferAttribute | undefined;
  if (!attribute) {
    geometry.setAttribute(name, new InstancedBufferAttribute(array, size, normalised).setUsage(DynamicDrawUsage));
  } else {
    attribute.array = array;
    attribute.needsUpdate = true;
  }
}
