// Mouse, fingers and keys on the map, told as what they mean.

const NEAR = 5; // pixels that a click may move
const SECOND = 80; // milliseconds that a second finger may come after the first
const STEP = 10;

/** `on` has: hover, tap, press (a finger), pan, zoom, line (a selection while it is drawn), lined, step, fit, hold, end, corner, escape. */
export function watch(element, tool, on) {
  const fingers = new Map();
  let start = null, line = null, dragged = false, pinched = false, pressing = null;
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    [start, dragged, pinched] = [place(event), false, fingers.size > 1];
    stopWaiting();
    if (line) on.line(null); // a second finger
    line = !pinched && tool() !== "move" ? [start] : null;
    if (event.pointerType === "touch" && !line && !pinched) pressing = setTimeout(press, SECOND);
  });

  /** No longer wait for a second finger: true where that was waited for. */
  function stopWaiting() {
    const waited = pressing !== null;
    clearTimeout(pressing);
    pressing = null;
    return waited;
  }

  function press() {
    stopWaiting();
    for (const at of fingers.values()) on.press(...at);
  }

  element.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) return on.hover(...now);
    if (Math.hypot(now[0] - start[0], now[1] - start[1]) > NEAR) dragged = true;
    if (fingers.size === 2) pinch(event.pointerId, now);
    else if (line) draw(now);
    else if (event.pointerType !== "touch" && dragged) on.pan(now[0] - before[0], now[1] - before[1]);
    fingers.set(event.pointerId, now);
    if (event.pointerType === "touch" && dragged && !pinched && !line) press();
  });

  const up = (event) => {
    if (stopWaiting() && event.type === "pointerup") press();
    if (!fingers.delete(event.pointerId)) return;
    if (line && dragged) on.lined(line);
    else if (!dragged && event.type === "pointerup" && event.pointerType !== "touch") on.tap(...place(event));
    if (line) on.line(null);
    line = null;
  };
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);

  function draw(now) {
    if (tool() === "box") line = [line[0], [now[0], line[0][1]], now, [line[0][0], now[1]]];
    else line.push(now);
    on.line(line);
  }

  function pinch(id, now) {
    dragged = true;
    const before = fingers.get(id);
    const [other] = [...fingers].filter(([key]) => key !== id).map(([, at]) => at);
    const far = (at) => Math.max(20, Math.hypot(at[0] - other[0], at[1] - other[1]));
    on.zoom(far(now) / far(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    on.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const speed = event.ctrlKey ? 0.015 : event.deltaMode ? 0.05 : 0.0015; // a pinch of a trackpad, lines, pixels
    on.zoom(Math.exp(-event.deltaY * speed), ...place(event));
  }, { passive: false });

  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const meant = {
      "+": () => on.zoom(1.25), "=": () => on.zoom(1.25), "-": () => on.zoom(0.8), 0: on.fit,
      Enter: on.hold, a: () => on.end("a"), b: () => on.end("b"), s: on.corner, Escape: on.escape,
    }[key];
    if (!arrow && !meant) return;
    event.preventDefault();
    if (!arrow) return meant();
    const far = STEP * (event.shiftKey ? 5 : 1);
    if (event.altKey) on.pan(-5 * STEP * arrow[0], -5 * STEP * arrow[1]);
    else on.step(far * arrow[0], far * arrow[1]);
  });
}
