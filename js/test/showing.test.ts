import { describe, expect, it } from "vitest";
import { keyName } from "../src/commands";
import { shortNumber } from "../src/elements";
import { meshCuts } from "../src/glyphs";
import { SELECTED, SHOWN } from "../src/painter";
import { Pace } from "../src/pace";
import { strideFor } from "../src/spheres";
import { colourAt, lookupTable, paintValues, readScale, UNKNOWN } from "../src/scales";
import { type AtomsLayer, readScene, readUpdate } from "../src/scene";
import { Selection } from "../src/selection";
import { Showing } from "../src/showing";
import { neighbourhoodRadius, statesOf } from "../src/slices";
import { sphereMesh } from "../src/sphere_mesh";
import { array, atoms, glyphs, packet, SCALE, sceneOf } from "./packets";

const CHAIN = [0, 1, 2, 3, 4, 5].map((x) => [x, 0, 0]);
const bonds = { kind: "bonds", pairs: array("<u4", [5, 2], [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]), of: 0, radius: 0.1, colour: "" };
const cell = { kind: "cell", origin: [0, 0, 0], vectors: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] };
const labels = { kind: "labels", positions: array("<f4", [1, 3], [4.5, 0, 0]), texts: ["far"], of: null };
const owned = glyphs(CHAIN.map(([x]) => [x, 9, 9]), 0, CHAIN.map(() => [1]), { of: 0 });
const scene = readScene(packet(sceneOf([atoms(CHAIN), bonds, owned, cell, labels])));

describe("the selection", () => {
  it("is sorted, and undoes and redoes", () => {
    const selection = new Selection();
    selection.set([5, 1, 5]);
    selection.toggle(3);
    selection.toggle(5);
    expect(selection.rows).toEqual([1, 3]);
    expect([selection.undo(), selection.undo()]).toEqual([true, true]);
    expect(selection.rows).toEqual([1, 5]);
    selection.redo();
    expect(selection.rows).toEqual([1, 3, 5]);
    selection.add([0]);
    expect(selection.redo()).toBe(false); // a new choice forgets the future
    expect(selection.rows).toEqual([0, 1, 3, 5]);
  });

  it("counts no change that is none, and refuses rows that are not there", () => {
    const selection = new Selection();
    expect(selection.set([])).toBe(false);
    selection.restart([7, -1, 2, 2.5], 4);
    expect(selection.rows).toEqual([2]);
    expect(selection.undo()).toBe(false);
  });
});

