// Discord's messages as DOM.

import { $, element } from "./dom.js";
import { markdown } from "./markdown.js";
import { refocus, row, safeLink } from "./components.js";

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
    if (old?.querySelector('[role="listbox"]:not([hidden])')) return old; // somebody is choosing in it
    const node = this.message(data);
    node.segueText = text;
    if (old) {
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      const place = focused ? [...old.querySelectorAll("button")].indexOf(focused) : -1;
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
      asked?.name ? element("p", { class: "asked" }, element("b", {}, asker ?? "Somebody"), " used ", element("span", { class: "mention" }, `/${asked.name}`)) : null,
      element("div", { class: `avatar${bot ? "" : " person"}`, "aria-hidden": "true" }, [...name][0].toUpperCase()),
      element("div", { class: "body" },
        element("p", { class: "who" }, name, bot ? element("span", { class: "app" }, "APP") : null,
          element("time", { datetime: sent.toISOString() }, sent.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })),
          data.edited_timestamp ? element("small", {}, "(edited)") : null),
        data.content ? element("div", { class: "text" }, markdown(data.content, this.names)) : null,
        data.thinking ? element("p", { class: "thinking" }, element("span", { class: "dots", "aria-hidden": "true" }, element("i"), element("i"), element("i")), `${name} is thinking …`) : null,
        ...(data.embeds ?? []).map((one) => this.embed(one)),
        ...(data.attachments ?? []).map((one) => attachment(one)),
        ...(data.components ?? []).map((one) => row(one, (customId, values) => this.act(data, customId, values))),
        data.ephemeral ? this.privacy(data) : null));
  }

  privacy(data) {
    const dismiss = () => { this.dismissed.add(data.id); this.show(this.list); $("composer-input").focus(); };
    return element("p", { class: "private" }, "Only you can see this · ", element("button", { type: "button", class: "link", onclick: dismiss }, "Dismiss message"));
  }

  embed(data) {
    const box = element("article", { class: "embed" });
    if (typeof data.color === "number") box.style.setProperty("--embed", `#${data.color.toString(16).padStart(6, "0")}`);
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
}

const picture = (name, url) => element("img", { class: name, src: url, alt: "", onerror: (event) => event.currentTarget.remove() });

function attachment(data) {
  const url = data.url && safeLink(data.url);
  const name = data.title || data.filename;
  return element("p", { class: "attachment" }, url ? element("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, name) : name);
}
