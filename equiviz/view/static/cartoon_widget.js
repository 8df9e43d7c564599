const integers = (view) => new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

function render({ model, el }) {
  const get = (name) => model.get(name);
  const cartoon = mountCartoon(el, {
    structure: get("structure"), residueOf: integers(get("residue_of")), labels: get("labels"), colours: get("colours"),
    key: get("key"), frames: floats(get("frames")), height: get("height"), turn: get("turn"),
  }, {
    selected(residue) {
      model.set("selected", residue);
      model.save_changes();
    },
  });
  const paint = () => cartoon.paint(get("colours"), get("labels"), get("key"));
  const select = () => cartoon.select(get("selected"));
  const frame = () => cartoon.frame(get("frame"));
  model.on("change:key", paint);
  model.on("change:selected", select);
  model.on("change:frame", frame);
  if (get("selected") !== null) select();
  if (get("frame")) frame();
  return () => {
    model.off("change:key", paint);
    model.off("change:selected", select);
    model.off("change:frame", frame);
    cartoon.destroy();
  };
}
export default { render };