describe("slabs and neighbourhoods", () => {
  const states = (slab: [number, number] | null, isolation: { rows: number[]; radius: number } | null = null, selected: number[] = []) =>
    statesOf(scene.layers, { slab: slab && { axis: "x", start: slab[0], thickness: slab[1] }, isolation }, selected).map((layer) => [...layer]);

  it("a slab hides atoms, bonds with an end outside, owned glyphs, labels; never the cell", () => {
    expect(states([0.5, 2])).toEqual([[0, 1, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [1], [0]]);
  });

  it("a slab without a start hides nothing", () => {
    const slab = { axis: "x" as const, start: null, thickness: 1 };
    expect(statesOf(scene.layers, { slab, isolation: null }, []).flatMap((layer) => [...layer]).every((state) => state === 1)).toBe(true);
  });

  it("a neighbourhood holds what lies within the radius of any selected atom", () => {
    expect(states(null, { rows: [0, 5], radius: 1.1 })[0]).toEqual([1, 1, 0, 0, 1, 1]);
    expect(states([3.5, 9], { rows: [0, 5], radius: 1.1 })[0]).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it("what belongs to a selected atom is marked with it", () => {
    const marked = states(null, null, [2]);
    expect(marked[0][2]).toBe(SHOWN | SELECTED);
    expect(marked[2][2]).toBe(SHOWN | SELECTED);
    expect(marked[1].every((state) => state === SHOWN)).toBe(true);
  });

  it("the radius reaches the second neighbours", () => {
    expect(neighbourhoodRadius((scene.layers[0] as AtomsLayer).positions, [2])).toBeCloseTo(2.2, 9);
  });
});

describe("frames and updates", () => {
  const values = (numbers: number[]) => array("<f4", [2], numbers);
  const TWO = [[0, 0, 0], [1, 0, 0]];
  const moving = readScene(packet(sceneOf([atoms(TWO, { values: values([0, 0]), scale: SCALE })], {
    frames: [{ label: "a", updates: [] }, { label: "b", updates: [{ layer: 0, values: values([1, 1]) }] }, { label: "c", updates: [{ layer: 0, positions: array("<f4", [2, 3], [9, 0, 0, 1, 0, 0]) }] }],
  })));
  const read = (showing: Showing) => [[...showing.atoms!.values!], showing.atoms!.positions[0]];

  it("each frame stands alone on the scene", () => {
    const showing = new Showing(moving);
    showing.setFrame(1);
    expect(read(showing)).toEqual([[1, 1], 0]);
    showing.setFrame(2);
    expect(read(showing)).toEqual([[0, 0], 9]);
    expect(showing.bounds.high[0]).toBeCloseTo(9.6, 5);
    showing.setFrame(0);
    expect(read(showing)).toEqual([[0, 0], 0]);
  });

  it("an update is seen at once, and stays under later frames", () => {
    const showing = new Showing(moving);
    showing.setFrame(2);
    showing.change(readUpdate(packet({ updates: [{ layer: 0, values: values([2, 2]) }] }), showing.layers));
    expect(read(showing)).toEqual([[2, 2], 9]);
    showing.setFrame(0);
    expect(read(showing)).toEqual([[2, 2], 0]);
  });
});

describe("colours", () => {
  const scale = readScale(SCALE as never, "scale");

  it("are linear between the stops, and clamped", () => {
    expect(colourAt(scale.colours, 0.25)).toEqual([64, 32, 16]);
    expect(colourAt(scale.colours, -1)).toEqual([0, 0, 0]);
    expect(colourAt(scale.colours, 7)).toEqual([255, 255, 255]);
    expect([...lookupTable(scale, true).slice(0, 4)]).toEqual([16, 16, 16, 255]);
  });

  it("of values lie between low and high; NaN is grey", () => {
    const target = new Uint8Array(16).fill(9);
    paintValues(Float32Array.from([-5, 2, NaN, 99]), scale, false, target);
    expect([...target]).toEqual([0, 0, 0, 9, 255, 255, 255, 9, ...UNKNOWN, 9, 255, 255, 255, 9]);
  });
});

describe("meshes", () => {
  it.each([1, 2, 3, 7])("spheres cut %i times have 10 n² + 2 points, all outside", (cuts) => {
    const { directions, index, points } = sphereMesh(cuts);
    expect(points).toBe(10 * cuts * cuts + 2);
    expect(index.count).toBe(60 * cuts * cuts);
    const p = (k: number) => [directions.getX(k), directions.getY(k), directions.getZ(k)];
    for (let k = 0; k < index.count; k += 3) {
      const [a, b, c] = [0, 1, 2].map((j) => p(index.getX(k + j)));
      const volume = a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
      expect(volume).toBeGreaterThan(0); // counter-clockwise from outside
    }
  });

  it("are finer for large glyphs, and coarser for many", () => {
    expect(meshCuts(200, 4, 1, 1e6)).toBe(40);
    expect(meshCuts(20, 4, 500, 1e6)).toBeLessThan(10);
    expect(meshCuts(20, 4, 4096, 250_000)).toBe(2);
  });
});

describe("small things", () => {
  it("keys have one name on every keyboard", () => {
    const press = (key: string, held: object = {}) => keyName({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
    expect(press("Z", { ctrlKey: true, shiftKey: true })).toBe("Ctrl+Shift+z");
    expect(press("z", { metaKey: true })).toBe("Ctrl+z");
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press(" ")).toBe("Space");
    expect(press("ArrowUp", { shiftKey: true })).toBe("Shift+ArrowUp");
  });

  it("numbers are short", () => {
    expect([0, -1.5, 123456, 0.00012, 3.14159, NaN].map(shortNumber)).toEqual(["0", "−1.5", "1.23e5", "1.20e−4", "3.142", "unknown"]);
  });

  it("the pace slows down for slow pictures, and the fine picture does not depend on it", () => {
    const pace = new Pace(true);
    const before = pace.moving(false).sharpness;
    for (let k = 0; k < 8; k++) pace.tick(k * 300, 300);
    expect(pace.moving(false).sharpness).toBeLessThan(before);
    expect(pace.moving(true)).toMatchObject({ sharpness: 1, atoms: Infinity });
    expect(pace.moving(false).atoms).toBeLessThan(20_000);
    expect(pace.still(1, 100)).toEqual(new Pace(true).still(1, 100));
  });

  it("draws every so many atoms while many of them move, and all where few do or nothing moves", () => {
    expect(strideFor(100_000, 15_000)).toBe(7);
    expect(strideFor(4_096, 15_000)).toBe(1);
    expect(strideFor(1_000_000, Infinity)).toBe(1);
    expect(strideFor(1e9, 1)).toBe(97);
  });
});
