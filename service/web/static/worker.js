// Keeps the last question page and its files, for when there is no connection, and an answer that could not be sent.
// Sends what waits when the connection is back, the page closed or not. Shows that a question is ready; a tap opens it.
(() => {
  if (self.document) return;
  const NAME = "questions-2";
  const IS_PAGE = /^\/q\/[^/.]+$/;

  const kept = async (request) => {
    const store = await caches.open(NAME);
    try {
      const answer = await fetch(request);
      const { pathname } = new URL(request.url);
      if (answer.ok) {
        await store.put(request, answer.clone());
        if (IS_PAGE.test(pathname)) {
          await queue.home(pathname);
          for (const old of await store.keys()) {
            const path = new URL(old.url).pathname;
            if (path !== pathname && IS_PAGE.test(path)) await store.delete(old);
          }
        }
      } else if (answer.status === 410 || answer.status === 404) await store.delete(request);
      return answer;
    } catch (error) {
      const found = await store.match(request);
      if (found) return found;
      throw error;
    }
  };

  const posted = async (request) => {
    const copy = request.clone();
    try {
      return await fetch(request);
    } catch {
      const { pathname } = new URL(request.url);
      await queue.add(pathname, (await copy.text()), false);
      await self.registration.sync?.register("answers").catch(() => undefined);
      return Response.redirect(pathname, 303);
    }
  };

  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), caches.delete("questions-1")])));
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    if (origin !== location.origin) return;
    if (request.method === "GET") event.respondWith(kept(request));
    else if (request.mode === "navigate" && IS_PAGE.test(pathname)) event.respondWith(posted(request));
  });
  const sync = async () => {
    const before = (await queue.all()).length;
    const left = await queue.send();
    if (left < before) for (const page of await self.clients.matchAll()) page.postMessage("sent");
    if (left) throw new Error("not yet");
  };
  self.addEventListener("sync", (event) => event.waitUntil(sync()));
  self.addEventListener("push", (event) => {
    const told = event.data ? event.data.json() : {};
    const show = self.registration.showNotification(told.title || "Vigília", {
      body: told.body || "", tag: told.tag, icon: "/static/app-192.png", data: { url: told.url },
    });
    event.waitUntil(Promise.all([show, told.url && queue.home(new URL(told.url, location.origin).pathname)]));
  });
  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const { url } = event.notification.data;
    if (url) event.waitUntil(self.clients.openWindow(url));
  });
})();
