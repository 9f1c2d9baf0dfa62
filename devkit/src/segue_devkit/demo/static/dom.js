// Small helpers. Everything from outside becomes text nodes and attributes, never markup.

export const $ = (id) => document.getElementById(id);

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

export const icon = (name) => element("span", { class: `icon-${name}`, "aria-hidden": "true" });

/** Set a text only if it is another one: screen readers, selections and layout are left in peace. */
export function say(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

export function mark(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Keep the children of `box` in the order of `items`; nodes stay, so focus stays. */
export function keyed(box, items, key, make, update) {
  const known = new Map([...box.children].map((node) => [node.dataset.key, node]));
  let previous = null;
  for (const item of items) {
    const name = key(item);
    let node = known.get(name);
    if (!node) { node = make(item); node.dataset.key = name; }
    known.delete(name);
    update(node, item);
    const place = previous ? previous.nextSibling : box.firstChild;
    if (place !== node) box.insertBefore(node, place);
    previous = node;
  }
  for (const gone of known.values()) gone.remove();
}

export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export const minutes = (ms) =>
  `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

/** How long ago, in one unit: "12 s", "4 min". */
export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** A canvas ready to draw on, in CSS pixels: {context, width, height}. */
export function drawn(canvas) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
