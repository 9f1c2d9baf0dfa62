// Light, dark, or as the system; and on a phone which part of the page is shown.

import { $ } from "./dom.js";

const KEY = "segue-theme";

/** `changed()` is called when colours are others, for what is drawn by hand. */
export function keepTheme(changed) {
  const root = document.documentElement;
  const chosen = root.dataset.theme ?? "system";
  for (const radio of $("theme").querySelectorAll("input")) {
    radio.checked = radio.value === chosen;
    radio.addEventListener("change", () => {
      if (radio.value === "system") { delete root.dataset.theme; localStorage.removeItem(KEY); }
      else { root.dataset.theme = radio.value; localStorage.setItem(KEY, radio.value); }
      changed();
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

export function keepViews() {
  for (const button of $("views").children) button.addEventListener("click", () => show(button.dataset.view));
  document.querySelector('.skip[href="#cluster"]').addEventListener("click", () => show("cluster"));
  document.querySelector('.skip[href="#composer-input"]').addEventListener("click", () => show("chat"));
}

function show(view) {
  document.body.dataset.view = view;
  for (const button of $("views").children) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}
