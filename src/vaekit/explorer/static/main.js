// The page of a run: what there is is opened, and shown by the parts that suit it.

import { decodedCard, ownCard, rowCard } from "./cards.js";
import { gridCard } from "./grid.js";
import { Map2D } from "./map.js";
import { openNets } from "./nets.js";
import { pathCard } from "./path.js";
import { isImage } from "./picture.js";
import { Prior } from "./prior.js";
import { legend, selectionCard } from "./selection.js";
import { slidersCard } from "./sliders.js";
import { openSource } from "./source.js";
import { Space } from "./space.js";
import { byId, oneHot, say, State } from "./state.js";
import { startTheme, watchTheme } from "./theme.js";
import { count, withError } from "./text.js";

async function start() {
  startTheme();
  watchFailures();
  const source = await openSource();
  const { facts, arrays } = source;
  tell(facts);
  const nets = await openNets(source);
  const space = new Space(facts, arrays);
  const prior = facts.prior ? new Prior(facts, arrays, space) : null;
  const label = facts.conditional ? arrays.labels[0] : 0;
  const state = new State({
    directions: space.start.map((i) => space.directions[i]), // what the map shows across and up
    z: space.code(0), // the code that is decoded
    indices: space.indices(0), // of a discrete one, the entries of the codebook that make it
    label, // of a conditional run, the class that is decoded
    y: oneHot(label, facts), // the same as weights, which a path mixes
    held: false, // whether the place stays when the pointer moves
    row: 0, // the row that is shown
    hidden: new Set(), // classes that are not
    selection: null, // rows that are chosen
    line: null, // around them, while it is drawn
    ends: { a: null, b: null }, // of a path
    path: null,
    own: null, // the code of an image of the reader's own
    sheet: null, // images in the place of the map
  });
  byId("main").hidden = false;
  const map = new Map2D(facts, arrays, space, prior, state);
  legend(facts, arrays, state);
  decodedCard(facts, space, prior, nets, state);
  rowCard(facts, arrays, space, source, nets, state);
  ownCard(facts, nets, state);
  selectionCard(facts, arrays, space, state);
  slidersCard(facts, space, state);
  if (!space.discrete) pathCard(facts, prior, nets, state);
  else document.querySelectorAll(".of-paths").forEach((keys) => (keys.hidden = true));
  if (!space.discrete && isImage(facts) && space.size > 1) gridCard(facts, space, map, nets, state);
  speak(state);
  if (!isImage(facts)) watchTheme(() => state.set({ z: state.z, row: state.row })); // bars have the colours of the page
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  document.body.dataset.ready = "true";
}

/** Say where one is, to those who do not see it, once it has come to rest. */
function speak(state) {
  let timer;
  state.on(["z", "row", "held"], () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const place = byId("place").textContent.split(/(?: · )?decoded/)[0];
      byId("spoken").textContent = [...(state.held ? ["Held"] : []), ...(place ? [place] : []), byId("row-facts").textContent].join(". ");
    }, 700);
  });
}

/** What goes wrong later is said on the map. */
function watchFailures() {
  addEventListener("unhandledrejection", ({ reason }) => {
    say(`That failed: ${reason?.message ?? reason}`);
  });
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault()); // else the browser leaves the page
}

function tell(facts) {
  const { recipe, data, name, rows, part, latent, test } = facts;
  document.title = `${name} – vaekit explorer`;
  byId("title").textContent = `${recipe} on ${data}`;
  const size = latent.discrete
    ? `${latent.discrete.positions} discrete codes of ${latent.discrete.count}`
    : count(latent.size, "latent dimension");
  const figures = test ? [`test loss ${withError(test)} nats per row`] : [];
  byId("summary").textContent = [name, `${count(rows, "row")} (${part})`, size, ...figures].join(" · ");
}

start().catch((error) => {
  byId("summary").textContent = `This page could not start: ${error.message}`;
  console.error(error);
});
