import { describe, expect, it } from "vitest";
import { evaluate, harmonics, harmonicsProgram } from "../src/harmonics";
import type { Triple } from "../src/header";
import { apply, applyInverse, type Matrix } from "../src/vector";
import golden from "./golden_harmonics.json";

type Outcome = { f: number; gradient: Triple };

/** Runs the shader's own text: its lines are valid JavaScript once `float` reads `const`. */
function shader(lmax: number): (coefficients: ArrayLike<number>, n: Triple) => Outcome {
  const text = harmonicsProgram(lmax, (index) => `c[${index}]`);
  for (const line of text.split("\n")) expect(line).toMatch(/^float \w+ = [\w\s.+\-*[\]e]+;$/);
  // GLSL has no implicit conversion from int: every literal that multiplies must be written as a float.
  for (const literal of text.replace(/\b[A-Z]+\w*|c\[\d+\]|\bg[XYZ]\b/g, "").match(/\b\d[\d.e+-]*/g) ?? []) expect(literal).toMatch(/[.e]/);
  const body = `const [Y, Z, X] = n;\n${text.replace(/float /g, "const ")}\nreturn { f, gradient: [gY, gZ, gX] };`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  return new Function("c", "n", body) as (coefficients: ArrayLike<number>, n: Triple) => Outcome;
}

const DIRECTIONS = golden.directions as Triple[];

describe("harmonics", () => {
  it("equal e3nn's for l <= 6", () => {
    DIRECTIONS.forEach((n, k) => {
      const ours = harmonics(golden.lmax, ...n);
      golden.values[k].forEach((value, i) => expect(Math.abs(ours[i] - value)).toBeLessThan(1e-9));
    });
  });

  it("have squares that sum to one for each l, up to l = 12", () => {
    for (const n of DIRECTIONS) {
      const values = harmonics(12, ...n);
      for (let l = 0; l <= 12; l++) expect(values.slice(l * l, (l + 1) ** 2).reduce((sum, v) => sum + v * v, 0)).toBeCloseTo(1, 9);
    }
  });
});

describe("the shader's text", () => {
  it.each([0, 1, 2, 3, 4, 6, 12])("computes the same function for lmax %i", (lmax) => {
    const run = shader(lmax);
    const coefficients = Array.from({ length: (lmax + 1) ** 2 }, (_, i) => Math.sin(3 * i + 1));
    for (const n of DIRECTIONS) expect(Math.abs(run(coefficients, n).f - evaluate(coefficients, lmax, ...n))).toBeLessThan(1e-6);
  });

  it("equals e3nn's values for l <= 6 to 1e-5", () => {
    const run = shader(6);
    DIRECTIONS.forEach((n, k) => golden.values[k].forEach((value, i) => {
      const one = Array<number>(49).fill(0);
      one[i] = 1;
      expect(Math.abs(run(one, n).f - value)).toBeLessThan(1e-5);
    }));
  });

  it("has the gradient along the sphere that differences give", () => {
    const lmax = 6;
    const run = shader(lmax);
    const coefficients = golden.coefficients;
    for (const n of DIRECTIONS) {
      const { gradient } = run(coefficients, n);
      for (const axis of DIRECTIONS.slice(3, 6)) {
        const along = axis.map((a, i) => a - n[i] * (axis[0] * n[0] + axis[1] * n[1] + axis[2] * n[2])) as Triple;
        const at = (step: number) => {
          const moved = n.map((value, i) => value + step * along[i]);
          const length = Math.hypot(...moved);
          return evaluate(coefficients, lmax, moved[0] / length, moved[1] / length, moved[2] / length);
        };
        const expected = (at(1e-5) - at(-1e-5)) / 2e-5;
        expect(gradient[0] * along[0] + gradient[1] * along[1] + gradient[2] * along[2]).toBeCloseTo(expected, 5);
      }
    }
  });
});

describe("orientation", () => {
  const rotation = golden.rotation as Matrix;

  it("coefficients turned by e3nn's D give the function at directions turned back", () => {
    for (const n of DIRECTIONS) {
      const turned = evaluate(golden.turned_coefficients, golden.lmax, ...n);
      expect(turned).toBeCloseTo(evaluate(golden.coefficients, golden.lmax, ...applyInverse(rotation, n)), 6);
    }
  });

  it("so a glyph whose mesh is turned (the `turn` uniform) is the glyph of the turned coefficients", () => {
    for (const n of DIRECTIONS) {
      const place = apply(rotation, n); // where the vertex of direction n is drawn
      expect(evaluate(golden.coefficients, golden.lmax, ...n)).toBeCloseTo(evaluate(golden.turned_coefficients, golden.lmax, ...place), 6);
    }
  });

  it("l = 1 is (x, y, z)", () => {
    const n: Triple = [0.36, 0.48, 0.8];
    expect([...harmonics(1, ...n)].slice(1)).toEqual(n.map((value) => expect.closeTo(value, 12)));
  });
});
