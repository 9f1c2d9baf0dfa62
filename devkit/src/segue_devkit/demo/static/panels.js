// Beside the chat: who is in voice, how loud it is, what the voice server got, and the pods.

import { $, element, minutes, reducedMotion } from "./dom.js";
import { emoji } from "./emoji.js";

export function showVoice(members) {
  $("voice-icon").replaceChildren(emoji("🔊"));
  const items = members.map((one) => element("li", { class: one.bot ? "bot" : null },
    element("span", { class: `avatar${one.bot ? "" : " person"}`, "aria-hidden": "true" }, [...one.name][0].toUpperCase()),
    one.name, one.bot ? element("span", { class: "app" }, "APP") : null, one.deaf ? element("small", {}, "deafened") : null));
  $("voice-members").replaceChildren(...(items.length ? items : [element("li", { class: "nobody" }, "Nobody is here.")]));
  const inside = members.some((one) => one.you);
  $("voice-toggle").dataset.inside = String(inside);
  $("voice-toggle").textContent = inside ? "Leave voice" : "Join voice";
}

export function showSink(data) {
  const rows = {
    Song: data.song ?? "nothing right now",
    Position: data.song ? minutes(data.position_ms) : "–",
    Packets: data.packets.toLocaleString("en"),
    Gaps: data.media_gaps ? `${data.media_gaps} (${Math.round(data.media_gap_ms)} ms)` : "none",
    "Silence frames": data.silence_frames,
  };
  fill($("sink"), Object.entries(rows));
}

// Only texts that changed are touched, twice a second.
function fill(list, rows) {
  if (list.children.length !== rows.length * 2) {
    list.replaceChildren(...rows.flatMap(([name]) => [element("dt", {}, name), element("dd")]));
  }
  rows.forEach(([, value], i) => {
    const cell = list.children[i * 2 + 1];
    if (cell.textContent !== String(value)) cell.textContent = String(value);
  });
}

export function showPods(pods) {
  $("cluster-summary").textContent = `${pods.filter((one) => one.ready).length} of ${pods.length} pods ready`;
  $("pods").replaceChildren(...pods.map((pod) => element("tr", { "data-pod": pod.name },
    element("th", { scope: "row", title: pod.name }, pod.short),
    element("td", { class: pod.ready ? "ok" : "bad" }, element("span", { class: "dot", "aria-hidden": "true" }), pod.ready ? "ready" : pod.state.toLowerCase()),
    element("td", { class: "number" }, String(pod.restarts)))));
}

const BARS = 76;
const FLOOR_DB = -48; // the foot of the meter

const height = (level) => Math.max(0, 1 - (20 * Math.log10(Math.max(level, 1e-6))) / FLOOR_DB);

/** A level meter that moves only while somebody listens; one still bar if motion is not wanted. */
export class Meter {
  constructor(canvas) {
    this.canvas = canvas; this.levels = new Array(BARS).fill(0); this.level = 0; this.on = false; this.asked = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  take(level) { this.level = Math.max(level, this.level); }

  start() { this.on = true; if (!this.asked) this.turn(); }

  stop() { this.on = false; this.level = 0; this.levels.fill(0); this.draw(); }

  turn() {
    this.levels.push(height(this.level)); this.levels.shift();
    this.level *= 0.6;
    this.draw();
    this.asked = this.on ? setTimeout(() => requestAnimationFrame(() => this.turn()), reducedMotion.matches ? 250 : 40) : 0;
    if (!this.on) this.stop();
  }

  draw() {
    const { canvas } = this, scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, room = canvas.clientHeight;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(room * scale)) canvas.height = Math.round(room * scale);
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, room);
    context.fillStyle = getComputedStyle(canvas).color;
    if (reducedMotion.matches) { context.fillRect(0, room / 2 - 4, width * this.levels[BARS - 1], 8); return; }
    const step = width / BARS;
    this.levels.forEach((level, i) => {
      const tall = Math.max(2, level * (room - 8));
      context.fillRect(i * step, (room - tall) / 2, Math.max(1, step - 1.5), tall);
    });
  }
}
