// Discord's messages as DOM.

import { $, element } from "./dom.js";
import { emoji } from "./emoji.js";
import { markdown } from "./markdown.js";

const BUTTON = 2, SELECT = 3;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };

const safeLink = (url) => {
  try { return ["http:", "https:"].includes(new URL(url).protocol) ? url : null; } catch { return null; }
};

/** The messages of one channel. `act(message, customId, values)` presses; it resolves when acknowledged. */
export class Messages {
  constructor(box, act) {
    this.box = box;
    this.act = act;
    this.names = new Map();
    this.list = [];
    this.dismissed = new Set();
  }

  clear() { this.box.replaceChildren(); this.list = []; }

  /** Change only what changed, so that focus, scroll and screen readers stay where they are. */
  show(list) {
    this.list = list;
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 120;
    const known = new Map([...this.box.children].map((node) => [node.dataset.message, node]));
    let previous = null;
    for (const data of list.filter((one) => !this.dismissed.has(one.id))) {
      const node = this.renewed(known.get(data.id), data);
      known.delete(data.id);
      if ((previous ? previous.nextSibling : this.box.firstChild) !== node) {
        if (previous) previous.after(node); else this.box.prepend(node);
      }
      previous = node;
    }
    for (const gone of known.values()) gone.remove();
    if (atEnd) this.box.scrollTop = this.box.scrollHeight;
  }

  renewed(old, data) {
    const text = JSON.stringify(data);
    if (old?.segueText === text) return old;
    const node = this.message(data);
    node.segueText = text;
    if (old) {
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      const place = focused ? [...old.querySelectorAll("button, select")].indexOf(focused) : -1;
      old.replaceWith(node);
      if (focused) refocus(node, focused.dataset.customId, place);
    }
    return node;
  }

  message(data) {
    const bot = data.author?.bot ?? false;
    const name = data.author?.global_name || data.author?.username || "somebody";
    const asked = data.interaction_metadata;
    const asker = asked?.user?.global_name || asked?.user?.username;
    const sent = new Date(data.timestamp);
    return element("li", { class: `message${data.ephemeral ? " ephemeral" : ""}`, "data-message": data.id, tabindex: "-1" },
      asked?.name ? element("p", { class: "asked" }, element("b", {}, asker ?? "Somebody"), ` used `, element("span", { class: "mention" }, `/${asked.name}`)) : null,
      element("div", { class: `avatar${bot ? "" : " person"}`, "aria-hidden": "true" }, [...name][0].toUpperCase()),
      element("div", { class: "body" },
        element("p", { class: "who" }, name, bot ? element("span", { class: "app" }, "APP") : null,
          element("time", { datetime: sent.toISOString() }, sent.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })),
          data.edited_timestamp ? element("small", {}, "(edited)") : null),
        data.content ? element("div", { class: "text" }, markdown(data.content, this.names)) : null,
        data.thinking ? element("p", { class: "thinking" }, element("span", { class: "dots", "aria-hidden": "true" }, element("i"), element("i"), element("i")), `${name} is thinking …`) : null,
        ...(data.embeds ?? []).map((one) => this.embed(one)),
        ...(data.components ?? []).map((row) => this.row(row, data)),
        data.ephemeral ? this.privacy(data) : null));
  }

  privacy(data) {
    const dismiss = () => { this.dismissed.add(data.id); this.show(this.list); $("composer-input").focus(); };
    return element("p", { class: "private" }, "Only you can see this · ", element("button", { type: "button", class: "link", onclick: dismiss }, "Dismiss message"));
  }

  embed(data) {
    const colour = typeof data.color === "number" ? `--embed:#${data.color.toString(16).padStart(6, "0")}` : null;
    const box = element("article", { class: "embed", style: colour });
    const thumb = data.thumbnail?.url && safeLink(data.thumbnail.url);
    if (thumb) box.append(picture("thumb", thumb));
    if (data.author?.name) box.append(element("p", { class: "author" }, data.author.name));
    if (data.title) {
      const url = data.url && safeLink(data.url);
      const title = markdown(data.title, this.names);
      box.append(element("h3", {}, url ? element("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, title) : title));
    }
    if (data.description) box.append(element("div", { class: "text" }, markdown(data.description, this.names)));
    if (data.fields?.length) {
      box.append(element("div", { class: "fields" }, ...data.fields.map((field) =>
        element("div", { class: field.inline ? "text" : "text wide" }, element("b", {}, field.name), markdown(field.value, this.names)))));
    }
    const image = data.image?.url && safeLink(data.image.url);
    if (image) box.append(picture("big", image));
    if (data.footer?.text) box.append(element("footer", {}, data.footer.text));
    return box;
  }

  row(row, data) {
    const parts = (row.components ?? []).map((one) => {
      if (one.type === BUTTON) return this.button(one, data);
      return one.type === SELECT ? this.select(one, data) : null;
    });
    return element("div", { class: "components", role: "group", "aria-label": "Controls" }, ...parts);
  }

  button(one, data) {
    const inside = [one.emoji?.name ? emoji(one.emoji.name) : null, one.label || null];
    if (one.url) return element("a", { class: "button", href: safeLink(one.url) ?? "#", rel: "noreferrer noopener", target: "_blank" }, ...inside);
    return element("button", {
      type: "button", class: STYLES[one.style] ?? "secondary", disabled: Boolean(one.disabled), "data-custom-id": one.custom_id,
      "aria-label": one.label ? null : spoken(one.custom_id), title: one.label ? null : spoken(one.custom_id),
      onclick: (event) => this.press(event.currentTarget, data, one.custom_id, []),
    }, ...inside);
  }

  select(one, data) {
    const menu = element("select", {
      disabled: Boolean(one.disabled), "aria-label": one.placeholder || spoken(one.custom_id), "data-custom-id": one.custom_id,
      onchange: (event) => this.press(event.currentTarget, data, one.custom_id, [event.currentTarget.value]),
    }, element("option", { value: "", disabled: true }, one.placeholder || "Choose"));
    for (const choice of one.options ?? []) {
      const label = choice.description ? `${choice.label} – ${choice.description}` : choice.label;
      menu.append(element("option", { value: choice.value, selected: Boolean(choice.default) }, label));
    }
    if (!(one.options ?? []).some((choice) => choice.default)) menu.value = "";
    return menu;
  }

  async press(control, data, customId, values) {
    if (control.getAttribute("aria-busy") === "true") return;
    control.setAttribute("aria-busy", "true");
    try { await this.act(data, customId, values); } finally { control.removeAttribute("aria-busy"); }
  }
}

const picture = (name, url) => element("img", { class: name, src: url, alt: "", onerror: (event) => event.currentTarget.remove() });

// A button without words is named by what it does: "sg1:volume:down" is "Volume down".
function spoken(customId) {
  const words = String(customId ?? "").split(/[:_-]/).slice(1).join(" ") || String(customId ?? "button");
  return words[0].toUpperCase() + words.slice(1);
}

function refocus(node, customId, place) {
  const controls = [...node.querySelectorAll("button, select")];
  const same = customId && controls.find((one) => one.dataset.customId === customId && !one.disabled);
  const there = controls[place];
  (same || (there && !there.disabled ? there : node)).focus({ preventScroll: true });
}
