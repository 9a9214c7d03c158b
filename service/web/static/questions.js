// The patient's questions without a connection: answers wait on the phone, in order, with the phone's own time.
// With a connection the plain form is sent; without JavaScript the pages work as they are.
"use strict";
(() => {
  const form = document.querySelector("[data-questions]");
  const home = location.pathname.split("/").slice(0, 3).join("/");
  const keep = "queue:" + home;
  const read = () => JSON.parse(localStorage.getItem(keep) || "[]");
  const write = (rows) => localStorage.setItem(keep, JSON.stringify(rows));
  const main = document.querySelector("main");
  let plan = null;

  const make = (tag, set = {}, ...inside) => {
    const node = Object.assign(document.createElement(tag), set);
    node.append(...inside);
    return node;
  };

  const send = async () => {
    const rows = read();
    while (rows.length) {
      try {
        const answer = await fetch(home, { method: "POST", body: new URLSearchParams(rows[0]) });
        if (answer.status >= 500 || answer.status === 429) return;
      } catch { return; }
      rows.shift();
      write(rows);
    }
    location.replace(home);
  };

  const danger = (data) => {
    const number = parseFloat((data.get("value") || "").replace(",", "."));
    if (data.get("item").startsWith("temp") || data.get("item") === "recheck") {
      const celsius = number > 300 ? number / 10 : number > 90 ? (number - 32) / 1.8 : number;
      return !(celsius < (plan.call_from ?? 0) && celsius >= 36);
    }
    const item = plan.items.find((each) => each.key === data.get("item"));
    return item?.type === "letters" && data.getAll("value").some((code) => code !== "N");
  };

  const show = (data) => {
    const done = new Set(read().map((row) => new URLSearchParams(row).get("item")));
    const next = plan.items.find((item) => !done.has(item.key) && !plan.answered.includes(item.key));
    main.replaceChildren(make("p", { className: "note amber", textContent: plan.words.saved }));
    if (danger(data)) {
      main.append(make("h1", { textContent: plan.words.call }),
        make("p", {}, make("a", { className: "button danger", href: "tel:" + plan.telephone, textContent: plan.telephone })));
    }
    if (next) ask(next);
  };

  const ask = (item) => {
    const box = make("form", {}, make("input", { type: "hidden", name: "item", value: item.key }),
      make("input", { type: "hidden", name: "occasion", value: plan.occasion }));
    const id = "offline-" + item.key;
    if (item.choices.length && item.type !== "temperature") {
      const set = make("fieldset", {}, make("legend", {}, make("h1", { textContent: item.text })));
      for (const [code, text] of item.choices) {
        const kind = item.type === "letters" ? "checkbox" : "radio";
        set.append(make("label", { className: "choice" }, make("input", { type: kind, name: "value", value: code }), text));
      }
      box.append(set);
    } else {
      box.append(make("h1", {}, make("label", { htmlFor: id, textContent: item.text })),
        make("input", { id, name: "value", className: "big", inputMode: item.type === "text" ? "text" : "decimal", autocomplete: "off" }));
    }
    box.append(make("button", { className: "go", textContent: plan.words.go }));
    box.addEventListener("submit", (event) => { event.preventDefault(); store(new FormData(box)); });
    main.append(box);
  };

  const store = (data) => {
    if (!data.getAll("value").join("") && !data.get("none")) return;
    data.set("phone_at", new Date().toISOString());
    if (!data.get("client_id")) data.set("client_id", crypto.randomUUID ? crypto.randomUUID() : String(Math.random()));
    const row = new URLSearchParams([...data].map(([name, value]) => [name, String(value)]));
    write([...read(), row.toString()]);
    show(row);
  };

  form?.addEventListener("submit", (event) => {
    form.elements.phone_at.value = new Date().toISOString();
    if (navigator.onLine || !plan) return;
    event.preventDefault();
    store(new FormData(form));
  });
  addEventListener("online", send);
  const worker = "serviceWorker" in navigator
    ? navigator.serviceWorker.register("/q/worker.js", { scope: "/q/" }).catch(() => undefined) : null;

  const remind = document.querySelector("form[data-push-key]");
  if (remind && worker && "PushManager" in window) {
    const [done, failed] = remind.querySelectorAll("[role=status]");
    remind.hidden = false;
    remind.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = remind.dataset.pushKey.replace(/-/g, "+").replace(/_/g, "/");
      const key = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
      let kept = false;
      try {
        await worker;
        const { pushManager } = await navigator.serviceWorker.ready;
        const found = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
        const body = new URLSearchParams({ subscription: JSON.stringify(found) });
        kept = (await fetch(remind.action, { method: "POST", body })).ok;
      } catch { kept = false; }
      done.hidden = !kept;
      failed.hidden = kept;
    });
  }
  if (form) fetch(home + "/offline.json").then((answer) => answer.ok ? answer.json() : null).then((found) => { plan = found; }).catch(() => undefined);
  if (navigator.onLine && read().length) send();
})();
