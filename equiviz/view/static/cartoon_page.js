"use strict";
// Links a cartoon with the heat map and the bars that stand in the same section of a page without a kernel.
(() => {
  const place = document.querySelector(".cartoon");
  const section = place.closest("section");
  const data = JSON.parse(section.querySelector(".cartoon-data").textContent);
  const [heat, bars] = section.querySelectorAll(".figure");
  const [menu, find, told] = [".colours", ".find", ".told"].map((name) => place.querySelector(name));
  const bytes = Uint8Array.from(atob(data.residueOf), (letter) => letter.charCodeAt(0));
  const siteOf = new Map(data.sites.map((residue, site) => [residue, site]));
  let site = data.site, mutant = null;

  const cartoon = mountCartoon(place.querySelector(".cartoon-view"),
    { ...data, ...data.paintings[0], residueOf: new Int32Array(bytes.buffer) },
    { selected: (residue) => (siteOf.has(residue) ? choose(siteOf.get(residue)) : say("This residue is no site.")) });
  const say = (words) => { told.textContent = words; };

  function words() {
    const { wild, probabilities, scores, amino_acids: names } = data;
    const own = wild[site], row = probabilities[site];
    const first = row.indexOf(Math.max(...row));
    const parts = [`${data.names[site]}: p(${names[own]}) = ${row[own].toFixed(3)}`];
    parts.push(first === own ? "the preferred amino acid" : `preferred is ${names[first]} with ${row[first].toFixed(3)}`);
    if (mutant !== null && mutant !== own) parts.push(`mutation score to ${names[mutant]}: ${scores[site][mutant].toFixed(2)} nats`);
    return `${parts.join("; ")}.`;
  }
  function marks() {
    const [column, cell] = data.marks;
    const half = column.x1;
    const at = { x0: site - half, x1: site + half };
    const frame = { ...column, ...at };
    return mutant === null ? [frame] : [frame, { ...cell, ...at, y0: mutant - 0.5, y1: mutant + 0.5 }];
  }
  function fill() {
    const [red, blue] = data.bars;
    return data.letters.map((_, k) => (k === data.wild[site] ? red : blue));
  }
  function draw() {
    if (heat._fullLayout) Plotly.relayout(heat, { shapes: marks() });
    if (bars._fullLayout) Plotly.restyle(bars, { y: [data.probabilities[site]], "marker.color": [fill()] }, [0]);
  }
  function choose(newSite, newMutant = null) {
    [site, mutant] = [newSite, newMutant];
    document.documentElement.dataset.site = String(site);
    cartoon.select(data.sites[site]);
    say(words());
    draw();
    const detail = { site, aminoAcid: mutant === null ? null : data.amino_acids[mutant] };
    section.dispatchEvent(new CustomEvent("equiviz-site", { detail }));
  }
  section.addEventListener("equiviz-choose", ({ detail }) => choose(detail.site));

  menu.addEventListener("change", () => {
    const { colours, labels, key } = data.paintings[Number(menu.value)];
    cartoon.paint(colours, labels, key);
  });
  const step = (by) => choose((site + by + data.sites.length) % data.sites.length);
  place.querySelector(".back").addEventListener("click", () => step(-1));
  place.querySelector(".forth").addEventListener("click", () => step(1));
  find.addEventListener("change", () => {
    if (!find.value.trim()) return;
    const search = (spelled) => {
      const asked = spelled(find.value.trim()).split(/\s+/);
      return data.names.findIndex((name) => {
        const parts = spelled(name).split(" "); // "A MET 1", or "MET 1" where the chain has no name
        return asked[asked.length - 1] === parts[parts.length - 1] && (asked.length === 1 || asked[0] === parts[0]);
      });
    };
    const exact = search((text) => text); // chains "A" and "a" are two
    const found = exact >= 0 ? exact : search((text) => text.toUpperCase());
    if (found < 0) say(`There is no site ${find.value.trim()}.`);
    else choose(found);
  });

  // The page's script draws figures anew when the window becomes narrow; they forget who listens, and what is marked.
  const clicked = ({ points: [point] }) => choose(Math.round(point.x), data.letters.indexOf(point.y));
  function listen() {
    if (!heat._ev || heat._ev.listeners("plotly_click").includes(clicked)) return;
    heat.on("plotly_click", clicked);
    draw();
  }
  const drawn = new MutationObserver(() => { setTimeout(listen, 50); });
  drawn.observe(heat, { childList: true });
  drawn.observe(document.documentElement, { attributes: true, attributeFilter: ["data-drawn"] });
  for (const event of ["pointerover", "pointerdown"]) heat.addEventListener(event, listen, true);
  addEventListener("resize", () => { setTimeout(listen, 700); });
  choose(site);
})();
