// Keeps the page up to date: fetches it again, and puts in place what has changed. Without it, the page can be reloaded.
"use strict";

const form = document.querySelector("form");
const filter = form.elements.q;
const live = document.getElementById("live");
let newest = 0;

async function refresh() {
  const asked = ++newest;
  const query = filter.value ? "?q=" + encodeURIComponent(filter.value) : "";
  let text;
  try {
    const answer = await fetch("/" + query);
    text = await answer.text();
  } catch {
    document.body.classList.add("gone");
    return;
  }
  // An answer that a later question overtook is old.
  if (asked !== newest) return;
  document.body.classList.remove("gone");
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
  const main = document.querySelector("main");
  if (!fresh || fresh.innerHTML === before) return;
  before = fresh.innerHTML;
  for (const open of main.querySelectorAll("details[open]")) {
    fresh.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", "");
  }
  main.replaceWith(document.adoptNode(fresh));
}

let before = document.querySelector("main").innerHTML;

document.querySelector(".live").hidden = false;
form.querySelector("button").hidden = true;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
filter.addEventListener("input", () => {
  history.replaceState(null, "", filter.value ? "/?q=" + encodeURIComponent(filter.value) : "/");
  refresh();
});
setInterval(() => {
  const reading = String(getSelection()).length > 0;
  if (live.checked && !document.hidden && !reading) refresh();
}, 2000);
