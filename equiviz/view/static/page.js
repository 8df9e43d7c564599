"use strict";
// Draws the page's figures and keeps them in the reader's colours (light, dark, and light again on paper).
(() => {
  const { templates, figures } = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (dark.matches ? templates.dark : templates.light);
  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
  const boxes = figures.map((_, k) => document.getElementById(`figure-${k}`));
  const scenes = (box) => Object.keys(box._fullLayout || {}).filter((key) => /^scene\d*$/.test(key));

  // Two scenes of one figure turn together: whatever camera one gets, the others get.
  function linkCameras(box) {
    let busy = false;
    const follow = (change) => {
      const key = Object.keys(change).find((name) => /^scene\d*\.camera$/.test(name));
      if (busy || !key) return;
      const others = scenes(box).filter((name) => `${name}.camera` !== key);
      busy = true;
      Plotly.relayout(box, Object.fromEntries(others.map((name) => [`${name}.camera`, change[key]])))
        .finally(() => { busy = false; });
    };
    if (scenes(box).length > 1) ["plotly_relayouting", "plotly_relayout"].forEach((event) => box.on(event, follow));
  }

  async function draw(k) {
    const { data, layout } = figures[k];
    await Plotly.newPlot(boxes[k], data, { ...layout, template: theme(), autosize: true }, config);
    linkCameras(boxes[k]);
  }

  // data-drawn and data-theme on <html> tell readers' tools (and our tests) that the page is as it should be.
  const told = document.documentElement.dataset;
  const name = (look) => (look === templates.dark ? "dark" : "light");
  async function repaint(look) {
    await Promise.all(boxes.map((box) => box._fullLayout && Plotly.relayout(box, { template: look })));
    told.theme = name(look);
  }
  dark.addEventListener("change", () => repaint(theme()));
  window.addEventListener("beforeprint", () => repaint(templates.light));
  window.addEventListener("afterprint", () => repaint(theme()));

  // One figure after the other, so that the page can be read while the later ones are drawn.
  (async () => {
    for (let k = 0; k < figures.length; k += 1) {
      await draw(k);
      await new Promise((next) => setTimeout(next, 0));
    }
    told.drawn = String(figures.length);
    told.theme = name(theme());
  })();
})();
