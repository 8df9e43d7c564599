import { describe, expect, it } from "vitest";
import { openPacket, PacketError } from "../src/packet";
import { type AtomsLayer, changedLayers, readScene, readUpdate } from "../src/scene";
import { array, atoms, glyphs, packet, SCALE, sceneOf } from "./packets";

const TWO = [[0, 0, 0], [1.5, 0, -2]];
const withValues = atoms(TWO, { values: array("<f4", [2], [0.5, NaN]), scale: SCALE, hover: ["a", "b"] });

describe("a whole packet", () => {
  it("gives the numbers and strings that were put in", () => {
    const scene = readScene(packet(sceneOf([withValues, { kind: "bonds", pairs: array("<u4", [1, 2], [0, 1]), of: 0, radius: 0.1, colour: "" }])));
    const layer = scene.layers[0] as AtomsLayer;
    expect([...layer.positions]).toEqual([0, 0, 0, 1.5, 0, -2]);
    expect(layer.values![0]).toBe(0.5);
    expect(layer.values![1]).toBeNaN();
    expect(layer.hover).toEqual(["a", "b"]);
    expect(scene.lengthUnit).toBe("Å");
  });

  it("is read from anywhere within a larger message", () => {
    const bytes = new Uint8Array(packet(sceneOf([withValues])));
    const message = new Uint8Array(bytes.length + 20);
    message.set(bytes, 3);
    expect(readScene(new DataView(message.buffer, 3, bytes.length)).layers).toHaveLength(1);
  });

  it("may have no atoms at all", () => {
    expect(readScene(packet(sceneOf([atoms([])]))).layers).toHaveLength(1);
  });
});

describe("damaged packets are refused with a reason", () => {
  const whole = () => new Uint8Array(packet(sceneOf([withValues])));

  it.each([
    ["too short", (bytes: Uint8Array) => bytes.slice(0, 8), /at least 12/],
    ["another magic word", (bytes: Uint8Array) => bytes.fill(0, 0, 4), /EQVZ/],
    ["another version", (bytes: Uint8Array) => bytes.fill(9, 4, 5), /version 9/],
    ["a header that is too long", (bytes: Uint8Array) => bytes.fill(255, 8, 12), /beyond the end/],
    ["a header that is no JSON", (bytes: Uint8Array) => bytes.fill(60, 12, 20), /not JSON/],
    ["a header that is no UTF-8", (bytes: Uint8Array) => bytes.fill(0xff, 14, 16), /not JSON/],
    ["a cut end", (bytes: Uint8Array) => bytes.slice(0, bytes.length - 8), /beyond the end/],
  ])("%s", (_name, damage, words) => {
    const bytes = damage(whole());
    expect(() => readScene(bytes)).toThrow(PacketError);
    expect(() => readScene(damage(whole()))).toThrow(words);
  });

  it.each([
    ["a kind off the wire", sceneOf([atoms(TWO, { values: array("<f8", [2], [1, 2]), scale: SCALE })]), /values: the kind/],
    ["an unknown layer", sceneOf([{ kind: "constructor" }]), /unknown kind/],
    ["a missing scale", sceneOf([atoms(TWO, { values: array("<f4", [2], [1, 2]) })]), /without a scale/],
    ["rows that disagree", sceneOf([atoms(TWO, { values: array("<f4", [3], [1, 2, 3]), scale: SCALE })]), /expected 2 rows, got 3/],
    ["a style that is not there", sceneOf([atoms(TWO, { style: array("|u1", [2], [0, 7]) })]), /beyond the 2/],
    ["a colour that is a style sheet", sceneOf([atoms(TWO, { styles: [{ label: "", colour: "red;x", radius: 1 }] })]), /#RRGGBB/],
    ["a bond to nowhere", sceneOf([atoms(TWO), { kind: "bonds", pairs: array("<u4", [1, 2], [0, 2]), of: 0, radius: 1, colour: "" }]), /does not have/],
    ["an owner that comes later", sceneOf([{ kind: "bonds", pairs: array("<u4", [1, 2], [0, 1]), of: 0, radius: 1, colour: "" }, atoms(TWO)]), /of:/],
    ["degrees beyond twelve", sceneOf([glyphs([[0, 0, 0]], 13, [Array(196).fill(1)])]), /0 to 12/],
    ["coefficients of other degrees", sceneOf([{ ...glyphs([[0, 0, 0]], 1, [[1, 0, 0, 0]]), lmax: 2 }]), /\[rows, 9\]/],
    ["hover texts that are too few", sceneOf([atoms(TWO, { hover: ["a"] })]), /expected 2 texts/],
    ["a camera that looks nowhere", sceneOf([], { camera: { direction: [0, 0, 0], up: [0, 0, 1], centre: [0, 0, 0], height: 1 } }), /no length/],
    ["no scene", {}, /scene/],
  ])("%s", (_name, header, words) => {
    expect(() => readScene(packet(header))).toThrow(words as RegExp);
  });

  it.each([[-8], [4], [0.5], [1e300], ["0"]])("the offset %s", (offset) => {
    const bytes = packet({ a: { dtype: "<f4", shape: [1], offset } });
    expect(() => openPacket(bytes).array(openPacket(bytes).header.a, ["<f4"], 0, "a")).toThrow(PacketError);
  });

  it("no byte that is changed makes it throw anything but a PacketError", () => {
    const bytes = whole();
    for (let k = 0; k < bytes.length; k++) {
      const copy = bytes.slice();
      copy[k] ^= 0x55;
      try {
        readScene(copy);
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError);
      }
    }
  });
});

describe("updates", () => {
  const { layers } = readScene(packet(sceneOf([withValues, glyphs(TWO, 1, [[1, 0, 0, 0], [0, 1, 0, 0]])])));

  it("replace the arrays that they name, and nothing else", () => {
    const changed = changedLayers(layers, readUpdate(packet({ updates: [{ layer: 0, values: array("<f4", [2], [1, 2]) }] }), layers));
    expect([...(changed[0] as AtomsLayer).values!]).toEqual([1, 2]);
    expect((changed[0] as AtomsLayer).positions).toBe((layers[0] as AtomsLayer).positions);
    expect(changed[1]).toBe(layers[1]);
  });

  it.each([
    ["other rows", { layer: 0, values: array("<f4", [3], [1, 2, 3]) }, /expected 2 rows/],
    ["an array that the layer has not", { layer: 0, vectors: array("<f4", [2, 3], [0, 0, 0, 0, 0, 0]) }, /has no vectors/],
    ["a layer that is not there", { layer: 5 }, /0 to 1/],
    ["other degrees", { layer: 1, coefficients: array("<i2", [2, 9], Array<number>(18).fill(0)) }, /\[rows, 4\]/],
  ])("are refused with %s", (_name, update, words) => {
    expect(() => readUpdate(packet({ updates: [update] }), layers)).toThrow(words as RegExp);
  });
});
