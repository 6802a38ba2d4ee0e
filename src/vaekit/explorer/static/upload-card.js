// The card of an uploaded image: encoded, shown on the map, and reconstructed.

import { drawExample } from "./canvas.js";
import { byId, showMessage } from "./dom.js";
import { readImage, supportsImages } from "./image-reader.js";
import { goTo, oneHot } from "./state.js";

const MESSAGE_SECONDS = 8;

export function uploadCard(facts, model, state) {
  if (!supportsImages(facts)) return refuseImages();
  byId("upload-card").hidden = false;
  let file = null;

  async function encodeFile() {
    const current = file;
    if (!current) return;
    byId("upload-facts").textContent = `Reading ${current.name} …`;
    const { label } = state;
    let result = null;
    let message;
    try {
      result = await reconstruct(current, facts, model, label);
      message = describe(current, result, label, facts);
    } catch (error) {
      message = error.message;
    }
    if (current !== file) return; // another file was chosen meanwhile
    byId("upload-facts").textContent = message;
    showMessage(message, MESSAGE_SECONDS);
    showResult(result, label);
  }

  function showResult(result, label) {
    byId("upload-pair").hidden = !result;
    byId("upload-clear").hidden = !result;
    if (!result) return state.set({ upload: null });
    const { values, z, indices, decoded } = result;
    drawExample(byId("upload-original"), values, facts);
    drawExample(byId("upload-reconstruction"), decoded, facts);
    goTo(state, facts, z, { upload: z, label, indices, pinned: true });
  }

  function choose(files) {
    if (!files.length) return; // a canceled dialog, or dropped text
    file = files[0];
    encodeFile();
  }

  byId("upload-file").addEventListener("change", (event) => choose(event.target.files));
  byId("invert").addEventListener("change", encodeFile);
  byId("upload-clear").addEventListener("click", () => {
    file = null;
    byId("upload-file").value = "";
    byId("upload-facts").textContent = "";
    byId("invert").checked = false;
    showResult(null);
  });
  listenToDrops(choose);
}

function refuseImages() {
  addEventListener("drop", () => {
    const message = "The dropped file cannot be encoded: the examples of this run are not images.";
    showMessage(message, MESSAGE_SECONDS);
  });
}

function listenToDrops(choose) {
  const { classList } = document.body;
  addEventListener("dragover", () => classList.add("dropping"));
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) classList.remove("dropping"); // the pointer left the window
  });
  addEventListener("drop", (event) => {
    classList.remove("dropping");
    choose(event.dataTransfer.files);
  });
}

async function reconstruct(file, facts, model, label) {
  const y = oneHot(label, facts);
  const { values, transparent } = await readImage(file, facts, byId("invert").checked);
  const { z, indices } = await model.encode(values, y);
  return { values, transparent, z, indices, decoded: await model.decode(z, y) };
}

function describe(file, { transparent }, label, facts) {
  const condition = facts.conditional ? `, encoded as class ${facts.classes[label]}` : "";
  const note = transparent ? " Transparent pixels were read as black." : "";
  return `${file.name} is the star on the map${condition}.${note}`;
}
