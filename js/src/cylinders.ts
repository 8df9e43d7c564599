// Bonds: open cylinders, half in the colour of each atom.

import { BufferAttribute, InstancedBufferGeometry, Mesh, type RawShaderMaterial } from "three";
import { fill, type Painter } from "./painter";
import { rgb } from "./scales";
import type { BondsLayer } from "./scene";
import { material, type Stage } from "./shading";

const VERTEX = `
uniform float radius;
in vec3 ring; // cosine, sine, and 0 or 1 along the bond
in vec3 start;
in vec3 end;
in vec4 startColour;
in vec4 endColour;
in float state;
out float along;
out vec3 normal;
out float eyeDistance;
flat out vec3 firstColour;
flat out vec3 secondColour;

void main() {
  vec3 axis = end - start;
  if (mod(state, 2.0) < 0.5 || dot(axis, axis) == 0.0) { gl_Position = NOWHERE; return; }
  axis = normalize(axis);
  vec3 least = abs(axis.x) < 0.6 ? vec3(1.0, 0.0, 0.0) : vec3(0.0, 1.0, 0.0);
  vec3 side = normalize(cross(axis, least));
  vec3 outward = ring.x * side + ring.y * cross(axis, side);
  vec4 point = modelViewMatrix * vec4(mix(start, end, ring.z) + radius * outward, 1.0);
  normal = normalMatrix * outward;
  along = ring.z;
  firstColour = startColour.rgb;
  secondColour = endColour.rgb;
  eyeDistance = -point.z;
  gl_Position = projectionMatrix * point;
}
`;

const FRAGMENT = `
in float along;
in vec3 normal;
in float eyeDistance;
flat in vec3 firstColour;
flat in vec3 secondColour;
void main() {
  pictureColour = vec4(lit(along < 0.5 ? firstColour : secondColour, normalize(normal), eyeDistance), 1.0);
}
`;

/** What bonds need from the atoms they join. */
export interface Joined { positions: Float32Array; colours: Uint8Array }

export class Cylinders {
  readonly object: Mesh<InstancedBufferGeometry, RawShaderMaterial>;
  private readonly geometry = new InstancedBufferGeometry();

  constructor(layer: BondsLayer, atoms: Joined, stage: Stage) {
    const rows = layer.pairs.length / 2;
    const { points, index } = tube(rows > 10_000 ? 6 : rows > 2_000 ? 10 : 20);
    this.geometry.setAttribute("ring", new BufferAttribute(points, 3));
    this.geometry.setIndex(new BufferAttribute(index, 1));
    this.geometry.instanceCount = rows;
    this.mark(new Uint8Array(rows).fill(1));
    this.object = new Mesh(this.geometry, material(stage, { radius: { value: layer.radius } }, VERTEX, FRAGMENT));
    this.object.frustumCulled = false;
    this.join(layer, atoms);
  }

  join(layer: BondsLayer, atoms: Joined): void {
    const rows = layer.pairs.length / 2;
    for (const [side, place, paint] of [[0, "start", "startColour"], [1, "end", "endColour"]] as const) {
      const points = new Float32Array(3 * rows);
      const colours = new Uint8Array(4 * rows);
      const own = layer.colour ? rgb(layer.colour) : null;
      for (let k = 0; k < rows; k++) {
        const atom = layer.pairs[2 * k + side];
        points.set(atoms.positions.subarray(3 * atom, 3 * atom + 3), 3 * k);
        colours.set(own ?? atoms.colours.subarray(4 * atom, 4 * atom + 3), 4 * k);
      }
      fill(this.geometry, place, points, 3);
      fill(this.geometry, paint, colours, 4, true);
    }
  }

  mark: Painter<BondsLayer>["mark"] = (states) => fill(this.geometry, "state", states, 1);

  dispose(): void {
    this.geometry.dispose();
    this.object.material.dispose();
  }
}

function tube(sides: number): { points: Float32Array; index: Uint16Array } {
  const points = new Float32Array(6 * sides);
  const index = new Uint16Array(6 * sides);
  for (let k = 0; k < sides; k++) {
    const angle = (2 * Math.PI * k) / sides;
    points.set([Math.cos(angle), Math.sin(angle), 0, Math.cos(angle), Math.sin(angle), 1], 6 * k);
    const [a, b, c, d] = [2 * k, 2 * k + 1, (2 * k + 2) % (2 * sides), (2 * k + 3) % (2 * sides)];
    index.set([a, c, b, b, c, d], 6 * k);
  }
  return { points, index };
}
