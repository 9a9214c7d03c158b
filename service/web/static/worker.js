// Keeps the last question page and its files, for when there is no connection. Answers are kept by questions.js.
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
