// Keyboard, news without reloading under the reader, typed text kept, photographs enlarged. Nothing here is needed
// to read a case or to send a reply.
"use strict";

const body = document.body;
const clockOffset = Number(body.dataset.now) - Date.now() / 1000;

function spanWords(seconds) {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 1) return "<1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function tick() {
  const now = Date.now() / 1000 + clockOffset;
  for (const time of document.querySelectorAll("time[data-since]")) {
    const words = spanWords(now - Number(time.dataset.since));
    if (time.textContent !== words) time.textContent = words;
  }
}
setInterval(tick, 10_000);

// News: said, counted, and shown only when the reader asks for it.
const fresh = document.getElementById("fresh");
const head = document.querySelector(".head");
const changed = new Set();
const title = document.title;

function reportNews(cases) {
  const mine = head ? cases.filter((id) => id === head.dataset.case) : cases;
  mine.forEach((id) => changed.add(id));
  if (!changed.size) return;
  fresh.hidden = false;
  fresh.textContent = head ? "News in this case: press r" : `${changed.size} changed: press r`;
  document.title = `• ${title}`;
  for (const id of changed) document.querySelector(`tr[data-case="${id}"]`)?.classList.add("changed");
}

if (fresh) {
  const source = new EventSource("/events");
  source.addEventListener("changed", (event) => reportNews(JSON.parse(event.data)));
  fresh.addEventListener("click", () => location.reload());
}

// The queue.
const rows = [...document.querySelectorAll("#worklist tbody tr")];
let cursor = -1;

function moveTo(index) {
  if (!rows.length) return;
  rows[cursor]?.classList.remove("cursor");
  cursor = Math.min(Math.max(index, 0), rows.length - 1);
  rows[cursor].classList.add("cursor");
  rows[cursor].querySelector("a").focus({ preventScroll: true });
  rows[cursor].scrollIntoView({ block: "nearest" });
  sessionStorage.setItem("queue-case", rows[cursor].dataset.case);
}

if (rows.length) {
  const last = rows.findIndex((row) => row.dataset.case === sessionStorage.getItem("queue-case"));
  moveTo(Math.max(0, last));
  for (const row of rows) {
    row.addEventListener("click", (event) => {
      if (!event.target.closest("a")) location.assign(row.querySelector("a").href);
    });
  }
}

// The composer: what was typed survives a refresh, in this tab only.
const form = document.getElementById("reply");

function draftName() {
  return `draft-${form.dataset.draft}`;
}

function fieldsOf() {
  return [...form.elements].filter((field) => field.name && field.type !== "hidden" && field.name !== "acknowledged");
}

function keepDraft() {
  const typed = {};
  for (const field of fieldsOf()) typed[field.name] = field.type === "checkbox" ? field.checked : field.value;
  sessionStorage.setItem(draftName(), JSON.stringify(typed));
}

function restoreDraft() {
  const kept = JSON.parse(sessionStorage.getItem(draftName()) || "{}");
  for (const name of Object.keys(kept)) {
    const found = /^(orders|contingencies)\.(\d+)\./.exec(name);
    if (found) while (!form.elements[name] && addRow(found[1] === "orders" ? "order-rows" : "rule-rows", Number(found[2])));
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = kept[name];
    else field.value = kept[name];
  }
}

function addRow(container, upTo = Infinity) {
  const list = document.getElementById(container);
  const count = list.children.length;
  if (count >= Math.min(24, upTo)) return false;
  const row = list.lastElementChild.cloneNode(true);
  row.querySelector("legend").textContent = String(count + 1);
  row.querySelectorAll(".complaint").forEach((complaint) => complaint.remove());
  for (const field of row.querySelectorAll("[name]")) {
    field.name = field.name.replace(`.${count}.`, `.${count + 1}.`);
    field.id = field.name && `f-${field.name}`;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  list.append(row);
  return true;
}

if (form) {
  for (const button of document.querySelectorAll("[data-more]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (addRow(button.dataset.more)) document.getElementById(button.dataset.more).lastElementChild.querySelector("select, input").focus();
    });
  }
  const wasSent = new URLSearchParams(location.search).has("sent");
  if (wasSent) {
    sessionStorage.removeItem(draftName());
    history.replaceState(null, "", location.pathname);
  } else if (!("returned" in form.dataset)) restoreDraft();
  document.getElementById("returned")?.focus();
  form.addEventListener("input", keepDraft);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", () => {
    // A second press while the first is on its way must not write a second reply.
    for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = true;
  });
}

window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("#reply button")) button.disabled = false;
});

// Photographs.
const viewer = document.getElementById("viewer");
const picture = document.getElementById("viewer-image");
let zoom = 1;

function showZoom() {
  const area = picture.parentElement;
  const fit = Math.min(area.clientWidth / picture.naturalWidth, area.clientHeight / picture.naturalHeight) || 1;
  picture.style.width = `${Math.round(picture.naturalWidth * fit * zoom)}px`;
}

function zoomBy(step) {
  zoom = step === 0 ? 1 : Math.min(8, Math.max(0.5, zoom * (step > 0 ? 1.4 : 1 / 1.4)));
  showZoom();
}

if (viewer) {
  picture.addEventListener("load", () => zoomBy(0));
  for (const link of document.querySelectorAll(".open-photo")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      document.getElementById("viewer-caption").textContent = link.dataset.caption;
      document.getElementById("viewer-banner").textContent = link.dataset.banner;
      picture.alt = link.dataset.caption;
      viewer.showModal();
      picture.src = link.href;
    });
  }
  for (const button of viewer.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => (button.dataset.zoom === "x" ? viewer.close() : zoomBy(Number(button.dataset.zoom))));
  }
}

// Keys work wherever nobody is typing.
const keys = {
  j: () => moveTo(cursor + 1),
  k: () => moveTo(cursor - 1),
  ArrowDown: () => rows.length && moveTo(cursor + 1),
  ArrowUp: () => rows.length && moveTo(cursor - 1),
  r: () => location.reload(),
  a: () => document.getElementById("f-advice")?.focus(),
  c: () => document.getElementById("f-assessment")?.focus(),
  "+": () => viewer?.open && zoomBy(1),
  "-": () => viewer?.open && zoomBy(-1),
  0: () => viewer?.open && zoomBy(0),
  Escape: () => head && !viewer?.open && location.assign("/"),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = keys[event.key];
  if (!action) return;
  if (action() !== false && event.key.length === 1 || (rows.length && event.key.startsWith("Arrow"))) event.preventDefault();
});
