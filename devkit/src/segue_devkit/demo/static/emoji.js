// Discord draws emoji itself, because systems draw them differently or not at all; so do we, for those
// that music bots use. Any other one is left to the system's font. A shape is a list of [d, stroked?].

const SHAPES = {
  "⏸": [["M6 4h4v16H6zM14 4h4v16h-4z"]],
  "▶": [["M7 4v16l13-8z"]],
  "⏯": [["M3 4v16l10-8zM15 4h2.5v16H15zM19 4h2.5v16H19z"]],
  "⏹": [["M5 5h14v14H5z"]],
  "⏭": [["M4 4v16l8-8zM12 4v16l7-8zM19 4h2v16h-2z"]],
  "⏮": [["M20 4v16l-8-8zM12 4v16l-7-8zM3 4h2v16H3z"]],
  "⏩": [["M3 5v14l9-7zM12 5v14l9-7z"]],
  "⏪": [["M21 5v14l-9-7zM12 5v14l-9-7z"]],
  "🔈": [["M3 9v6h4l6 5V4L7 9z"]],
  "🔉": [["M3 9v6h4l6 5V4L7 9z"], ["M16 8.5a5 5 0 0 1 0 7", true]],
  "🔊": [["M3 9v6h4l6 5V4L7 9z"], ["M16 8.5a5 5 0 0 1 0 7M18.5 5.5a9 9 0 0 1 0 13", true]],
  "📜": [["M4 5h12v2.4H4zM4 10.8h12v2.4H4zM4 16.6h8V19H4zM17 12v8l5-4z"]],
  "🔁": [["M7 7h9v3l5-4-5-4v3H5v6h2zM17 17H8v-3l-5 4 5 4v-3h11v-6h-2z"]],
  "🔂": [["M7 7h9v3l5-4-5-4v3H5v6h2zM17 17H8v-3l-5 4 5 4v-3h11v-6h-2zM11 9.5h2v5h-2z"]],
  "🔀": [["M3 6h4l10 11h1v-3l4 4-4 4v-3h-2L6 8H3zM3 17h3l3-3 1.4 1.5L7 19H3zM13.5 10l2.5-3h2v3l4-4-4-4v3h-3l-3 3.4z"]],
  "❤": [["M12 20S4 14.500 4 9a4.300 4.300 0 0 1 8-2 4.300 4.300 0 0 1 8 2c0 5.500-8 11-8 11z"]],
  "🔘": [["M12 2.500a9.500 9.500 0 1 0 0 19 9.500 9.500 0 0 0 0-19zm0 5a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9z"]],
  "🔴": [["M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z"]],
};

const NAMESPACE = "http://www.w3.org/2000/svg";

const plain = (text) => text.replaceAll("\ufe0f", "");

export const DRAWN = new RegExp(`(?:${Object.keys(SHAPES).join("|")})\\ufe0f?`, "u");

function vector(tag, attributes) {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function emoji(text) {
  const shape = SHAPES[plain(text)];
  const box = document.createElement("span");
  box.className = "emoji";
  if (!shape) {
    box.textContent = text;
    return box;
  }
  const picture = vector("svg", { viewBox: "0 0 24 24", fill: "currentColor", "aria-hidden": "true" });
  for (const [d, stroked] of shape) {
    const look = stroked ? { fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round" } : {};
    picture.append(vector("path", { d, ...look }));
  }
  box.append(picture);
  return box;
}
