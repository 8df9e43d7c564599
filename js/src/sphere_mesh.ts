// Evenly divided spheres: each face of an icosahedron cut into n^2 triangles, 10 n^2 + 2 points.

import { BufferAttribute } from "three";

export interface SphereMesh { directions: BufferAttribute; index: BufferAttribute; points: number }

const made = new Map<number, SphereMesh>();

/** The sphere whose icosahedron edges are cut into `cuts` pieces. */
export function sphereMesh(cuts: number): SphereMesh {
  let mesh = made.get(cuts);
  if (!mesh) made.set(cuts, (mesh = divide(cuts)));
  return mesh;
}

const GOLDEN = (1 + Math.sqrt(5)) / 2;
const CORNERS = [
  [-1, GOLDEN, 0], [1, GOLDEN, 0], [-1, -GOLDEN, 0], [1, -GOLDEN, 0], [0, -1, GOLDEN], [0, 1, GOLDEN],
  [0, -1, -GOLDEN], [0, 1, -GOLDEN], [GOLDEN, 0, -1], [GOLDEN, 0, 1], [-GOLDEN, 0, -1], [-GOLDEN, 0, 1],
];
const FACES = [
  [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8],
  [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1],
];

function divide(cuts: number): SphereMesh {
  const directions: number[] = [];
  const numbers = new Map<string, number>(); // neighbouring faces share the points of their common edge
  const index: number[] = [];
  for (const face of FACES) {
    const point = (i: number, j: number) => pointNumber(face, i, j, cuts, directions, numbers);
    for (let i = 0; i < cuts; i++) {
      for (let j = 0; j < cuts - i; j++) {
        index.push(point(i, j), point(i + 1, j), point(i, j + 1));
        if (j < cuts - i - 1) index.push(point(i + 1, j), point(i + 1, j + 1), point(i, j + 1));
      }
    }
  }
  return {
    directions: new BufferAttribute(new Float32Array(directions), 3),
    index: new BufferAttribute(new Uint16Array(index), 1),
    points: directions.length / 3,
  };
}

function pointNumber(face: number[], i: number, j: number, cuts: number, directions: number[], numbers: Map<string, number>): number {
  const weights = [[face[0], cuts - i - j], [face[1], i], [face[2], j]].filter(([, weight]) => weight > 0).sort((a, b) => a[0] - b[0]);
  const key = weights.join(";");
  let place = numbers.get(key);
  if (place === undefined) {
    place = directions.length / 3;
    numbers.set(key, place);
    const sum = [0, 1, 2].map((axis) => weights.reduce((total, [corner, weight]) => total + weight * CORNERS[corner][axis], 0));
    const length = Math.hypot(...sum);
    directions.push(...sum.map((value) => value / length));
  }
  return place;
}
