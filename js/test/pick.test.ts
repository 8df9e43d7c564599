import { describe, expect, it } from "vitest";
import { glyphRadii } from "../src/glyphs";
import { hitLines } from "../src/hover";
import { keyOf } from "../src/legend";
import type { Triple } from "../src/header";
import { structureRay } from "../src/labels";
import { frameOf } from "../src/camera";
import { glyphValue, nearestGlyph, nearestSphere, Picker } from "../src/pick";
import { type GlyphsLayer, readScene } from "../src/scene";
import { add, apply, minus, rotation } from "../src/vector";
import { array, atoms, glyphs, packet, SCALE, sceneOf, STYLES } from "./packets";

const DOWN = { origin: [0, 0, 50] as Triple, direction: [0, 0, -1] as Triple };
const from = (x: number, y: number) => ({ ...DOWN, origin: [x, y, 50] as Triple });
const shown = (rows: number) => new Uint8Array(rows).fill(1);

describe("picking atoms", () => {
  const positions = Float32Array.from([0, 0, 0, 0, 0, 3, 5, 0, 0]);
  const radius = Float32Array.from([1, 0.5, 1]);

  it("finds the nearest one, and where it is hit", () => {
    expect(nearestSphere(positions, radius, shown(3), DOWN)).toEqual({ row: 1, distance: 46.5 });
    expect(nearestSphere(positions, radius, shown(3), from(0.7, 0))?.row).toBe(0);
  });

  it("passes between them", () => expect(nearestSphere(positions, radius, shown(3), from(2.5, 0))).toBeNull());

  it("does not see what is hidden", () => expect(nearestSphere(positions, radius, Uint8Array.from([1, 0, 1]), DOWN)?.row).toBe(0));

  it("agrees with looking at every atom, for 100,000, at the speed of a moving pointer", () => {
    const count = 100_000;
    const many = Float32Array.from({ length: 3 * count }, (_, k) => ((Math.sin(k * 12.9898) * 43758.5453) % 1) * 20);
    const one = new Float32Array(count).fill(0.2);
    const states = shown(count);
    nearestSphere(many, one, states, DOWN);
    let [hit, quickest] = [nearestSphere(many, one, states, DOWN), Infinity];
    for (let run = 0; run < 5; run++) {
      const began = performance.now();
      hit = nearestSphere(many, one, states, DOWN);
      quickest = Math.min(quickest, performance.now() - began);
    }
    expect(quickest).toBeLessThan(250); // 10 ms on a quiet machine; a loaded one in CI is several times slower
    let top = -Infinity;
    for (let k = 0; k < count; k++) {
      const room = 0.04 - many[3 * k] ** 2 - many[3 * k + 1] ** 2;
      if (room >= 0) top = Math.max(top, many[3 * k + 2] + Math.sqrt(room));
    }
    expect(50 - (hit?.distance ?? NaN)).toBeCloseTo(top, 5);
  });
});

describe("picking glyphs", () => {
  const lobe = [0, 0, 0, 1]; // f = z
  const { layers } = readScene(packet(sceneOf([glyphs([[0, 0, 0], [0, 0, -5]], 1, [lobe, [1, 0, 0, 0]])])));
  const layer = layers[0] as GlyphsLayer;
  const reach = glyphRadii(layer);

  it("hits the surface, not the sphere about it", () => {
    expect(nearestGlyph(layer, reach, shown(2), DOWN)!.distance).toBeCloseTo(49, 2);
    // f = z is two balls of diameter 1 on the axis: beside them, the ray passes on to the glyph behind.
    expect(nearestGlyph(layer, reach, shown(2), from(0.7, 0))).toMatchObject({ row: 1 });
    expect(nearestGlyph(layer, reach, shown(2), from(0.4, 0))!.distance).toBeCloseTo(50 - 0.5 - 0.3, 2);
  });

  it("tells the value at the place that was hit", () => {
    expect(glyphValue(layer, 0, [0, 0, 0.5])).toBeCloseTo(1, 4);
    expect(glyphValue(layer, 0, [0, 0, -0.5])).toBeCloseTo(-1, 4);
  });

  it("knows a radius that nothing exceeds", () => {
    expect(reach[0]).toBeCloseTo(1, 4);
    expect(reach[1]).toBeCloseTo(1, 4);
  });
});

describe("picking in a scene", () => {
  const arrow = {
    kind: "arrows", origins: array("<f4", [1, 3], [3, 0, 0]), vectors: array("<f4", [1, 3], [2, 0, 0]), magnify: 2, values: array("<f4", [1], [1]),
    scale: SCALE, width: 0.2, axial: false, of: null,
  };
  const { layers } = readScene(packet(sceneOf([atoms([[0, 0, 0]]), arrow])));
  const states = [shown(1), shown(1)];

  it("finds arrows along their whole length, and no further", () => {
    const picker = new Picker();
    expect(picker.pick(layers, states, from(6.9, 0.05), 0.1)).toMatchObject({ layer: 1, row: 0 });
    expect(picker.pick(layers, states, from(7.4, 0), 0.1)).toBeNull();
    expect(picker.pick(layers, states, from(5, 0.5), 0.1)).toBeNull();
  });

  it("sees the scene as it is turned", () => {
    const camera = { direction: [0, 0, 1] as Triple, up: [0, 1, 0] as Triple, centre: [0, 0, 0] as Triple, height: 10 };
    const turn = rotation([0, 0, 1], Math.PI / 2);
    const sight = { camera, frame: frameOf(camera), aspect: 1, turn, pivot: [1, 0, 0] as Triple, depth: 50, place: (p: Triple): Triple => add([1, 0, 0], apply(turn, minus(p, [1, 0, 0]))) };
    const [x, y] = sight.place([0, 0, 0]); // (1, -1): where the atom is drawn
    expect([x, y]).toEqual([expect.closeTo(1, 9), expect.closeTo(-1, 9)]);
    expect(new Picker().pick(layers, states, structureRay(sight, x / 10, y / 10), 0)).toMatchObject({ layer: 0, row: 0 });
    expect(new Picker().pick(layers, states, structureRay(sight, 0, 0), 0)).toBeNull();
  });
});

describe("what is told of an atom", () => {
  const scene = readScene(packet(sceneOf([atoms([[0, 0, 0], [3, 0, 0]]), glyphs([[0, 0, 0], [3, 0, 0]], 1, [[0, 0, 0, 0], [0, 3, 0, 4]], { name: "1o", of: 0 })])));

  it("has the norm of a glyph that belongs to it, though the glyph was not hit", () => {
    const lines = hitLines(scene, scene.layers, { layer: 0, row: 1, distance: 0 }, [0, 0, 1]);
    const norm = lines.find((line) => line.startsWith("norm of 1o: ")) ?? "";
    expect(parseFloat(norm.slice("norm of 1o: ".length))).toBeCloseTo(5, 2);
  });

  it("leaves species out of the key where all have one colour", () => {
    const key = (colour: string) => keyOf(readScene(packet(sceneOf([atoms([[0, 0, 0], [3, 0, 0]], { styles: STYLES.map((style) => ({ ...style, colour: colour || style.colour })) })]))).layers).styles;
    expect(key("#9AA2B1")).toHaveLength(0);
    expect(key("").map(({ label }) => label)).toEqual(["O", "H"]);
  });
});
