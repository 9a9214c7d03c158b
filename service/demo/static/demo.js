// Keeps the phones fresh and sends forms without leaving the page. Without it every button still works.
"use strict";
let tag = "";

async function refresh() {
  const answer = await fetch("/demo/parts" + location.search, { headers: tag ? { "If-None-Match": tag } : {} });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag") || "";
  for (const [id, html] of Object.entries(await answer.json())) {
    const part = document.getElementById(id);
    if (!part || part.dataset.html === html || part.contains(document.activeElement)) continue;
    const bottom = part.scrollHeight - part.scrollTop - part.clientHeight < 80 || !part.dataset.html;
    part.dataset.html = html;
    part.innerHTML = html;
    if (bottom && part.id.startsWith("phone")) part.scrollTop = part.scrollHeight;
  }
}

async function poll() {
  try { if (!document.hidden) await refresh(); } catch { /* the server is restarting: try again */ }
  setTimeout(poll, 1000);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-quick]")) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  if (event.submitter) event.submitter.blur();
  await fetch(form.action, { method: "POST", body: new URLSearchParams(data), headers: { "X-Requested-With": "demo" } });
  if (form.matches("[data-clear]")) form.reset();
  refresh();
});

for (const screen of document.querySelectorAll(".screen[id^=phone]")) screen.scrollTop = screen.scrollHeight;
poll();
