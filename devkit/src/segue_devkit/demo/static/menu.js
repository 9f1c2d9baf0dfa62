// Discord's select menu: a button that opens a list; arrows, letters, Enter and Escape as in any listbox.

import { element, icon } from "./dom.js";
import { emoji } from "./emoji.js";

let count = 0;

/** A menu for the component `one`; `choose(values)` is called once, when the person has decided. */
export function menu(one, name, choose) {
  const id = `menu-${(count += 1)}`;
  const least = one.min_values ?? 1, most = one.max_values ?? 1;
  const chosen = new Set((one.options ?? []).filter((choice) => choice.default).map((choice) => choice.value));
  let here = 0, typed = "", typedAt = 0;

  const list = element("ul", { role: "listbox", id, "aria-label": name, "aria-multiselectable": most > 1 ? "true" : null, tabindex: "-1", hidden: true });
  const shown = element("span", {});
  const button = element("button", {
    type: "button", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-controls": id, "aria-label": name, "data-custom-id": one.custom_id, disabled: Boolean(one.disabled),
  }, shown, icon("down"));
  const items = (one.options ?? []).map((choice, index) => element("li", {
    role: "option", id: `${id}-${index}`, "aria-selected": String(chosen.has(choice.value)), onclick: () => { here = index; toggle(); },
  }, element("span", {}, choice.emoji?.name ? emoji(choice.emoji.name) : null, choice.emoji?.name ? " " : null, choice.label),
  icon("check"), choice.description ? element("small", {}, choice.description) : null));
  list.append(...items);

  const label = () => {
    const names = (one.options ?? []).filter((choice) => chosen.has(choice.value)).map((choice) => choice.label);
    shown.textContent = names.join(", ") || one.placeholder || "Make a selection";
  };
  const point = () => {
    items.forEach((item, index) => item.classList.toggle("here", index === here));
    list.setAttribute("aria-activedescendant", `${id}-${here}`);
    items[here]?.scrollIntoView({ block: "nearest" });
  };
  const open = () => { list.hidden = false; button.setAttribute("aria-expanded", "true"); here = Math.max(0, items.findIndex((item) => item.getAttribute("aria-selected") === "true")); point(); list.focus(); };
  const close = () => { list.hidden = true; button.setAttribute("aria-expanded", "false"); };
  const done = () => { close(); button.focus(); if (chosen.size >= least) choose([...chosen], button); };

  function toggle() {
    const value = one.options[here].value;
    if (most === 1) { chosen.clear(); chosen.add(value); } else if (!chosen.delete(value) && chosen.size < most) chosen.add(value);
    items.forEach((item, index) => item.setAttribute("aria-selected", String(chosen.has(one.options[index].value))));
    label();
    if (most === 1) done();
  }

  function find(letter) {
    const now = Date.now();
    typed = now - typedAt > 700 ? letter : typed + letter;
    typedAt = now;
    const found = one.options.findIndex((choice) => choice.label.toLowerCase().startsWith(typed.toLowerCase()));
    if (found >= 0) here = found;
  }

  const keys = {
    ArrowDown: () => { here = Math.min(items.length - 1, here + 1); }, ArrowUp: () => { here = Math.max(0, here - 1); },
    Home: () => { here = 0; }, End: () => { here = items.length - 1; },
    " ": toggle, Enter: () => { if (most === 1) toggle(); else done(); }, Escape: () => { close(); button.focus(); },
  };
  list.addEventListener("keydown", (event) => {
    if (event.key === "Tab") { close(); return; }
    if (keys[event.key]) keys[event.key]();
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) find(event.key);
    else return;
    event.preventDefault();
    if (!list.hidden) point();
  });
  // Several values are sent when the list is left, as in Discord's client.
  list.addEventListener("focusout", (event) => {
    if (list.hidden || event.relatedTarget === button) return;
    close();
    if (most > 1 && chosen.size >= least) choose([...chosen], button);
  });
  button.addEventListener("click", () => (list.hidden ? open() : close()));
  label();
  return element("div", { class: "menu" }, button, list);
}
