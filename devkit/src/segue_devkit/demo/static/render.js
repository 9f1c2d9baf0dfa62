// Discord's messages as DOM. Everything from outside becomes text nodes, never markup.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const safeLink = (url) => { try { return ["http:", "https:"].includes(new URL(url).protocol) ? url : null; } catch { return null; } };

// The part of Discord's markdown a bot's embeds use.
const INLINE = /\\([\\*_~`|<>\[\]()#-])|\*\*(.+?)\*\*|\*(.+?)\*|`([^`]+)`|\[([^\]]+)\]\((https?:[^)\s]+)\)|<@!?(\d+)>|<#(\d+)>|<\/([\w -]+):\d+>/s;

export function markdown(text, names) {
  const out = document.createDocumentFragment();
  let rest = String(text ?? "");
  for (let found; (found = INLINE.exec(rest)); ) {
    out.append(rest.slice(0, found.index));
    const [whole, escaped, bold, italic, code, label, url, user, channel, command] = found;
    if (escaped) out.append(escaped);
    else if (bold) out.append(element("strong", {}, markdown(bold, names)));
    else if (italic) out.append(element("em", {}, markdown(italic, names)));
    else if (code) out.append(element("code", {}, code));
    else if (label) out.append(element("a", { href: url, rel: "noreferrer", target: "_blank" }, markdown(label, names)));
    else if (user) out.append(element("span", { class: "mention" }, `@${names.get(user) ?? "somebody"}`));
    else if (channel) out.append(`#${names.get(channel) ?? "channel"}`);
    else if (command) out.append(element("code", {}, `/${command}`));
    rest = rest.slice(found.index + whole.length);
  }
  out.append(rest);
  return out;
}

function embed(data, names) {
  const box = element("article", { class: "embed", style: data.color ? `--embed:#${data.color.toString(16).padStart(6, "0")}` : "" });
  if (data.author?.name) box.append(element("div", { class: "author" }, data.author.name));
  if (data.title) {
    const url = data.url && safeLink(data.url);
    box.append(element("div", { class: "title" }, url ? element("a", { href: url, rel: "noreferrer", target: "_blank" }, markdown(data.title, names)) : markdown(data.title, names)));
  }
  if (data.description) box.append(element("div", { style: "white-space:pre-line" }, markdown(data.description, names)));
  if (data.fields?.length) {
    box.append(element("div", { class: "fields" }, ...data.fields.map((field) =>
      element("div", { class: field.inline ? "" : "wide", style: "white-space:pre-line" }, element("b", {}, field.name), markdown(field.value, names)))));
  }
  const thumb = data.thumbnail?.url && safeLink(data.thumbnail.url);
  if (thumb) box.append(element("img", { class: "thumb", src: thumb, alt: "" }));
  const image = data.image?.url && safeLink(data.image.url);
  if (image) box.append(element("img", { class: "big", src: image, alt: "" }));
  if (data.footer?.text) box.append(element("footer", {}, data.footer.text));
  return box;
}

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };

function components(rows, onClick) {
  const buttons = rows.flatMap((row) => row.components ?? []).filter((one) => one.type === 2);
  if (!buttons.length) return null;
  return element("div", { class: "components", role: "group", "aria-label": "Player controls" }, ...buttons.map((one) =>
    element("button", {
      type: "button", class: STYLES[one.style] ?? "", disabled: one.disabled ?? false, "data-custom-id": one.custom_id,
      "aria-label": one.label || one.custom_id?.split(":").at(-1), onclick: () => onClick(one.custom_id),
    }, [one.emoji?.name, one.label].filter(Boolean).join(" "))));
}

export function message(data, names, onClick) {
  const bot = data.author?.bot ?? false;
  const notes = [bot ? "app" : null, data.ephemeral ? "only you can see this" : null, data.edited_timestamp ? "edited" : null].filter(Boolean).join(" · ");
  return element("li", { class: `message${data.ephemeral ? " ephemeral" : ""}`, "data-message": data.id },
    element("div", { class: `avatar${bot ? "" : " person"}`, "aria-hidden": "true" }, (data.author?.username ?? "?")[0].toUpperCase()),
    element("div", {},
      element("div", { class: "who" }, data.author?.username ?? "somebody", element("small", {}, notes)),
      data.content ? element("div", { style: "white-space:pre-line" }, markdown(data.content, names)) : null,
      data.thinking ? element("div", { class: "dim" }, element("em", {}, "thinking …")) : null,
      ...(data.embeds ?? []).map((one) => embed(one, names)),
      components(data.components ?? [], onClick)));
}
