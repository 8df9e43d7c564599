"use strict";
// Draws the page's figures and keeps them in the reader's colours (light, dark, and light again on paper).
(() => {
  const { templates, scales, figures } = JSON.parse(document.getElementById("figures").textContent);
  const narrow = window.matchMedia("(max-width: 640px)");
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

  // On a dark page the dark end of a colour scale would vanish: the same hues are drawn from a lighter one upwards.
  function ink(scale, look) {
    const same = (other) => JSON.stringify(other) === JSON.stringify(scale);
    const pair = scales.find((known) => known.some(same));
    return pair ? pair[look === templates.dark ? 1 : 0] : scale;
  }
  const barAxes = (layout) => Object.keys(layout).filter((key) => /^coloraxis\d*$/.test(key));

  // Spaces become line breaks, so that no line of a title is wider than the picture. The text is escaped already.
  function wrapped(text, width) {
    const most = Math.floor(width / 9);
    const lines = [""];
    for (const word of text.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + 1 + word.length > most) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.join("<br>");
  }

  // A phone shows scenes one under the other, colour bars and legends below the picture, and titles in several lines.
  function arranged(given, box) {
    const layout = structuredClone(given);
    const spaces = Object.keys(layout).filter((key) => /^scene\d*$/.test(key));
    const extra = { t: 0, b: 0 };
    if (layout.title && layout.title.text) {
      layout.title.text = wrapped(layout.title.text, box.clientWidth);
      const more = layout.title.text.split("<br>").length - 1;
      extra.t = 20 * more;
      if (more) layout.title.pad = { t: 20 };
    }
    if (!narrow.matches) return finished(layout, extra);
    spaces.forEach((name, k) => {
      const top = 1 - k / spaces.length;
      layout[name].domain = { x: [0, 1], y: [top - 1 / spaces.length, top] };
      for (const note of layout.annotations || []) if (note.name === name) Object.assign(note, { x: 0.5, y: top });
    });
    if (spaces.length) {
      const bars = barAxes(layout);
      layout.height = 370 * spaces.length + 150;
      bars.forEach((key, k) => {
        const place = { orientation: "h", x: 0.5, xanchor: "center", y: -0.02 - 0.09 * k, yanchor: "top", len: 0.8 };
        Object.assign(layout[key].colorbar, place);
        layout[key].colorbar.title.side = "bottom";
      });
      for (const slider of layout.sliders || []) Object.assign(slider, { x: 0.05, len: 0.9, pad: { t: 84 * bars.length } });
      extra.b = 84 * bars.length;
    } else if (layout.showlegend) {
      layout.legend = { ...layout.legend, y: -0.24, yanchor: "top" };
      extra.t -= 24;
    }
    return finished(layout, extra);
  }

  function finished(layout, extra) {
    layout.margin = { ...layout.margin, t: (layout.margin.t || 0) + extra.t, b: (layout.margin.b || 0) + extra.b };
    if (layout.height) layout.height += extra.t + extra.b;
    for (const key of barAxes(layout)) layout[key].colorscale = ink(layout[key].colorscale, theme());
    return { ...layout, template: theme(), autosize: true };
  }

  async function draw(k) {
    const data = figures[k].data.map((t) => (t.colorscale ? { ...t, colorscale: ink(t.colorscale, theme()) } : t));
    const layout = arranged(figures[k].layout, boxes[k]);
    if (layout.height) boxes[k].style.height = `${layout.height}px`;
    await Plotly.newPlot(boxes[k], data, layout, config);
    linkCameras(boxes[k]);
  }

  // data-drawn and data-theme on <html> tell readers' tools (and our tests) that the page is as it should be.
  const told = document.documentElement.dataset;
  const name = (look) => (look === templates.dark ? "dark" : "light");
  async function recolour(box, look) {
    const bars = barAxes(box.layout).map((key) => [`${key}.colorscale`, ink(box.layout[key].colorscale, look)]);
    await Plotly.relayout(box, { template: look, ...Object.fromEntries(bars) });
    for (let i = 0; i < box.data.length; i += 1) {
      const own = box.data[i].colorscale;
      if (own) await Plotly.restyle(box, { colorscale: [ink(own, look)] }, [i]);
    }
  }
  async function repaint(look) {
    await Promise.all(boxes.map((box) => box._fullLayout && recolour(box, look)));
    told.theme = name(look);
  }
  dark.addEventListener("change", () => repaint(theme()));
  narrow.addEventListener("change", () => boxes.forEach((box, k) => box._fullLayout && draw(k)));
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
