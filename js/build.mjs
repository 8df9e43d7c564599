// Bundles src/bundle.ts into the Python package. The same sources give the same bytes: CI rebuilds and compares.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "equiviz", "view", "static");

// Two copies of one build on a page share everything; two different builds share nothing.
function fingerprint() {
  const hash = createHash("sha256");
  for (const name of readdirSync(join(here, "src")).sort()) hash.update(name).update(readFileSync(join(here, "src", name)));
  hash.update(readFileSync(join(here, "package-lock.json")));
  return hash.digest("hex").slice(0, 16);
}

// All our shaders are our own: the texts of three.js's built-in materials (a fifth of the bundle) are left out.
const ownShadersOnly = {
  name: "own shaders only",
  setup(builder) {
    builder.onLoad({ filter: /three[\\/]src[\\/]renderers[\\/]shaders[\\/]Shader(Chunk|Lib)[\\/].*\.glsl\.js$/ }, () => ({
      contents: "export default ''; export const vertex = ''; export const fragment = '';",
    }));
  },
};

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/bundle.ts"],
  outfile: join(target, "view.js"),
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2020",
  charset: "utf8",
  legalComments: "eof",
  loader: { ".css": "text" },
  alias: { three: "three/src/Three.js" },
  plugins: [ownShadersOnly],
  define: { __BUILD__: JSON.stringify(fingerprint()) },
  metafile: true,
  logLevel: "warning",
});

const libraries = new Set();
for (const input of Object.keys(result.metafile.inputs)) {
  const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (match) libraries.add(match[1]);
}
const licences = [...libraries].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
});
const notice = `view.js contains these libraries.\n\n${licences.join("\n\n")}`;
writeFileSync(join(target, "view.js.LICENSES.txt"), notice);

// The script travels alone too, inside exported pages: the licences go with it.
const output = join(target, "view.js");
const text = `${readFileSync(output, "utf8").trimEnd()}\n/*!\n${notice}*/\n`;
writeFileSync(output, text);

// A page holds the script inside <script>: these three sequences would end or confuse that element.
for (const sequence of ["</script", "<script", "<!--"]) {
  if (text.toLowerCase().includes(sequence)) throw new Error(`The bundle holds ${sequence}: it could not stand inside a page.`);
}
if (notice.includes("*/")) throw new Error("A licence would end the comment that it stands in.");
console.log(`view.js: ${(text.length / 1000).toFixed(0)} kB`);

// 3Dmol.js as its authors built it, for show(..., backend="py3dmol"): that package fetches it from elsewhere.
const peer = join(here, "node_modules", "3dmol");
const terms = ["LICENSE", join("build", "3Dmol-min.js.LICENSE.txt")].map((name) => readFileSync(join(peer, name), "utf8").trim());
if (terms.some((text) => text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").includes("*/"))) throw new Error("A licence of 3Dmol would end its comment.");
const commented = terms.map((text) => (text.includes("/*") ? text : `/*!\n${text}\n*/`));
const molecules = readFileSync(join(peer, "build", "3Dmol-min.js"), "utf8");
if (/<\/?script|<!--/i.test(molecules)) throw new Error("3Dmol.js could not stand inside a page.");
writeFileSync(join(target, "3Dmol-min.js"), `${commented.join("\n")}\n${molecules.trimEnd()}\n`);
