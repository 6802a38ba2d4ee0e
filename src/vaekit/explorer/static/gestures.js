// Mouse, touch and keyboard events of the map as gestures.

const CLICK_DISTANCE = 5; // pixels that a click may move
const SECOND_FINGER_DELAY = 80; // milliseconds to wait for a second finger
const KEY_STEP = 10; // pixels
const KEY_ZOOM = 1.25;
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

/** Call the handlers hover, click, touch, pan, zoom, outline (of an unfinished selection, or null),
 * select, step, fit, pin, endpoint, corner and escape; `tool()` is move, lasso or box. */
export function listenToGestures(element, tool, handlers) {
  listenToPointers(element, tool, handlers);
  listenToWheel(element, handlers);
  listenToKeys(element, handlers);
}

function positionIn(element, event) {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function listenToPointers(element, tool, on) {
  const pointers = new Map(); // pressed pointers and their last positions
  let start = null;
  let outline = null;
  let dragged = false;
  let pinched = false;
  let touchTimer = null;

  element.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    element.setPointerCapture(event.pointerId);
    start = positionIn(element, event);
    pointers.set(event.pointerId, start);
    dragged = false;
    pinched = pointers.size > 1;
    stopWaiting();
    if (outline) on.outline(null); // a second finger ends a selection
    outline = !pinched && tool() !== "move" ? [start] : null;
    if (event.pointerType === "touch" && !outline && !pinched) {
      touchTimer = setTimeout(touch, SECOND_FINGER_DELAY);
    }
  });

  /** Stop waiting for a second finger; whether a wait was in progress. */
  function stopWaiting() {
    const waited = touchTimer !== null;
    clearTimeout(touchTimer);
    touchTimer = null;
    return waited;
  }

  function touch() {
    stopWaiting();
    for (const position of pointers.values()) on.touch(...position);
  }

  element.addEventListener("pointermove", (event) => {
    const now = positionIn(element, event);
    const before = pointers.get(event.pointerId);
    if (!before) return on.hover(...now);
    const isTouch = event.pointerType === "touch";
    if (distance(now, start) > CLICK_DISTANCE) dragged = true;
    if (pointers.size === 2) pinch(event.pointerId, now);
    else if (outline) extendOutline(now);
    else if (!isTouch && dragged) on.pan(now[0] - before[0], now[1] - before[1]);
    pointers.set(event.pointerId, now);
    if (isTouch && dragged && !pinched && !outline) touch();
  });

  function release(event) {
    const isUp = event.type === "pointerup";
    if (stopWaiting() && isUp) touch();
    if (!pointers.delete(event.pointerId)) return;
    const isClick = isUp && !dragged && event.pointerType !== "touch";
    if (outline && dragged) on.select(outline);
    else if (isClick) on.click(...positionIn(element, event));
    if (outline) on.outline(null);
    outline = null;
  }
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);

  function extendOutline(now) {
    const [first] = outline;
    if (tool() === "box") outline = [first, [now[0], first[1]], now, [first[0], now[1]]];
    else outline.push(now);
    on.outline(outline);
  }

  function pinch(id, now) {
    dragged = true;
    const before = pointers.get(id);
    const [[, other]] = [...pointers].filter(([key]) => key !== id);
    const separation = (position) => Math.max(20, distance(position, other));
    const [x, y] = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    on.zoom(separation(now) / separation(before), x, y);
    on.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }
}

function listenToWheel(element, on) {
  const zoom = (event) => {
    event.preventDefault();
    on.zoom(Math.exp(-event.deltaY * wheelSpeed(event)), ...positionIn(element, event));
  };
  element.addEventListener("wheel", zoom, { passive: false });
}

/** Per unit of deltaY: of a pinch on a trackpad, of lines, of pixels. */
function wheelSpeed(event) {
  if (event.ctrlKey) return 0.015;
  return event.deltaMode ? 0.05 : 0.0015;
}

function listenToKeys(element, on) {
  const actions = {
    "+": () => on.zoom(KEY_ZOOM),
    "=": () => on.zoom(KEY_ZOOM),
    "-": () => on.zoom(1 / KEY_ZOOM),
    0: on.fit,
    Enter: on.pin,
    a: () => on.endpoint("a"),
    b: () => on.endpoint("b"),
    s: on.corner,
    Escape: on.escape,
  };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!arrow && !action) return;
    event.preventDefault();
    if (!arrow) return action();
    const step = KEY_STEP * (event.shiftKey ? 5 : 1);
    if (event.altKey) on.pan(-5 * KEY_STEP * arrow[0], -5 * KEY_STEP * arrow[1]);
    else on.step(step * arrow[0], step * arrow[1]);
  });
}
