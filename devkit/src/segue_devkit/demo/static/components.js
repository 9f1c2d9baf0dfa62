// Buttons and menus under a message.

import { element } from "./dom.js";
import { emoji } from "./emoji.js";
import { menu } from "./menu.js";

const BUTTON = 2, STRING_SELECT = 3;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };

export const safeLink = (url) => {
  try { return ["http:", "https:"].includes(new URL(url).protocol) ? url : null; } catch { return null; }
};

/** One row; `act(customId, values)` presses or chooses and resolves when it is acknowledged. */
export function row(data, act) {
  const parts = (data.components ?? []).map((one) => {
    if (one.type === BUTTON) return button(one, act);
    if (one.type === STRING_SELECT) return menu(one, one.placeholder || spoken(one.custom_id), (values, control) => press(control, act, one.custom_id, values));
    return element("p", { class: "private" }, "This page can’t show this part of the message.");
  });
  return element("div", { class: "components", role: "group", "aria-label": "Controls" }, ...parts);
}

function button(one, act) {
  const inside = [one.emoji?.name ? emoji(one.emoji.name) : null, one.label || null];
  if (one.url) {
    const url = safeLink(one.url);
    return url ? element("a", { class: "button", href: url, rel: "noreferrer noopener", target: "_blank" }, ...inside) : null;
  }
  const name = one.label ? null : spoken(one.custom_id);
  return element("button", {
    type: "button", class: STYLES[one.style] ?? "secondary", disabled: Boolean(one.disabled), "data-custom-id": one.custom_id, "aria-label": name, title: name,
    onclick: (event) => press(event.currentTarget, act, one.custom_id, []),
  }, ...inside);
}

async function press(control, act, customId, values) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try { await act(customId, values); } finally { control.removeAttribute("aria-busy"); }
}

// A button without words is named by what it does: "sg1:volume:down" is "Volume down".
function spoken(customId) {
  const words = String(customId ?? "").split(/[:_-]/).slice(1).join(" ") || String(customId ?? "button");
  return words[0].toUpperCase() + words.slice(1);
}

/** After a message was drawn anew: focus what had it, or the message. */
export function refocus(node, customId, place) {
  const controls = [...node.querySelectorAll("button")];
  const same = customId && controls.find((one) => one.dataset.customId === customId && !one.disabled);
  const there = controls[place];
  (same || (there && !there.disabled ? there : node)).focus({ preventScroll: true });
}
