// Dark and light theme, and the colors of classes on both.

import { byId } from "./dom.js";

const STORAGE_KEY = "vaekit theme";
const MIN_DARK_LIGHTNESS = 0.55;

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const listeners = [() => (byId("theme").textContent = isDark() ? "Light" : "Dark")];

/** Call `listener` once now, and whenever the theme changes. */
export function onThemeChange(listener) {
  listeners.push(listener);
  listener();
}

/** Follow the theme button, its setting at the last visit, and the setting of the system. */
export function startTheme() {
  const notify = () => listeners.forEach((listener) => listener());
  const root = document.documentElement;
  const stored = loadTheme();
  if (stored) root.dataset.theme = stored;
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    storeTheme(root.dataset.theme);
    notify();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", notify);
  notify();
}

// Browsers may refuse storage, in particular to files: then the theme lasts as long as the page.
function loadTheme() {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

function storeTheme(theme) {
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    return;
  }
}

/** The color of a class as [r, g, b]; dark colors are lightened on a dark page. */
export function classColor(colors, label) {
  const text = colors[label % colors.length];
  const rgb = [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
  const lightness = (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255;
  const white = isDark() ? Math.max(0, MIN_DARK_LIGHTNESS - lightness) : 0;
  return rgb.map((value) => Math.round(value + white * (255 - value)));
}
