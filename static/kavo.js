// Convenience only: every page works without this file.
"use strict";

// A form with data-swap="#id" looks something up in place: it fetches its answer and puts that part of the page there.
// Only the newest answer counts, and what was found goes as soon as one types something else or looks up again.
let newest = 0;
const tell = (text, seen = true) => document.querySelectorAll("[data-told]").forEach((line) => {
  line.textContent = text;
  line.classList.toggle("visually-hidden", !seen); // the panel shows it: only a screen reader needs it
});
const forget = (form) => {
  newest += 1;
  form.querySelectorAll("[data-shown]").forEach((panel) => panel.remove());
};
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-swap]");
  if (!form || event.target.closest("[data-shown]")) return;
  forget(form);
  tell("");
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-swap]");
  if (!form) return;
  const act = event.submitter ? event.submitter.value : "look";
  const shown = form.elements.shown;
  if (act === "add" || (act === "enter" && shown && shown.value === form.elements.kavo.value.trim())) {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    return;
  }
  event.preventDefault();
  forget(form);
  const mine = newest;
  tell("Bezig met opzoeken …");
  try {
    const fields = new FormData(form);
    fields.set("act", "look");
    const answer = await fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" });
    if (mine !== newest) return;
    if (!answer.ok || answer.redirected) throw new Error("not this page");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== newest) return;
    const part = page.querySelector(form.dataset.swap);
    document.querySelector(form.dataset.swap).replaceWith(part);
    const panel = part.querySelector("[data-shown]");
    tell(panel ? panel.dataset.shown : "", false);
    const next = part.querySelector("[aria-invalid=true]") || part.querySelector("input[type=number]") || part;
    next.focus();
  } catch {
    if (mine === newest) form.submit();
  }
});

