// The part of Discord's markdown that a bot's messages use, as DOM.

import { element } from "./dom.js";
import { DRAWN, emoji } from "./emoji.js";

const INLINE = new RegExp([
  /\\([\\*_~`|<>[\]()#.:-])/, /\*\*(.+?)\*\*/, /__(.+?)__/, /~~(.+?)~~/, /\*(.+?)\*/, /`([^`]+)`/,
  /\[([^\]]+)\]\((https?:[^)\s]+)\)/, /<@!?(\d+)>/, /<#(\d+)>/, /<\/([\w -]+):\d+>/, /<t:(-?\d{1,13})(?::([tTdDfFR]))?>/,
  /<?(https?:\/\/[^\s<>]+)>?/, new RegExp(`(${DRAWN.source})`),
].map((one) => one.source).join("|"), "su");

export function markdown(text, names) {
  const out = document.createDocumentFragment();
  let rest = String(text ?? "");
  for (let found; (found = INLINE.exec(rest)); ) {
    out.append(rest.slice(0, found.index), piece(found, names));
    rest = rest.slice(found.index + found[0].length);
  }
  out.append(rest);
  return out;
}

function piece(found, names) {
  const [, escaped, bold, underlined, struck, italic, code, label, url, user, channel, command, stamp, style, bare, drawn] = found;
  if (escaped) return escaped;
  if (bold) return element("strong", {}, markdown(bold, names));
  if (underlined) return element("u", {}, markdown(underlined, names));
  if (struck) return element("s", {}, markdown(struck, names));
  if (italic) return element("em", {}, markdown(italic, names));
  if (code) return element("code", {}, code);
  if (label) return link(url, markdown(label, names));
  if (user) return element("span", { class: "mention" }, `@${names.get(user) ?? "somebody"}`);
  if (channel) return element("span", { class: "mention" }, `#${names.get(channel) ?? "channel"}`);
  if (command) return element("span", { class: "mention" }, `/${command}`);
  if (stamp) return moment(Number(stamp), style ?? "f");
  if (bare) return link(bare, bare);
  return emoji(drawn);
}

const link = (url, ...children) => element("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, ...children);

// ---- times: relative ones live on, as in Discord's client ---------------------------------------

const FORMATS = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function ago(seconds, now = Date.now() / 1000) {
  const away = Math.round(seconds - now);
  if (away === 0) return "now";
  const [unit, size] = UNITS.find(([, length]) => Math.abs(away) >= length);
  return relative.format(Math.round(away / size), unit);
}

function moment(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "an impossible time";
  const full = new Intl.DateTimeFormat(undefined, FORMATS.F).format(date);
  const shown = style === "R" ? ago(seconds) : new Intl.DateTimeFormat(undefined, FORMATS[style]).format(date);
  return element("time", { datetime: date.toISOString(), title: full, "data-relative": style === "R" ? seconds : null }, shown);
}

// Screen readers hear a message once, not each second of it: changing times are not announced.
export function keepTimes() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-relative]")) {
      const text = ago(Number(node.dataset.relative));
      if (node.textContent !== text) node.textContent = text;
    }
  }, 1000);
}
