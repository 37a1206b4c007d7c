/**
 * The page's only script: takes the parts that changed as the server sends them, and changes in place what is different, so that
 * focus, scroll and what stands open stay. Times tick by the server's clock. It runs in browsers, so it is text here; the page's
 * policy knows it by its hash.
 */
export const DASHBOARD_SCRIPT = `
"use strict";
const link = document.getElementById("link");
const isSame = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;
function morph(from, to) {
  if (from.nodeType === Node.TEXT_NODE) { if (from.data !== to.data) from.data = to.data; return; }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  morphChildren(from, to);
}
function morphChildren(from, to) {
  const [old, next] = [[...from.childNodes], [...to.childNodes]];
  next.forEach((node, at) => {
    const present = old[at];
    if (present === undefined) from.append(node);
    else if (isSame(present, node)) morph(present, node);
    else present.replaceWith(node);
  });
  for (const rest of old.slice(next.length)) rest.remove();
}
let aheadMs = 0;
function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() + aheadMs - Date.parse(at)) / 1000));
  if (seconds < 120) return seconds + " s ago";
  if (seconds < 7200) return Math.round(seconds / 60) + " min ago";
  return seconds < 172800 ? Math.round(seconds / 3600) + " h ago" : Math.round(seconds / 86400) + " days ago";
}
function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}
let heardMs = performance.now();
function say() {
  const quiet = Math.round((performance.now() - heardMs) / 1000);
  const stale = quiet >= 5;
  document.documentElement.classList.toggle("stale", stale);
  const text = stale ? "no news for " + quiet + " s: this is what was known then" : "live";
  if (link.textContent !== text) link.textContent = text;
}
function heard(event) {
  heardMs = performance.now();
  const { atMs, parts } = JSON.parse(event.data);
  aheadMs = atMs - Date.now();
  for (const [id, html] of Object.entries(parts)) {
    const place = document.getElementById(id);
    if (place === null) continue;
    const template = document.createElement("template");
    template.innerHTML = html;
    morphChildren(place, template.content);
  }
  tick();
  say();
}
function follow() {
  const events = new EventSource("events");
  events.addEventListener("news", heard);
  events.addEventListener("error", () => {
    if (events.readyState !== EventSource.CLOSED) return;
    fetch("state", { headers: { accept: "application/json" } }).then(
      ({ status }) => { if (status === 401) location.reload(); else setTimeout(follow, 2000); },
      () => setTimeout(follow, 2000),
    );
  });
}
setInterval(() => { tick(); say(); }, 1000);
tick();
follow();
`;