// A menu closes with Escape or by a click elsewhere.
const close = (except) => document.querySelectorAll("details.row-menu[open], details.menu-group[open], details.drop[open]").forEach((menu) => {
  if (menu !== except) menu.open = false;
});
document.addEventListener("click", (event) => close(event.target.closest("details")));
document.addEventListener("keydown", (event) => {
  const open = event.target.closest("details[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// A field with data-suggest offers rows while one types.
document.addEventListener("input", async (event) => {
  const field = event.target;
  if (!field.dataset || !field.dataset.suggest || field.value.length < 2 || field.value.includes(" – ")) return;
  const address = new URL("../ajax/lookup/", location.href);
  address.search = new URLSearchParams({ name: field.dataset.suggest, query: field.value });
  const typed = field.value, answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok || field.value !== typed) return; // a later one comes
  const options = (await answer.json()).map((text) => Object.assign(document.createElement("option"), { value: text }));
  field.list.replaceChildren(...options);
});

// A postcode suggests its places, the main one first; one that was typed by hand stays, also behind the postcode.
document.addEventListener("change", async (event) => {
  const form = event.target.name === "postcode" && event.target.closest("form[data-postcodes]");
  const typed = form && event.target.value.match(/^\s*(?:BE?)?[\s-]*([1-9]\d{3})(?:[\s,;-]+(.+))?$/iu);
  if (!typed) return;
  const place = form.elements.municipality;
  const whole = event.target.value, answer = await fetch(`${form.dataset.postcodes}?code=${typed[1]}`, { credentials: "same-origin" });
  if (!answer.ok || event.target.value !== whole) return;
  const names = await answer.json();
  const list = document.getElementById("plaatsen") || form.appendChild(Object.assign(document.createElement("datalist"), { id: "plaatsen" }));
  list.replaceChildren(...names.map((text) => Object.assign(document.createElement("option"), { value: text })));
  place.setAttribute("list", "plaatsen");
  const name = typed[2] && typed[2].trim().length > 2 ? typed[2].trim() : names[0];
  if (!name || (place.value && place.value !== place.dataset.suggested)) return;
  place.value = place.dataset.suggested = name;
  if (document.activeElement === place) place.select(); // who types on replaces it
});

// A form that was sent is not sent again by a second click.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.dataset.swap) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// The longest lists carry no label in each cell; on a narrow screen every cell needs one.
document.querySelectorAll("table.stack").forEach((table) => {
  const labels = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  table.querySelectorAll("tbody td:not([class]):not([data-label])").forEach((cell) => {
    cell.dataset.label = labels[cell.cellIndex];
    if (/^([\d\s/.,–-]+|Geen|ja|nee)$/i.test(cell.textContent.trim())) cell.dataset.bare = "";
  });
});

// An export tells how far it is, and is saved only when it is whole: a download that breaks off leaves nothing behind.
const told = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toLocaleString("nl-BE", { maximumFractionDigits: 1 })} MB`;
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-export]");
  const status = document.querySelector("[data-export-status]");
  if (!link || !status || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  status.hidden = false;
  status.textContent = "Het bestand wordt gemaakt …";
  try {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("no file");
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))[1];
    const reader = answer.body.getReader();
    const parts = [];
    let bytes = 0;
    let next = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      parts.push(piece.value);
      bytes += piece.value.length;
      if (performance.now() > next) {
        status.textContent = `Het bestand wordt gemaakt: al ${told(bytes)} …`;
        next = performance.now() + 1000;
      }
    }
    const file = URL.createObjectURL(new Blob(parts));
    Object.assign(document.createElement("a"), { href: file, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(file), 60000);
    status.textContent = `Klaar: ${name} (${told(bytes)}) staat bij je downloads.`;
  } catch {
    status.textContent = "Het exporteren is mislukt. Er is niets bewaard. Probeer het opnieuw.";
  }
});

// Work that goes on elsewhere: this part of the page is fetched again until it is done; then the whole page.
const refresh = async (selector) => {
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(selector);
    if (!answer.ok || !part) {
      location.reload();
      return;
    }
    document.querySelector(selector).replaceChildren(...part.childNodes);
  } catch {
    // the network was away: the next time may succeed
  }
  setTimeout(refresh, 1500, selector);
};
document.querySelectorAll("[data-refresh]").forEach((part) => setTimeout(refresh, 1000, part.dataset.refresh));

// A list whose rows can be ticked gets a box that ticks all of this page.
document.querySelectorAll("table.list").forEach((table) => {
  const boxes = [...table.querySelectorAll("td.tick input")];
  const head = table.tHead && table.tHead.rows[0].cells[0];
  if (boxes.length < 2 || !head) return;
  const all = Object.assign(document.createElement("input"), { type: "checkbox" });
  all.setAttribute("aria-label", "Kies alles op deze pagina");
  all.checked = boxes.every((box) => box.checked);
  head.classList.add("tick");
  head.append(all);
  table.addEventListener("change", (event) => {
    if (event.target === all) boxes.forEach((box) => { box.checked = all.checked; });
    else all.checked = boxes.every((box) => box.checked);
  });
});

// A long word of ours breaks with a hyphen, where it is put together; `hyphens: auto` does that only in browsers that know Dutch.
const LONG_WORDS = /(stageplaats)(verantwoor)(delijke)|(toegankelijkheids)(verklaring)|(traject)(geschiedenis)|(jeugdwerk)(initiatief)/gi;
const parts = (match) => match.slice(1).filter(Boolean);
const hyphenate = (text) => {
  if (/flex|grid/.test(getComputedStyle(text.parentElement).display)) { // each part would be an item of its own
    const whole = document.createElement("span");
    text.replaceWith(whole);
    whole.append(text);
  }
  const ends = [...text.data.matchAll(LONG_WORDS)].map((match) => match.index + parts(match)[0].length);
  ends.reverse().forEach((end) => text.splitText(end).before(Object.assign(document.createElement("span"), { className: "shy" })));
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const long = [];
while (texts.nextNode()) {
  if (texts.currentNode.data.search(LONG_WORDS) >= 0 && !texts.currentNode.parentElement.closest("option, textarea, script, svg")) long.push(texts.currentNode);
}
long.forEach(hyphenate);
document.querySelectorAll("[data-label]").forEach((cell) => {
  const label = cell.dataset.label.replace(LONG_WORDS, (word, ...rest) => rest.slice(0, -2).filter(Boolean).join("\u00ad"));
  if (label !== cell.dataset.label) cell.dataset.label = label;
});
