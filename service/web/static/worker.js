// Keeps the last question page and its files, for when there is no connection. Answers are kept by questions.js.
// Shows that a question is ready; a tap opens it.
"use strict";
const NAME = "questions-1";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith((async () => {
    const store = await caches.open(NAME);
    try {
      const answer = await fetch(request);
      if (answer.ok) await store.put(request, answer.clone());
      else if (answer.status === 410 || answer.status === 404) await store.delete(request);
      return answer;
    } catch (error) {
      const kept = await store.match(request);
      if (kept) return kept;
      throw error;
    }
  })());
});
self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json() : {};
  event.waitUntil(self.registration.showNotification(told.title || "Vigília", {
    body: told.body || "", tag: told.tag, data: { url: told.url },
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url } = event.notification.data;
  if (url) event.waitUntil(self.clients.openWindow(url));
});
