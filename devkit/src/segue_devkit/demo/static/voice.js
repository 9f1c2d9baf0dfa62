// Who is in voice, and what a listener hears there by the sink's own report.

import { $, element, mark, minutes, say } from "./dom.js";
import { emoji } from "./emoji.js";

export function showMembers(members, me) {
  if (!$("voice-icon").firstChild) $("voice-icon").append(emoji("🔊"));
  const items = members.map((one) => element("li", { class: one.bot ? "bot" : null },
    element("span", { class: `avatar${one.bot ? "" : " person"}`, "aria-hidden": "true" }, [...one.name][0].toUpperCase()),
    one.name, one.bot ? element("span", { class: "app" }, "APP") : null, one.deaf ? element("small", {}, "deafened") : null));
  $("voice-members").replaceChildren(...(items.length ? items : [element("li", { class: "nobody" }, "Nobody is here.")]));
  const inside = members.some((one) => one.id === me);
  mark($("voice-toggle"), "data-inside", inside);
  say($("voice-toggle"), inside ? "Leave voice" : "Join voice");
}

export function showSink(data) {
  const rows = [
    ["Song", data.song ?? (data.sounding ? "sound of no known song" : "nothing right now")],
    ["Position", data.song ? minutes(data.position_ms) : "–"],
    ["Packets", data.packets.toLocaleString("en")],
  ];
  const list = $("sink");
  if (list.children.length !== rows.length * 2) list.replaceChildren(...rows.flatMap(([name]) => [element("dt", {}, name), element("dd")]));
  rows.forEach(([, value], i) => say(list.children[i * 2 + 1], value));
}
