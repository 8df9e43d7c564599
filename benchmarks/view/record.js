// Runs before anything else in every frame of a page, and notes when something was drawn and what the kernel sent.
// A picture: all draw calls of one context in one task. It is done when a pixel can be read back after them, for the
// calls themselves only queue work. Times are milliseconds since 1970, the same clock as the kernel's.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  let page = globalThis;
  try {
    if (globalThis.top.__record) page = globalThis.top;
  } catch {} // a frame of another origin keeps a record of its own
  const record = (page.__record ??= { pictures: [], messages: [], open: 0, alive: now(), stalls: [] });

  const open = new WeakMap();
  const { port1, port2 } = new MessageChannel();
  const waiting = [];
  port1.onmessage = () => {
    for (const [gl, picture] of waiting.splice(0)) {
      open.delete(gl);
      try {
        settle(gl);
      } catch {} // a context that is lost
      picture.done = now();
      record.pictures.push(picture);
      record.open--;
    }
  };

  // Reading waits for everything queued before it. What is bound for reading is put back.
  function settle(gl) {
    const second = typeof WebGL2RenderingContext !== "undefined" && gl instanceof WebGL2RenderingContext;
    const target = second ? gl.READ_FRAMEBUFFER : gl.FRAMEBUFFER;
    const bound = gl.getParameter(second ? gl.READ_FRAMEBUFFER_BINDING : gl.FRAMEBUFFER_BINDING);
    const packed = second ? gl.getParameter(gl.PIXEL_PACK_BUFFER_BINDING) : null;
    if (packed) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    gl.bindFramebuffer(target, null);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    gl.bindFramebuffer(target, bound);
    if (packed) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, packed);
  }

  function drawn(gl, points) {
    let picture = open.get(gl);
    if (!picture) {
      picture = { begun: now(), done: 0, points: 0, calls: 0, pixels: 0 };
      open.set(gl, picture);
      record.open++;
      waiting.push([gl, picture]);
      port2.postMessage(0);
    }
    picture.points += points;
    picture.calls++;
    const [, , width, height] = gl.getParameter(gl.VIEWPORT);
    picture.pixels = Math.max(picture.pixels, width * height);
  }

  const points = {
    drawArrays: (mode, first, count) => count,
    drawElements: (mode, count) => count,
    drawRangeElements: (mode, start, end, count) => count,
    drawArraysInstanced: (mode, first, count, copies) => count * copies,
    drawElementsInstanced: (mode, count, type, offset, copies) => count * copies,
  };
  function hook(target, name, counted, context) {
    const original = target[name];
    if (!original) return;
    target[name] = function (...told) {
      const result = original.apply(this, told);
      drawn(context ?? this, counted(...told));
      return result;
    };
  }
  for (const kind of [globalThis.WebGLRenderingContext, globalThis.WebGL2RenderingContext].filter(Boolean)) {
    for (const [name, counted] of Object.entries(points)) hook(kind.prototype, name, counted);
    const original = kind.prototype.getExtension;
    const hooked = new WeakSet();
    kind.prototype.getExtension = function (name) {
      const extension = original.call(this, name);
      if (/^ANGLE_instanced_arrays$/i.test(name) && extension && !hooked.has(extension)) {
        hooked.add(extension);
        hook(extension, "drawArraysInstancedANGLE", points.drawArraysInstanced, this);
        hook(extension, "drawElementsInstancedANGLE", points.drawElementsInstanced, this);
      }
      return extension;
    };
  }

  // A kernel's message on the wire (v1.kernel.websocket.jupyter.org): offsets, then channel, header, parent, metadata,
  // content, buffers.
  const text = new TextDecoder();
  function told(data) {
    if (typeof data === "string") return { bytes: data.length, ...about(JSON.parse(data)) };
    const buffer = data.buffer ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data;
    const view = new DataView(buffer);
    const at = (k) => Number(view.getBigUint64(8 * (k + 1), true));
    const part = (k) => JSON.parse(text.decode(new Uint8Array(buffer, at(k), at(k + 1) - at(k))));
    const small = at(5) - at(4) < 100_000;
    return { bytes: buffer.byteLength, ...about({ header: part(1), parent_header: part(2), content: small ? part(4) : {} }) };
  }
  function about({ header, parent_header, content }) {
    return {
      type: header?.msg_type ?? "", parent: parent_header?.msg_type ?? "", sent: Date.parse(header?.date ?? ""),
      state: content?.execution_state ?? "", method: content?.data?.method ?? "",
      error: content?.ename ? `${content.ename}: ${content.evalue}` : "", custom: content?.data?.content?.type ?? "", traits: Object.keys(content?.data?.state ?? {}),
    };
  }
  function note(way, data) {
    const time = now();
    let message;
    try {
      message = told(data);
    } catch (problem) {
      message = { bytes: data?.byteLength ?? data?.length ?? 0, type: `unread: ${problem}` };
    }
    record.messages.push({ way, time, ...message });
  }
  const Plain = globalThis.WebSocket;
  globalThis.WebSocket = class extends Plain {
    constructor(...where) {
      super(...where);
      this.ofKernel = /\/api\/kernels\//.test(String(where[0]));
      this.addEventListener("message", (event) => this.ofKernel && note("in", event.data));
    }
    send(data) {
      if (this.ofKernel) note("out", data);
      super.send(data);
    }
  };

  // A page that computes draws nothing and hears nothing: it is not quiet. Stalls are noted by a clock that stops then.
  if (page === globalThis) {
    setInterval(() => {
      const time = now();
      if (time - record.alive > 400) record.stalls.push(time);
      record.alive = time;
    }, 100);
  }
})();
