// Keys for lists of rows: j/k move, Enter opens, the others press the row's verb with that key. Pages work without it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const rows = [...document.querySelectorAll("[data-row]")];
  let at = -1;
  const show = (next) => {
    if (!rows.length) return;
    rows[at]?.classList.remove("on");
    at = Math.max(0, Math.min(rows.length - 1, next));
    rows[at].classList.add("on");
    const target = rows[at].querySelector("[data-open]") ?? rows[at].querySelector("a, button, summary");
    if (target) target.focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };
  rows.forEach((row, index) => row.addEventListener("focusin", () => {
    rows[at]?.classList.remove("on");
    at = index;
    row.classList.add("on");
  }));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key.toLowerCase() === "k") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "j") show(at + 1);
    else if (event.key === "k") show(at - 1);
    else if (event.key === "?") document.getElementById("keys")?.focus();
    else if (event.key === "z") document.querySelector("[data-undo]")?.click();
    else if (event.key === "Enter" && at >= 0 && event.target === document.body) rows[at].querySelector("a[data-open]")?.click();
    else if (at >= 0) {
      const key = CSS.escape(event.key);
      const verb = rows[at].querySelector(`[data-key="${key}"], [data-also="${key}"]`);
      if (!verb) return;
      if (verb.tagName === "SUMMARY") {
        verb.parentElement.open = !verb.parentElement.open;
        if (verb.parentElement.open) verb.parentElement.querySelector("input:not([type=hidden])")?.focus();
      } else verb.click();
    } else return;
    event.preventDefault();
  });
});
