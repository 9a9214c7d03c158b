// Shows a page of a case as a notification. "Take it" posts to the page's single-use link; a plain tap only opens it.
"use strict";
const portuguese = self.navigator.language.startsWith("pt");
self.addEventListener("push", (event) => {
  const page = event.data ? event.data.json() : {};
  const isPage = typeof page.url === "string" && new URL(page.url).pathname.startsWith("/a/");
  event.waitUntil(self.registration.showNotification(page.title || "Vigilia", {
    body: page.body || "",
    tag: page.tag,
    renotify: Boolean(page.tag),
    requireInteraction: true,
    data: { url: page.url },
    actions: isPage ? [{ action: "take", title: portuguese ? "Assumir" : "Take it" }] : [],
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = event.notification.data.url;
  if (!url) return;
  const open = (address) => self.clients.openWindow(address);
  if (event.action !== "take") { event.waitUntil(open(url)); return; }
  event.waitUntil(fetch(url, { method: "POST", body: new URLSearchParams({ do: "take" }) })
    .then((answer) => open(answer.ok ? answer.url : url), () => open(url)));
});
