// Thin lines of a width in pixels: the edges of a cell.

import { BufferAttribute, InstancedBufferGeometry, Mesh, type RawShaderMaterial } from "three";
import { fill } from "./painter";
import type { CellLayer } from "./scene";
import { material, type Stage } from "./shading";

const VERTEX = `
in vec2 corner; // 0 or 1 along the line, -1 or 1 across
in vec3 start;
in vec3 end;
out float eyeDistance;
void main() {
  vec4 first = modelViewMatrix * vec4(start, 1.0);
  vec4 second = modelViewMatrix * vec4(end, 1.0);
  vec2 run = second.xy - first.xy;
  vec2 across = length(run) > 0.0 ? normalize(vec2(-run.y, run.x)) : vec2(0.0);
  vec4 point = mix(first, second, corner.x);
  point.xy += across * corner.y * 0.75 * pixel;
  eyeDistance = -point.z;
  gl_Position = projectionMatrix * point;
}
`;

const FRAGMENT = `
in float eyeDistance;
void main() { pictureColour = vec4(fogged(mix(ink, fogColour, 0.25), eyeDistance), 1.0); }
`;

export class Segments {
  readonly object: Mesh<InstancedBufferGeometry, RawShaderMaterial>;
  private readonly geometry = new InstancedBufferGeometry();

  constructor(layer: CellLayer, stage: Stage) {
    this.geometry.setAttribute("corner", new BufferAttribute(new Float32Array([0, -1, 1, -1, 1, 1, 0, 1]), 2));
    this.geometry.setIndex([0, 1, 2, 0, 2, 3, 0, 2, 1, 0, 3, 2]);
    this.geometry.instanceCount = 12;
    const edges = cellEdges(layer);
    fill(this.geometry, "start", Float32Array.from(edges.flatMap(([start]) => start)), 3);
    fill(this.geometry, "end", Float32Array.from(edges.flatMap(([, end]) => end)), 3);
    this.object = new Mesh(this.geometry, material(stage, {}, VERTEX, FRAGMENT));
    this.object.frustumCulled = false;
  }

  dispose(): void {
    this.geometry.dispose();
    this.object.material.dispose();
  }
}

/** The twelve edges of a cell, as pairs of points. */
export function cellEdges(cell: CellLayer): [number[], number[]][] {
  const edges: [number[], number[]][] = [];
  for (let axis = 0; axis < 3; axis++) {
    for (let other = 0; other < 4; other++) {
      const steps = [0, 0, 0];
      steps[(axis + 1) % 3] = other & 1;
      steps[(axis + 2) % 3] = other >> 1;
      const start = cellCorner(cell, steps);
      steps[axis] = 1;
      edges.push([start, cellCorner(cell, steps)]);
    }
  }
  return edges;
}

export function cellCorner(cell: CellLayer, steps: number[]): number[] {
  return cell.origin.map((place, k) => place + steps[0] * cell.vectors[0][k] + steps[1] * cell.vectors[1][k] + steps[2] * cell.vectors[2][k]);
}
