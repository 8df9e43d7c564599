// The shapes of arrows, built along z. A point is (x, y, along, back): x, y and back in widths, along in lengths of the arrow,
// so that one mesh serves arrows of all lengths while heads keep their form.

export interface ArrowMesh { points: Float32Array; normals: Float32Array; index: Uint16Array }

export const HEAD_LENGTH = 3.4; // in widths
const HEAD_RADIUS = 1.35;
const SHAFT_RADIUS = 0.5;
const RING_RADIUS = 2.1;
const RING_PLACE = 0.42;
const RING_TURN = 1.6 * Math.PI;

type Point = [x: number, y: number, along: number, back: number];

/** Polar vectors: a shaft and a head. */
export function polarArrow(sides: number): ArrowMesh {
  const mesh = new MeshBuilder();
  mesh.tube([0, 0, 0, 0], SHAFT_RADIUS, sides);
  mesh.disc([0, 0, 0, 0], SHAFT_RADIUS, sides);
  mesh.head(sides);
  return mesh.done();
}

/** Axial vectors: two thin shafts, one head, and a ring with a small head of its own that curls right-handed about them. */
export function axialArrow(sides: number): ArrowMesh {
  const mesh = new MeshBuilder();
  for (const x of [-0.6, 0.6]) {
    mesh.tube([x, 0, 0, 0], 0.3, sides);
    mesh.disc([x, 0, 0, 0], 0.3, sides);
  }
  mesh.head(sides);
  mesh.ring(2 * sides, Math.max(5, sides / 2));
  return mesh.done();
}

class MeshBuilder {
  private readonly points: number[] = [];
  private readonly normals: number[] = [];
  private readonly index: number[] = [];

  tube([x, y]: Point, radius: number, sides: number): void {
    this.lathe(sides, (cosine, sine) => [
      [[x + radius * cosine, y + radius * sine, 0, 0], [cosine, sine, 0]],
      [[x + radius * cosine, y + radius * sine, 1, -HEAD_LENGTH], [cosine, sine, 0]],
    ]);
  }

  disc([x, y, along, back]: Point, radius: number, sides: number): void {
    this.lathe(sides, (cosine, sine) => [
      [[x, y, along, back], [0, 0, -1]],
      [[x + radius * cosine, y + radius * sine, along, back], [0, 0, -1]],
    ]);
  }

  head(sides: number): void {
    const slant = Math.hypot(HEAD_LENGTH, HEAD_RADIUS);
    this.disc([0, 0, 1, -HEAD_LENGTH], HEAD_RADIUS, sides);
    this.lathe(sides, (cosine, sine) => {
      const normal = [(cosine * HEAD_LENGTH) / slant, (sine * HEAD_LENGTH) / slant, HEAD_RADIUS / slant];
      return [[[HEAD_RADIUS * cosine, HEAD_RADIUS * sine, 1, -HEAD_LENGTH], normal], [[0, 0, 1, 0], normal]];
    });
  }

  /** An arc about z, from angle 0 on, that grows thin towards the tip of its head. */
  ring(pieces: number, sides: number): void {
    const head = 0.62;
    const stations = Array.from({ length: pieces + 1 }, (_, k): [number, number] => [((RING_TURN - head) * k) / pieces, 0.26]);
    stations.push([RING_TURN - head, 0.72], [RING_TURN, 0.0]);
    const first = this.points.length / 4;
    for (const [angle, radius] of stations) this.ringSection(angle, radius, sides);
    for (let k = 0; k + 1 < stations.length; k++) this.stitch(first + k * sides, first + (k + 1) * sides, sides);
  }

  private ringSection(angle: number, radius: number, sides: number): void {
    for (let k = 0; k < sides; k++) {
      const turn = (2 * Math.PI * k) / sides;
      const reach = RING_RADIUS + radius * Math.cos(turn);
      this.points.push(reach * Math.cos(angle), reach * Math.sin(angle), RING_PLACE, radius * Math.sin(turn));
      this.normals.push(Math.cos(turn) * Math.cos(angle), Math.cos(turn) * Math.sin(angle), Math.sin(turn));
    }
  }

  private stitch(lower: number, upper: number, sides: number): void {
    for (let k = 0; k < sides; k++) {
      const next = (k + 1) % sides;
      this.index.push(lower + k, lower + next, upper + k, upper + k, lower + next, upper + next);
    }
  }

  private lathe(sides: number, profile: (cosine: number, sine: number) => [Point, number[]][]): void {
    const first = this.points.length / 4;
    for (let k = 0; k < sides; k++) {
      const angle = (2 * Math.PI * k) / sides;
      for (const [point, normal] of profile(Math.cos(angle), Math.sin(angle))) {
        this.points.push(...point);
        this.normals.push(...normal);
      }
    }
    for (let k = 0; k < sides; k++) {
      const [a, c] = [first + 2 * k, first + 2 * ((k + 1) % sides)];
      this.index.push(a, c, a + 1, a + 1, c, c + 1);
    }
  }

  done(): ArrowMesh {
    return { points: new Float32Array(this.points), normals: new Float32Array(this.normals), index: new Uint16Array(this.index) };
  }
}
