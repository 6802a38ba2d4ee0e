// Dark and light, and the colours of classes on both.

import { byId } from "./state.js";

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const watching = [() => (byId("theme").textContent = isDark() ? "Light" : "Dark")];

/** Call `changed` whenever the page turns dark or light, and once now. */
export function watchTheme(changed) {
  watching.push(changed);
  changed();
}

/** Follow the button, also that of the last visit, and the system's setting. */
export function startTheme() {
  const told = () => watching.forEach((changed) => changed());
  const root = document.documentElement;
  if (remembered()) root.dataset.theme = remembered();
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    told();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", told);
  told();
}

// A browser can refuse to keep anything, of pages from disk above all: then the choice lasts as long as the page.
function remembered() {
  try {
    return localStorage.getItem("vaekit theme");
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem("vaekit theme", theme);
  } catch {
    return;
  }
}

/** The colour of a class as [r, g, b]; dark ones are lightened where the page is dark. */
export function classColour(colours, label) {
  const text = colours[label % colours.length];
  const rgb = [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const lightness = (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255;
  const white = isDark() ? Math.max(0, 0.55 - lightness) : 0;
  return rgb.map((value) => Math.round(value + white * (255 - value)));
}
