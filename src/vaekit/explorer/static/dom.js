// Elements of the page.

export function byId(id) {
  return document.getElementById(id);
}

/** An element with a class and text; never markup, since class names come from the data. */
export function element(tag, className, text = "") {
  const created = document.createElement(tag);
  if (className) created.className = className;
  created.textContent = text;
  return created;
}

export function setOptions(select, names, selected = 0) {
  const options = names.map((name, i) => Object.assign(element("option", "", name), { value: i }));
  select.replaceChildren(...options);
  select.value = selected;
}

let messageTimer;

/** Show a message on the map for some seconds; without a text, the permanent message if any. */
export function showMessage(text = "", seconds = 0) {
  const message = byId("message");
  clearTimeout(messageTimer);
  message.textContent = text || message.dataset.permanent || "";
  message.hidden = !message.textContent;
  if (text && seconds) messageTimer = setTimeout(showMessage, 1000 * seconds);
}

/** Download a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
