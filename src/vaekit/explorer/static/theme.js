// Dark and light theme.

import { byId } from "./dom.js";

const STORAGE_KEY = "vaekit theme";

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
