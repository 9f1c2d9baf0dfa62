// Discord draws emoji itself, because systems draw them differently or not at all; so do we, for those
// that music bots use. Any other one is left to the system's font.

const SHAPES = {
  "⏸": '<path d="M6 4h4v16H6zM14 4h4v16h-4z"/>',
  "▶": '<path d="M7 4v16l13-8z"/>',
  "⏯": '<path d="M3 4v16l10-8zM15 4h2.5v16H15zM19 4h2.5v16H19z"/>',
  "⏹": '<path d="M5 5h14v14H5z"/>',
  "⏭": '<path d="M4 4v16l8-8zM12 4v16l7-8zM19 4h2v16h-2z"/>',
  "⏮": '<path d="M20 4v16l-8-8zM12 4v16l-7-8zM3 4h2v16H3z"/>',
  "🔈": '<path d="M3 9v6h4l6 5V4L7 9z"/>',
  "🔉": '<path d="M3 9v6h4l6 5V4L7 9z"/><path d="M16 8.5a5 5 0 0 1 0 7" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
  "🔊": '<path d="M3 9v6h4l6 5V4L7 9z"/><path d="M16 8.5a5 5 0 0 1 0 7M18.5 5.5a9 9 0 0 1 0 13" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
  "📜": '<path d="M4 5h12v2.4H4zM4 10.8h12v2.4H4zM4 16.6h8V19H4zM17 12v8l5-4z"/>',
  "🔁": '<path d="M7 7h9v3l5-4-5-4v3H5v6h2zM17 17H8v-3l-5 4 5 4v-3h11v-6h-2z"/>',
  "🔂": '<path d="M7 7h9v3l5-4-5-4v3H5v6h2zM17 17H8v-3l-5 4 5 4v-3h11v-6h-2zM11 9.5h2v5h-2z"/>',
  "🔀": '<path d="M3 6h4l10 11h1v-3l4 4-4 4v-3h-2L6 8H3zM3 17h3l3-3 1.4 1.5L7 19H3zM13.5 10l2.5-3h2v3l4-4-4-4v3h-3l-3 3.4z"/>',
  "🔘": '<circle cx="12" cy="12" r="9.5"/><circle cx="12" cy="12" r="4.5" fill="var(--soft)"/>',
  "🔴": '<circle cx="12" cy="12" r="8.5" fill="#d6505a"/>',
};

const plain = (text) => text.replaceAll("\ufe0f", "");

export const DRAWN = new RegExp(`(?:${Object.keys(SHAPES).join("|")})\\ufe0f?`, "u");

export function emoji(text) {
  const shape = SHAPES[plain(text)];
  const box = document.createElement("span");
  box.className = "emoji";
  if (!shape) {
    box.textContent = text;
    return box;
  }
  // The shapes are our own constants: the only markup that is ever parsed here.
  box.innerHTML = `<svg viewBox="0 0 24 24" fill="currentColor" aria-hidden="true">${shape}</svg>`;
  return box;
}
