// The legend: buttons that show and hide classes.

import { classColor, classShape } from "./class-style.js";
import { byId, element } from "./dom.js";
import { formatCount, shorten } from "./format.js";

/** One button per class: the first click shows that class alone, further ones add and remove. */
export function legend(facts, arrays, state) {
  if (!arrays.labels) return;
  const counts = facts.classes.map(() => 0);
  for (const label of arrays.labels) counts[label]++;
  const allButton = Object.assign(element("button", "", "All"), { type: "button" });
  allButton.addEventListener("click", () => state.set({ hiddenClasses: new Set() }));
  const buttons = facts.classes.map((name, label) => {
    const button = classButton(name, counts[label]);
    button.prepend(swatch(facts, label));
    button.addEventListener("click", () => {
      state.set({ hiddenClasses: toggle(state.hiddenClasses, label, facts.classes.length) });
    });
    return button;
  });
  byId("legend").replaceChildren(allButton, ...buttons);
  state.on(["hiddenClasses"], () => buttons.forEach((button, label) => {
    button.setAttribute("aria-pressed", String(!state.hiddenClasses.has(label)));
  }));
}

function classButton(name, count) {
  const title = `${name}: ${formatCount(count, "example")}`;
  const button = Object.assign(element("button"), { type: "button", title, ariaLabel: name });
  button.append(element("span", "name", shorten(name)));
  return button;
}

/** The hidden classes after a click; never all of them. */
function toggle(hidden, label, classCount) {
  const all = Array.from({ length: classCount }, (_, i) => i);
  if (hidden.size === 0) return new Set(all.filter((i) => i !== label));
  const toggled = new Set(hidden);
  if (!toggled.delete(label)) toggled.add(label);
  return toggled.size === classCount ? new Set() : toggled;
}

function swatch(facts, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1 -1 2 2");
  svg.classList.add("swatch");
  const path = document.createElementNS(svg.namespaceURI, "path");
  const corners = classShape(facts, label).map(([x, y]) => `${x} ${-y}`);
  path.setAttribute("d", `M${corners.join("L")}Z`);
  path.setAttribute("fill", `rgb(${classColor(facts, label)})`);
  svg.append(path);
  return svg;
}
