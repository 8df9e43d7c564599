// Real spherical harmonics in e3nn's order and basis, with sum_m Y_lm(n)^2 = 1 for each l (e3nn's normalization="norm").
//
// e3nn's polar axis is y. With (X, Y, Z) = (z, x, y), C_m + i S_m = (X + iY)^m and N_lm(Z) = K_lm d^m P_l / dZ^m,
//   Y_lm = N_lm C_m  for m >= 0,   Y_l,-m = N_lm S_m,   K_l0 = 1,   K_lm = sqrt(2 (l-m)! / (l+m)!).
// One recursion gives all N_lm, with numbers of order one throughout, and the same N_l,m+1 give the derivative of N_lm.
// The CPU's functions and the shader's text below are made from the same factors.

/** N_mm = start; N_lm = up * Z * N_(l-1)m - down * N_(l-2)m. */
function diagonal(m: number): number {
  let product = m === 0 ? 1 : Math.SQRT2;
  for (let k = 1; k <= m; k++) product *= Math.sqrt((2 * k - 1) / (2 * k));
  return product;
}

function up(l: number, m: number): number {
  return (2 * l - 1) / Math.sqrt((l - m) * (l + m));
}

function down(l: number, m: number): number {
  return Math.sqrt(((l + m - 1) * (l - m - 1)) / ((l - m) * (l + m)));
}

/** dN_lm/dZ = slope * N_l,m+1. */
function slope(l: number, m: number): number {
  return m === 0 ? Math.sqrt((l * (l + 1)) / 2) : Math.sqrt((l - m) * (l + m + 1));
}

/** All Y_lm(n) for l <= lmax at the unit vector (x, y, z), in the order l*l + l + m. */
export function harmonics(lmax: number, x: number, y: number, z: number, into = new Float64Array((lmax + 1) ** 2)): Float64Array {
  let cosine = 1;
  let sine = 0;
  for (let m = 0; m <= lmax; m++) {
    let before = 0;
    let current = diagonal(m);
    for (let l = m; l <= lmax; l++) {
      if (l > m) [before, current] = [current, up(l, m) * y * current - (l > m + 1 ? down(l, m) * before : 0)];
      into[l * l + l + m] = current * cosine;
      if (m) into[l * l + l - m] = current * sine;
    }
    [cosine, sine] = [cosine * z - sine * x, cosine * x + sine * z];
  }
  return into;
}

/**
 * Straight-line code that computes, from `float X, Y, Z` (a unit vector's z, x, y), the function `f` and the gradient
 * `gX, gY, gZ` of its extension off the sphere. Only its tangential part has a meaning, and that is what normals need.
 * `coefficient(i)` is the text of coefficient i. Every line is `float name = expression;` of numbers, + - *.
 */
export function harmonicsProgram(lmax: number, coefficient: (index: number) => string): string {
  return [...angularLines(lmax), ...polarLines(lmax), ...sumLines(lmax, coefficient)].join("\n");
}

function angularLines(lmax: number): string[] {
  const lines = ["float C0 = 1.0;", "float S0 = 0.0;"];
  for (let m = 1; m <= lmax; m++) {
    lines.push(`float C${m} = C${m - 1} * X - S${m - 1} * Y;`, `float S${m} = C${m - 1} * Y + S${m - 1} * X;`);
  }
  return lines;
}

function polarLines(lmax: number): string[] {
  const lines: string[] = [];
  for (let m = 0; m <= lmax; m++) {
    lines.push(`float N${m}_${m} = ${literal(diagonal(m))};`);
    for (let l = m + 1; l <= lmax; l++) {
      const second = l > m + 1 ? ` - ${literal(down(l, m))} * N${l - 2}_${m}` : "";
      lines.push(`float N${l}_${m} = ${literal(up(l, m))} * Z * N${l - 1}_${m}${second};`);
    }
  }
  return lines;
}

// For each m: A and B are the sums over l that multiply C_m and S_m; AZ and BZ their derivatives along Z.
function sumLines(lmax: number, coefficient: (index: number) => string): string[] {
  const lines: string[] = [];
  const value: string[] = [];
  const gradient: [string[], string[], string[]] = [["0.0"], ["0.0"], ["0.0"]];
  for (let m = 0; m <= lmax; m++) {
    for (const [name, sign] of m ? ([["A", 1], ["B", -1]] as const) : ([["A", 1]] as const)) {
      const index = (l: number) => coefficient(l * l + l + sign * m);
      const terms = range(m, lmax).map((l) => `${index(l)} * N${l}_${m}`);
      const slopes = range(m + 1, lmax).map((l) => `${literal(slope(l, m))} * ${index(l)} * N${l}_${m + 1}`);
      lines.push(`float ${name}${m} = ${terms.join(" + ")};`, `float ${name}Z${m} = ${slopes.join(" + ") || "0.0"};`);
    }
    value.push(`A${m} * C${m}`);
    gradient[2].push(`AZ${m} * C${m}`);
    if (m === 0) continue;
    value.push(`B${m} * S${m}`);
    gradient[2].push(`BZ${m} * S${m}`);
    gradient[0].push(`${literal(m)} * A${m} * C${m - 1} + ${literal(m)} * B${m} * S${m - 1}`);
    gradient[1].push(`${literal(m)} * B${m} * C${m - 1} - ${literal(m)} * A${m} * S${m - 1}`);
  }
  const total = (terms: string[]) => terms.join(" + ");
  return [...lines, `float f = ${total(value)};`, ...["X", "Y", "Z"].map((axis, k) => `float g${axis} = ${total(gradient[k])};`)];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
}

function literal(value: number): string {
  const digits = value.toPrecision(9);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

/** A function on the sphere that is given by coefficients. */
export function evaluate(coefficients: ArrayLike<number>, lmax: number, x: number, y: number, z: number, scratch?: Float64Array<ArrayBuffer>): number {
  const basis = harmonics(lmax, x, y, z, scratch);
  let sum = 0;
  for (let i = 0; i < basis.length; i++) sum += coefficients[i] * basis[i];
  return sum;
}
