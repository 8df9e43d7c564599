"use strict";
// Shows the neighbourhood of the chosen residue and what its preference rests on, of the residues that the page holds.
// Hears "equiviz-site" from the cartoon of the same section, and tells it "equiviz-choose".
(() => {
  const part = document.querySelector(".surroundings");
  const section = part.closest("section");
  const data = JSON.parse(section.querySelector(".surroundings-data").textContent);
  const shares = [...section.querySelectorAll(".figure")].pop();
  const names = ["explained", "asked", "painting", "channel", "absent", "surroundings-body", "surroundings-view", "reasons", "atoms"];
  const [explained, asked, painting, channel, absent, body, view, reasons, atoms] = names.map((name) => part.querySelector(`.${name}`));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const SHOWN = 8; // atoms in the list
  let residue = null;

  // The 3D view reads its traits from here, as it would from a kernel.
  const state = { packet: null, camera: null, height: data.height };
  const listeners = new Map();
  const of = (event) => listeners.get(event) ?? listeners.set(event, new Set()).get(event);
  const model = {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const callback of of(`change:${name}`)) callback();
    },
    on: (event, callback) => of(event).add(callback),
    off: (event, callback) => of(event).delete(callback),
    save_changes() {},
  };

  // A packet (js/PACKET.md) is a header with arrays behind it; what is added goes behind them.
  function unpacked(packet) {
    const end = 12 + new DataView(packet.buffer).getUint32(8, true);
    const header = JSON.parse(new TextDecoder().decode(packet.subarray(12, end)));
    return { header, arrays: [packet.subarray(end)], size: packet.length - end };
  }
  function put(pack, array, dtype, shape) {
    const own = new Uint8Array(8 * Math.ceil(array.byteLength / 8));
    own.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    const offset = pack.size;
    pack.arrays.push(own);
    pack.size += own.length;
    return { dtype, shape, offset };
  }
  function packed({ header, arrays, size }) {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const start = 8 * Math.ceil((12 + text.length) / 8);
    const whole = new Uint8Array(start + size).fill(32, 12, start);
    whole.set(new TextEncoder().encode("EQVZ"));
    new DataView(whole.buffer).setUint32(4, 1, true);
    new DataView(whole.buffer).setUint32(8, start - 12, true);
    whole.set(text, 12);
    let at = start;
    for (const array of arrays) {
      whole.set(array, at);
      at += array.length;
    }
    return whole.buffer;
  }
  function scale(kind, title, unit, low, high) {
    const [colours, dark] = data.scales[kind];
    return { heading: unit ? `${title} (${unit})` : title, title, unit, kind, low, high, colours, colours_on_dark: dark };
  }
  function cloudLayer(pack, cloud) {
    const steps = new Int8Array(bytes(cloud.steps).buffer), sizes = new Int8Array(bytes(cloud.values).buffer);
    const count = sizes.length;
    const places = Float32Array.from(steps, (step, k) => step * data.grid.spacing + cloud.centre[k % 3]);
    const values = Float32Array.from(sizes, (size) => (size / 127) * cloud.peak);
    // Few different radii, in steps of 0.01 Å: what is alike is drawn at once.
    const largest = Math.round(100 * data.grid.dot);
    const style = Uint8Array.from(sizes, (size) => Math.max(1, Math.round(largest * Math.cbrt(Math.abs(size) / 127))) - 1);
    const styles = Array.from({ length: largest }, (_, k) => ({ label: "", colour: "#8C8C8C", radius: (k + 1) / 100 }));
    const title = `${data.channels[cloud.channel]} ${cloud.unit}`;
    return {
      kind: "atoms", styles, hover: [],
      positions: put(pack, places, "<f4", [count, 3]), style: put(pack, style, "|u1", [count]),
      values: put(pack, values, "<f4", [count]),
      scale: scale(cloud.signed ? "diverging" : "sequential", title, "", cloud.signed ? -cloud.peak : 0, cloud.peak),
    };
  }

  const why = () => residue.why[Number(asked.value)] ?? residue.why[0];
  const scoresOf = (given) => new Float32Array(bytes(given.scores).buffer);
  const signed = (value, digits) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);

  function drawScene() {
    const pack = unpacked(bytes(residue.packet)), given = why(), scores = scoresOf(given);
    const { layers } = pack.header.scene, [neighbours] = layers;
    neighbours.hover = neighbours.hover.map((name, k) => `${name}, ${signed(scores[k], 3)} nats`);
    if (painting.value === "1") {
      neighbours.values = put(pack, scores, "<f4", [scores.length]);
      neighbours.scale = scale("diverging", given.scale.title, "nats", given.scale.low, given.scale.high);
    }
    const cloud = residue.clouds.find((one) => one.channel === Number(channel.value));
    if (cloud) {
      layers.push(cloudLayer(pack, cloud));
      pack.header.scene.words += ` Points: where the density of ${data.channels[cloud.channel]} is high.`;
    }
    model.set("packet", packed(pack));
  }
  function drawReasons() {
    const given = why(), scores = scoresOf(given), { hover } = unpacked(bytes(residue.packet)).header.scene.layers[0];
    reasons.textContent = given.words;
    const order = [...scores.keys()].sort((a, b) => Math.abs(scores[b]) - Math.abs(scores[a])).slice(0, SHOWN);
    atoms.replaceChildren(...order.map((k) => {
      const line = document.createElement("li");
      line.textContent = `${hover[k]}: ${signed(scores[k], 2)} nats`;
      return line;
    }));
    const ready = channel.value === "-1" || residue.clouds.some((one) => one.channel === Number(channel.value));
    absent.textContent = ready ? "" : `The density of ${data.channels[Number(channel.value)]} is zero here.`;
    drawShares();
  }
  function drawShares() {
    if (!residue || !shares._fullLayout) return;
    const fill = (values) => values.map((value) => data.signed[value > 0 ? 1 : 0]);
    const every = [why().degrees, why().channels];
    Plotly.restyle(shares, { y: every, "marker.color": every.map(fill) }, [0, 1]);
    Plotly.Plots.resize(shares);
  }

  function show(site, aminoAcid) {
    const place = data.residues.findIndex((one) => one.site === site);
    residue = place < 0 ? null : data.residues[place];
    explained.value = place < 0 ? "" : String(place);
    part.dataset.site = residue ? String(site) : "";
    for (const piece of [body, shares, asked.parentElement, painting.parentElement, channel.parentElement]) piece.hidden = !residue;
    if (!residue) {
      absent.textContent = data.absent;
      return;
    }
    asked.replaceChildren(...residue.why.map((given, k) => new Option(`${given.amino_acid} (${given.role})`, k)));
    asked.value = String(Math.max(0, residue.why.findIndex((given) => given.amino_acid === aminoAcid)));
    drawScene();
    drawReasons();
  }

  section.addEventListener("equiviz-site", ({ detail }) => show(detail.site, detail.aminoAcid));
  explained.addEventListener("change", () => {
    if (explained.value === "") return;
    const detail = { site: data.residues[Number(explained.value)].site };
    section.dispatchEvent(new CustomEvent("equiviz-choose", { detail }));
  });
  for (const menu of [asked, painting, channel]) {
    menu.addEventListener("change", () => { drawScene(); drawReasons(); });
  }
  // The page's script draws figures when it comes to them, and anew when the window becomes narrow.
  const drawn = new MutationObserver(() => { setTimeout(drawShares, 50); });
  drawn.observe(shares, { childList: true });
  drawn.observe(document.documentElement, { attributes: true, attributeFilter: ["data-drawn"] });
  channel.value = "0";
  show(Number(document.documentElement.dataset.site));
  // The view's script is a module: it has run when the document is complete.
  addEventListener("DOMContentLoaded", () => { globalThis[Symbol.for("equiviz.view")].render({ model, el: view }); });
})();
