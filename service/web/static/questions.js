// The patient's questions without a connection: all of them, with their branching; answers wait on the phone with the
// phone's own time. With a connection the plain form is sent; without JavaScript the pages work as they are.
"use strict";
(() => {
  if (!self.document) return;
  const form = document.querySelector("[data-questions]");
  const home = location.pathname.split("/").slice(0, 3).join("/");
  const main = document.querySelector("main");
  let plan = null;
  let here = false;

  const make = (tag, set = {}, ...inside) => {
    const node = Object.assign(document.createElement(tag), set);
    node.append(...inside);
    return node;
  };

  // `before`: how many were known to wait; the worker may have sent them meanwhile.
  const send = async (before) => {
    const left = await queue.send();
    if (left < before || (here && !left)) location.replace(home);
    else if (left) setTimeout(send, 30000, left);
  };

  // What is known and what waits; the level that the study's rules give it now.
  const state = async () => {
    const answers = { ...plan.answers };
    for (const row of await queue.all()) {
      const data = new URLSearchParams(row.body);
      const item = plan.items.find((each) => each.key === data.get("item"));
      if (row.home !== home || !item) continue;
      const found = rules.read(item, [...data.getAll("value"), ...data.getAll("none")]);
      if (found !== undefined) answers[item.key] = found;
    }
    return { answers, level: rules.level(plan, answers, Date.now()) };
  };

  const calls = (numbers) => numbers.map(([tel, text], place) =>
    make("a", { className: place ? "button quiet" : "button danger", href: "tel:" + tel, textContent: text }));

  const show = async () => {
    const { answers, level } = await state();
    const { words } = plan;
    here = true;
    main.replaceChildren();
    document.querySelector(".bar > a:not(.call)")?.replaceWith(make("span"));
    const say = (tag, text, kind = "") => main.append(make(tag, { className: kind, textContent: text }));
    document.body.classList.toggle("danger-page", level === "red");
    if (level === "red") {
      say("h1", words.urgent);
      say("p", words.go_in);
    } else if (level === "amber") say("h1", words.call);
    if (level === "amber") main.append(make("p", { className: "verbs" }, ...calls(plan.calls)));
    if (level === "red") main.append(...calls(plan.calls));
    say("p", words.saved, "note amber");
    const next = level === "red" ? null : rules.next(plan, answers, Date.now());
    if (next) ask(next);
    scrollTo(0, 0);
  };

  const ask = (item) => {
    const { words } = plan;
    const id = "offline-" + item.key;
    const wrong = make("p", { className: "error", hidden: true, textContent: words.unread });
    wrong.setAttribute("role", "alert");
    const box = make("form", { noValidate: true }, make("input", { type: "hidden", name: "item", value: item.key }),
      make("input", { type: "hidden", name: "occasion", value: plan.occasion }));
    const choice = (kind, name, [code, , text]) => make("label", { className: "choice" }, make("input", { type: kind, name, value: code }), text);
    const title = (inside) => make("h1", { tabIndex: -1 }, inside);
    if (item.type === "letters" || item.type === "choice") {
      const kind = item.type === "letters" ? "checkbox" : "radio";
      box.append(make("fieldset", {}, make("legend", {}, title(item.text)), wrong, ...item.choices.map((each) => choice(kind, "value", each))));
    } else {
      box.append(title(make("label", { htmlFor: id, textContent: item.text })), wrong, item.type === "text" ? make("textarea", { id, name: "value" })
        : make("input", { id, name: "value", className: "big", inputMode: "decimal", autocomplete: "off" }),
      ...(item.choices || []).map((each) => choice("checkbox", "none", each)));
    }
    box.append(make("button", { className: "go", textContent: words.go }));
    if (item.skip) box.append(make("p", {}, make("button", { className: "quiet", name: "skip", value: "yes", textContent: words.skip })));
    box.addEventListener("submit", (event) => { event.preventDefault(); store(new FormData(box, event.submitter), wrong); });
    main.append(box);
    box.querySelector("h1").focus();
  };

  const store = async (data, wrong) => {
    const item = plan.items.find((each) => each.key === data.get("item"));
    const given = [...data.getAll("value"), ...data.getAll("none")].map(String);
    const skipped = data.get("skip") && item.skip;
    const wait = (red) => {
      data.set("phone_at", new Date().toISOString());
      if (!data.get("client_id")) data.set("client_id", crypto.randomUUID ? crypto.randomUUID() : String(Math.random()));
      return queue.add(home, new URLSearchParams([...data].map(([name, value]) => [name, String(value)])).toString(), red);
    };
    if (!skipped && (rules.read(item, given) ?? null) === null) {
      if (wrong) wrong.hidden = false;
      data.set("told", "yes");
      if (given.some((value) => value.trim())) await wait(false); // the service hears the words all the same
      return false;
    }
    const { answers } = await state();
    answers[item.key] = skipped ? null : rules.read(item, given);
    await wait(rules.level(plan, answers, Date.now()) === "red");
    navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("answers")).catch(() => undefined);
    await show();
    return true;
  };

  form?.addEventListener("submit", async (event) => {
    form.elements.phone_at.value = new Date().toISOString();
    if (navigator.onLine || !plan) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    if (await store(data, null)) return;
    await show();
    main.querySelector(".error")?.removeAttribute("hidden");
  });
  addEventListener("online", () => send(0));
  navigator.serviceWorker?.addEventListener("message", () => location.replace(home));
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

  // The worker begins after the first page: what that page has is given to it, not fetched twice.
  const page = form && !navigator.serviceWorker?.controller ? document.documentElement.outerHTML : "";
  const keep = async (answer) => {
    if (!answer.ok) return null;
    if (page && self.caches) {
      const store = await caches.open("questions-2");
      const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'" };
      await store.put(home, new Response(page, { headers }));
      await store.put(answer.url, answer.clone());
      await store.addAll([...document.querySelectorAll("head [src], head [rel=stylesheet], head [rel=icon]")].map((each) => each.src || each.href));
    }
    return answer.json();
  };

  (async () => {
    if (document.querySelector("[data-begin]")) {
      const newest = await queue.home();
      if (newest) location.replace(newest);
      return;
    }
    if (form) queue.home(home).catch(() => undefined);
    const waits = (await queue.all()).length;
    if (form) plan = await fetch(home + "/offline.json").then(keep).catch(() => null);
    if (!waits) return;
    if (navigator.onLine) await send(waits);
    if (plan && (await queue.all()).some((row) => row.home === home)) await show();
  })().catch(() => undefined);
})();
