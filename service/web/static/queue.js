// Answers that wait on this phone, for the page and for its worker (which has this file in front of it): sent once,
// in order, a day with a fever first. The service knows each by its client_id, so that twice is once.
"use strict";
const queue = (() => {
  const opened = new Promise((done, failed) => {
    const ask = indexedDB.open("answers", 1);
    ask.onupgradeneeded = () => {
      ask.result.createObjectStore("rows", { keyPath: "id", autoIncrement: true });
      ask.result.createObjectStore("app");
    };
    ask.onsuccess = () => done(ask.result);
    ask.onerror = () => failed(ask.error);
  });
  opened.catch(() => undefined);
  const run = async (store, mode, work) => {
    const ask = work((await opened).transaction(store, mode).objectStore(store));
    return new Promise((done, failed) => {
      ask.onsuccess = () => done(ask.result);
      ask.onerror = () => failed(ask.error);
    });
  };
  const all = () => run("rows", "readonly", (rows) => rows.getAll());
  const locked = (work) => navigator.locks ? navigator.locks.request("send", work) : work();
  // How many still wait.
  const send = () => locked(async () => {
    const rows = await all();
    const urgent = new Set(rows.filter((row) => row.red).map((row) => row.home));
    rows.sort((a, b) => urgent.has(b.home) - urgent.has(a.home) || a.id - b.id);
    for (const row of rows) {
      try {
        const body = new URLSearchParams(row.body);
        const answer = await fetch(row.home, { method: "POST", body, redirect: "manual" });
        if (answer.status >= 500 || [409, 429].includes(answer.status)) break;
      } catch { break; }
      await run("rows", "readwrite", (store) => store.delete(row.id));
    }
    return (await all()).length;
  });
  return {
    all,
    send,
    add: (home, body, red) => run("rows", "readwrite", (rows) => rows.add({ home, body, red })),
    // The newest page of questions that this phone knows.
    home: (path) => path ? run("app", "readwrite", (app) => app.put(path, "home")) : run("app", "readonly", (app) => app.get("home")),
  };
})();
