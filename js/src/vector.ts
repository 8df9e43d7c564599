// Three numbers and nine: the little linear algebra that the view needs. Matrices are row by row.

import type { Triple } from "./header";

export type Matrix = [number, number, number, number, number, number, number, number, number];

export const IDENTITY: Matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1];

export const add = (a: Triple, b: Triple): Triple => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const minus = (a: Triple, b: Triple): Triple => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const times = (a: Triple, factor: number): Triple => [a[0] * factor, a[1] * factor, a[2] * factor];
export const dot = (a: Triple, b: Triple): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Triple, b: Triple): Triple => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const norm = (a: Triple): number => Math.hypot(a[0], a[1], a[2]);
export const unit = (a: Triple): Triple => times(a, 1 / norm(a));

/** `m a`. */
export function apply(m: Matrix, a: Triple): Triple {
  return [m[0] * a[0] + m[1] * a[1] + m[2] * a[2], m[3] * a[0] + m[4] * a[1] + m[5] * a[2], m[6] * a[0] + m[7] * a[1] + m[8] * a[2]];
}

/** `m^T a`: the inverse, for a rotation. */
export function applyInverse(m: Matrix, a: Triple): Triple {
  return [m[0] * a[0] + m[3] * a[1] + m[6] * a[2], m[1] * a[0] + m[4] * a[1] + m[7] * a[2], m[2] * a[0] + m[5] * a[1] + m[8] * a[2]];
}

export function product(a: Matrix, b: Matrix): Matrix {
  return [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j])) as Matrix;
}

export function determinant(m: Matrix): number {
  return dot([m[0], m[1], m[2]], cross([m[3], m[4], m[5]], [m[6], m[7], m[8]]));
}

/** The rotation about the unit vector `axis` (right-handed), by Rodrigues' formula. */
export function rotation(axis: Triple, angle: number): Matrix {
  const [x, y, z] = axis;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const r = 1 - c;
  return [c + x * x * r, x * y * r - z * s, x * z * r + y * s, x * y * r + z * s, c + y * y * r, y * z * r - x * s, x * z * r - y * s, y * z * r + x * s, c + z * z * r];
}

/** The nearest proper or improper rotation, for a matrix that is almost one: rounding must not add up while dragging. */
export function orthonormal(m: Matrix): Matrix {
  const first = unit([m[0], m[1], m[2]]);
  const row: Triple = [m[3], m[4], m[5]];
  const second = unit(minus(row, times(first, dot(first, row))));
  const third = times(cross(first, second), determinant(m) < 0 ? -1 : 1);
  return [...first, ...second, ...third];
}

/** Nine finite numbers that are a rotation (or a rotary reflection) to a thousandth, or null. */
export function readMatrix(value: unknown): Matrix | null {
  if (!Array.isArray(value) || value.length !== 9 || !value.every((entry) => typeof entry === "number" && Number.isFinite(entry))) return null;
  const m = value as Matrix;
  const square = product(m, [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]]);
  return square.every((entry, k) => Math.abs(entry - IDENTITY[k]) < 1e-3) ? m : null;
}
