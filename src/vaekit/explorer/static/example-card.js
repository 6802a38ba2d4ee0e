// The card of an example: original, reconstruction, class and loss terms.

import { clear, drawExample } from "./canvas.js";
import { byId } from "./dom.js";
import { formatNumber } from "./format.js";
import { goTo, oneHot } from "./state.js";

const FETCH_DELAY = 60; // milliseconds that the pointer rests before an original is fetched

export function exampleCard(facts, arrays, space, content, model, state) {
  let timer;
  const classOf = (index) => (arrays.labels ? arrays.labels[index] : 0);

  state.on(["example"], () => {
    clearTimeout(timer);
    const { example } = state;
    clear(byId("original"));
    byId("example-facts").textContent = describe(example, facts, arrays);
    const y = oneHot(classOf(example), facts);
    const show = (values) => drawExample(byId("reconstruction"), values, facts);
    model.request("reconstruction", space.code(example), y, show);
    timer = setTimeout(() => showOriginal(example), FETCH_DELAY);
  });

  async function showOriginal(example) {
    let values = null;
    let problem = "";
    try {
      values = await content.original(example);
      if (!values) problem = ": not in this file";
    } catch {
      problem = ": the server does not answer";
    }
    if (state.example !== example) return; // another example is shown by now
    byId("original-caption").textContent = `Original${problem}`;
    if (values) drawExample(byId("original"), values, facts);
  }

  byId("go-to-example").addEventListener("click", () => {
    const { example } = state;
    const label = facts.conditional ? classOf(example) : state.label;
    const indices = space.indices(example);
    goTo(state, facts, space.code(example), { label, indices, pinned: true });
  });
}

function describe(index, facts, arrays) {
  const words = [`Example ${index}`];
  if (facts.files.length) words.push(facts.files[index]);
  if (arrays.labels) words.push(`class ${facts.classes[arrays.labels[index]]}`);
  facts.terms.forEach((name, i) => {
    const value = formatNumber(arrays.terms[index * facts.terms.length + i]);
    words.push(`${name} ${value} nats${isOfOneSample(name, facts) ? " at one sample of z" : ""}`);
  });
  return words.join(" · ");
}

/** Whether a term is that of one sample of z, while the image shows the posterior mean. */
function isOfOneSample(name, facts) {
  return name === "reconstruction" && facts.stochastic_posterior;
}
