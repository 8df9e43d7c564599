// Vectors as arrows: one mesh, placed and stretched in the vertex shader.

import { BufferAttribute, DoubleSide, InstancedBufferGeometry, Mesh, type RawShaderMaterial } from "three";
import { axialArrow, HEAD_LENGTH, polarArrow } from "./arrow_mesh";
import { fill, type Painter } from "./painter";
import { paintValues } from "./scales";
import type { ArrowsLayer } from "./scene";
import { material, type Stage } from "./shading";

const SHORTEST = 1.5 * HEAD_LENGTH; // in widths: shorter arrows are made slimmer, so that they still point

const VERTEX = `
uniform float magnify;
uniform float width;
in vec4 point;
in vec3 bend;
in vec3 origin;
in vec3 vector;
in vec4 colour;
in float state;
out vec3 normal;
out vec3 base;
out float eyeDistance;
out float mark;

void main() {
  float size = length(vector);
  float reach = size * abs(magnify);
  if (mod(state, 2.0) < 0.5 || !(reach > 0.0)) { gl_Position = NOWHERE; return; }
  vec3 axis = sign(magnify) * vector / size;
  float wide = min(width, reach / ${SHORTEST.toFixed(2)});
  vec3 least = abs(axis.x) < 0.6 ? vec3(1.0, 0.0, 0.0) : vec3(0.0, 1.0, 0.0);
  vec3 side = normalize(cross(axis, least));
  vec3 other = cross(axis, side);
  vec3 local = wide * (point.x * side + point.y * other) + (point.z * reach + point.w * wide) * axis;
  vec4 placed = modelViewMatrix * vec4(origin + local, 1.0);
  normal = normalMatrix * (bend.x * side + bend.y * other + bend.z * axis);
  base = colour.rgb;
  mark = state;
  eyeDistance = -placed.z;
  gl_Position = projectionMatrix * placed;
}
`;

const FRAGMENT = `
in vec3 normal;
in vec3 base;
in float eyeDistance;
in float mark;
void main() {
  vec3 outward = normalize(normal);
  vec3 shown = mark > 1.5 ? mix(base, accent, 0.65) : base;
  pictureColour = vec4(lit(shown, gl_FrontFacing ? outward : outward * sign(outward.z), eyeDistance), 1.0);
}
`;

export class Arrows implements Painter<ArrowsLayer> {
  readonly object: Mesh<InstancedBufferGeometry, RawShaderMaterial>;
  private readonly geometry = new InstancedBufferGeometry();
  private readonly colours: Uint8Array;

  constructor(layer: ArrowsLayer, stage: Stage, dark: boolean) {
    const rows = layer.values.length;
    const mesh = (layer.axial ? axialArrow : polarArrow)(rows > 5_000 ? 6 : rows > 500 ? 10 : 20);
    this.colours = new Uint8Array(4 * rows).fill(255);
    this.geometry.setAttribute("point", new BufferAttribute(mesh.points, 4));
    this.geometry.setAttribute("bend", new BufferAttribute(mesh.normals, 3));
    this.geometry.setIndex(new BufferAttribute(mesh.index, 1));
    this.geometry.instanceCount = rows;
    this.mark(new Uint8Array(rows).fill(1));
    const own = { magnify: { value: layer.magnify }, width: { value: layer.width } };
    this.object = new Mesh(this.geometry, material(stage, own, VERTEX, FRAGMENT, DoubleSide));
    this.object.frustumCulled = false;
    this.update(layer, dark);
  }

  update(layer: ArrowsLayer, dark: boolean): void {
    fill(this.geometry, "origin", layer.origins, 3);
    fill(this.geometry, "vector", layer.vectors, 3);
    paintValues(layer.values, layer.scale, dark, this.colours);
    fill(this.geometry, "colour", this.colours, 4, true);
  }

  mark(states: Uint8Array): void {
    fill(this.geometry, "state", states, 1);
  }

  dispose(): void {
    this.geometry.dispose();
    this.object.material.dispose();
  }
}
