// "Page me in this browser": asks the browser for a push subscription and posts it with the form it stands in.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form[data-push-key]");
  if (!form || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    const field = form.elements.subscription;
    if (field.value) return;
    event.preventDefault();
    const text = form.dataset.pushKey.replace(/-/g, "+").replace(/_/g, "/");
    const key = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    try {
      const worker = await navigator.serviceWorker.register(form.dataset.worker);
      const found = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      field.value = JSON.stringify(found);
      form.requestSubmit();
    } catch {
      form.querySelector("[role=status]").hidden = false;
    }
  });
});
