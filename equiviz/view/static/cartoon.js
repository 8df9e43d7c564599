"use strict";
// A protein as a cartoon, by 3Dmol.js. What comes from files is data here: it becomes text of nodes, never markup.
// state: { structure, residueOf, labels, colours, key, frames, height, turn }; told: { selected(residue) }.
function mountCartoon(box, state, told) {
  const element = (name, className, parent) => {
    const made = document.createElement(name);
    made.className = className;
    parent.append(made);
    return made;
  };
  const root = element("div", "equiviz-cartoon", box);
  Object.assign(root.style, { position: "relative", height: `${state.height}px`, minWidth: "0" });
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", "The protein as a cartoon. Drag to turn it, click a residue to choose it.");
  const place = element("div", "", root);
  Object.assign(place.style, { position: "absolute", inset: "0" });
  const over = { position: "absolute", left: "8px", pointerEvents: "none", font: "13px/1.4 sans-serif", zIndex: "2" };
  const hint = element("div", "equiviz-cartoon-hint", root);
  Object.assign(hint.style, { ...over, top: "6px", padding: "1px 6px", borderRadius: "4px", background: "rgba(128,128,128,0.16)" });
  const ring = element("div", "equiviz-cartoon-ring", root);
  const round = { width: "30px", height: "30px", boxSizing: "border-box", border: "3px solid #dc1478", borderRadius: "50%" };
  Object.assign(ring.style, { ...over, ...round, boxShadow: "0 0 0 1px rgba(255,255,255,0.7)" });
  ring.hidden = true;
  const legend = element("div", "equiviz-cartoon-key", root);
  Object.assign(legend.style, { ...over, bottom: "8px", right: "8px", maxWidth: "420px" });

  let viewer = null;
  try {
    viewer = $3Dmol.createViewer(place, { backgroundAlpha: 0, antialias: true, disableFog: true });
  } catch (error) {
    hint.textContent = `No 3D here: ${error.message || error}`;
  }
  if (!viewer) {
    hint.textContent ||= "No 3D here: the browser gives no WebGL.";
    root.dataset.ready = "false";
    return { paint() {}, select() {}, frame() {}, destroy() { root.remove(); } };
  }
  viewer.setBackgroundColor(0xffffff, 0);
  const model = viewer.addModel(state.structure, "pdb", { keepH: true });
  const atoms = model.selectedAtoms({});
  const members = new Map();
  atoms.forEach((atom, k) => {
    const residue = state.residueOf[k];
    atom.residue = residue;
    if (!members.has(residue)) members.set(residue, []);
    members.get(residue).push(atom);
  });
  let colours = state.colours, labels = state.labels, chosen = null, marked = null;

  const colourOf = (atom) => colours[atom.residue] || "#8c8c8c";
  function style() {
    model.setStyle({ hetflag: false }, { cartoon: { colorfunc: colourOf, thickness: 0.5, arrows: true } });
    model.setStyle({ hetflag: true }, { stick: { radius: 0.18 }, sphere: { radius: 0.4 } });
  }
  function light() {
    // 3Dmol's own lamp is dim and stands aside: colours would look like others than those of the key.
    const lamp = viewer.scene?.children?.find((part) => part.intensity !== undefined);
    lamp?.position.set(0, 0.15, 1);
    if (lamp) lamp.intensity = 1.25;
  }
  function showKey(key) {
    legend.replaceChildren();
    if (!key || !key.title) return;
    element("div", "", legend).textContent = key.title;
    const bar = element("div", "", legend);
    const stops = key.colours.map(([at, colour]) => `${colour} ${100 * at}%`).join(", ");
    Object.assign(bar.style, { height: "8px", borderRadius: "4px", background: `linear-gradient(to right, ${stops})` });
    const ends = element("div", "", legend);
    Object.assign(ends.style, { display: "flex", justifyContent: "space-between", fontSize: "12px" });
    for (const word of key.ends) element("span", "", ends).textContent = word;
  }
  function say(residue) {
    const shown = residue ?? chosen;
    hint.textContent = shown === null || shown === undefined ? "Click a residue." : labels[shown] || "";
  }
  const line = (atom) => {
    const [x, y, z] = [atom.x, atom.y, atom.z].map((value) => value.toFixed(3).padStart(8));
    return atom.pdbline.slice(0, 30) + x + y + z + atom.pdbline.slice(54);
  };
  function mark() {
    if (marked) viewer.removeModel(marked);
    marked = null;
    const own = chosen === null ? undefined : members.get(chosen);
    if (!own) return;
    marked = viewer.addModel(own.map(line).join("\n"), "pdb", { keepH: true, noSecondaryStructure: true });
    marked.setStyle({}, { stick: { radius: 0.24, color: "#dc1478" } });
  }
  const middle = (own) => own.find((atom) => atom.atom === "CA") || own[0];
  function seen(own) {
    const { x, y, z } = middle(own);
    const [at] = [].concat(viewer.modelToScreen({ x, y, z }));
    return { x: at.x - window.scrollX, y: at.y - window.scrollY };
  }
  // A ring over the picture: the residue may lie behind others.
  function encircle() {
    const own = chosen === null ? undefined : members.get(chosen);
    ring.hidden = !own;
    if (!own) return;
    const at = seen(own), corner = root.getBoundingClientRect();
    Object.assign(ring.style, { left: `${at.x - corner.left - 15}px`, top: `${at.y - corner.top - 15}px` });
  }

  style();
  light();
  showKey(state.key);
  say();
  viewer.setHoverDuration(60);
  model.setClickable({}, true, (atom) => told.selected(atom.residue));
  model.setHoverable({}, true, (atom) => { say(atom.residue); place.style.cursor = "pointer"; },
    () => { say(); place.style.cursor = ""; });
  viewer.zoomTo();
  const view = viewer.getView();
  view.splice(4, 4, ...state.turn);
  viewer.setView(view);
  viewer.zoom(1.2);
  viewer.render();
  root.dataset.ready = "true";
  viewer.setViewChangeCallback(encircle);
  const again = () => {
    viewer.resize();
    viewer.render();
    encircle();
  };
  const sizes = new ResizeObserver(() => { if (place.clientWidth && place.clientHeight) again(); });
  sizes.observe(place);

  const handle = {
    viewer,
    paint(newColours, newLabels, key) {
      colours = newColours;
      labels = newLabels;
      style();
      showKey(key);
      say();
      viewer.render();
    },
    select(residue) {
      chosen = residue ?? null;
      root.dataset.selected = chosen === null ? "" : String(chosen);
      mark();
      say();
      viewer.render();
      encircle();
    },
    frame(number) {
      const start = 3 * atoms.length * number;
      if (!state.frames || start + 3 * atoms.length > state.frames.length) return;
      atoms.forEach((atom, k) => {
        [atom.x, atom.y, atom.z] = state.frames.subarray(start + 3 * k, start + 3 * k + 3);
      });
      root.dataset.frame = String(number);
      style();
      mark();
      viewer.render();
      encircle();
    },
    // Where a residue is seen, in pixels of the page: for tests, and for whoever points at it.
    whereabouts(residue) {
      const own = members.get(residue);
      if (!own) return null;
      return seen(own);
    },
    destroy() {
      sizes.disconnect();
      const canvas = place.querySelector("canvas");
      const context = canvas && (canvas.getContext("webgl2") || canvas.getContext("webgl"));
      context?.getExtension("WEBGL_lose_context")?.loseContext();
      root.remove();
    },
  };
  root.equivizCartoon = handle;
  return handle;
}
