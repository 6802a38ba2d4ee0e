// The page of a run: load its content, and start the parts that the run supports.

import { hasImages } from "./canvas.js";
import { openContent } from "./content.js";
import { decodedCard } from "./decoded-card.js";
import { byId, element, showMessage } from "./dom.js";
import { exampleCard } from "./example-card.js";
import { formatCount, formatMetric } from "./format.js";
import { gridCard } from "./grid-card.js";
import { LatentMap } from "./latent-map.js";
import { LatentSpace } from "./latent-space.js";
import { legend } from "./legend.js";
import { openModel } from "./model.js";
import { pathCard } from "./path-card.js";
import { Prior } from "./prior.js";
import { selectionCard, showSelectionCard } from "./selection-card.js";
import { slidersCard } from "./sliders-card.js";
import { oneHot, State } from "./state.js";
import { onThemeChange, startTheme } from "./theme.js";
import { thumbnails } from "./thumbnails.js";
import { uploadCard } from "./upload-card.js";

const ANNOUNCEMENT_DELAY = 700; // milliseconds without a change

async function start() {
  startTheme();
  showFailures();
  const content = await openContent();
  const { facts, arrays } = content;
  showSummary(facts);
  showFindings(facts);
  const model = await openModel(content);
  const space = new LatentSpace(facts, arrays);
  const prior = facts.prior ? new Prior(facts, arrays, space) : null;
  const state = initialState(facts, arrays, space);
  byId("main").hidden = false;

  const map = new LatentMap(facts, arrays, space, prior, state);
  legend(facts, arrays, state);
  decodedCard(facts, space, prior, model, state);
  exampleCard(facts, arrays, space, content, model, state);
  uploadCard(facts, model, state);
  selectionCard(facts, arrays, space, state);
  thumbnails(facts, arrays, content, state);
  map.onSelect = () => setTimeout(showSelectionCard); // after the card has its content
  slidersCard(facts, space, state);
  if (space.discrete) hidePathKeys();
  else pathCard(facts, arrays, space, prior, model, state);
  if (!space.discrete && hasImages(facts) && space.dim > 1) {
    gridCard(facts, space, map, model, state);
  }

  announcePosition(state);
  if (!hasImages(facts)) redrawBarsWithTheme(state);
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  document.body.dataset.ready = "true";
}

function initialState(facts, arrays, space) {
  const label = facts.conditional ? arrays.labels[0] : 0;
  return new State({
    directions: space.initial.map((i) => space.directions[i]), // the x and y axis of the map
    z: space.code(0), // the latent code that is decoded
    indices: space.indices(0), // codebook entries of a discrete code
    label, // the class that is decoded, of a conditional run
    y: oneHot(label, facts), // the same as class weights, which a path interpolates
    pinned: false, // whether the pointer moves without decoding
    example: 0, // the index of the example that is shown
    hiddenClasses: new Set(),
    selection: null, // indices of the selected examples
    outline: null, // of a selection, while it is drawn
    endpoints: { a: null, b: null }, // of a path
    path: null,
    upload: null, // the code of an uploaded image
    grid: null, // decoded images on the map
  });
}

function hidePathKeys() {
  document.querySelectorAll(".path-keys").forEach((keys) => (keys.hidden = true));
}

/** Bars have the colors of the theme. */
function redrawBarsWithTheme(state) {
  onThemeChange(() => state.set({ z: state.z, example: state.example }));
}

/** Announce the position to screen readers once it no longer changes. */
function announcePosition(state) {
  let timer;
  const announce = () => {
    const coordinates = byId("coordinates").textContent.split(/(?: · )?decoded/)[0];
    const parts = [state.pinned ? "Pinned" : "", coordinates, byId("example-facts").textContent];
    byId("announcement").textContent = parts.filter(Boolean).join(". ");
  };
  state.on(["z", "example", "pinned"], () => {
    clearTimeout(timer);
    timer = setTimeout(announce, ANNOUNCEMENT_DELAY);
  });
}

/** Show later failures on the map. */
function showFailures() {
  addEventListener("unhandledrejection", ({ reason }) => {
    showMessage(`The last action failed: ${reason?.message ?? reason}`);
  });
  for (const name of ["dragover", "drop"]) {
    addEventListener(name, (event) => event.preventDefault()); // or the browser leaves the page
  }
}

/** Show the verdict about the run in a banner. */
function showFindings({ findings }) {
  byId("findings").hidden = !findings.length;
  byId("findings").replaceChildren(...findings.map((text) => element("p", "", text)));
}

function showSummary(facts) {
  const { recipe, data, name, examples, part, latent, test_loss: loss } = facts;
  document.title = `${name} – vaekit explorer`;
  byId("title").textContent = `${recipe} on ${data}`;
  const size = latent.discrete
    ? `${latent.discrete.positions} discrete codes of ${latent.discrete.count}`
    : formatCount(latent.dim, "latent dimension");
  const words = [name, `${formatCount(examples, "example")} (${part})`, size];
  if (loss) words.push(`test loss ${formatMetric(loss)} nats per example`);
  byId("summary").textContent = words.join(" · ");
}

start().catch((error) => {
  byId("summary").textContent = `This page could not start: ${error.message}`;
  console.error(error);
});
