// The last minute at the voice server: when there was sound, and where it came late or not at all.

import { $, age, drawn, say } from "./dom.js";

const SHOWN_MS = 60_000;
const GAP_MS = 200; // a pause from which on we call it a gap: shorter ones a client's buffer hides
const WIDE = 3; // pixels at least, and a tenth of the height
const TALL_MS = 1500;

export class Gaps {
  constructor(canvas) {
    this.canvas = canvas;
    this.heard = []; // [at, sounding] as often as the server reports
    this.gaps = []; // {kind, ms, at}
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  clear() { this.heard = []; this.gaps = []; this.draw(); say($("gap-words"), ""); }

  take(data, now = performance.now()) {
    this.heard.push([now, data.sounding]);
    this.heard = this.heard.filter(([at]) => now - at <= SHOWN_MS);
    this.gaps = data.gaps.map((one) => ({ ...one, at: now - one.ago_ms }));
    say($("gap-words"), words(data));
    this.draw(now);
  }

  draw(now = performance.now()) {
    const { context, width, height } = drawn(this.canvas);
    const style = getComputedStyle(this.canvas);
    const x = (at) => width * (1 - (now - at) / SHOWN_MS);
    context.fillStyle = style.color;
    this.heard.forEach(([at, sounding], i) => {
      const from = i ? this.heard[i - 1][0] : at - 500;
      if (sounding) context.fillRect(x(from), height / 2 - 2, x(at) - x(from) + 0.5, 4);
    });
    for (const gap of this.gaps) {
      context.fillStyle = style.getPropertyValue(gap.ms < GAP_MS ? "--late" : "--gap");
      const wide = Math.max(WIDE, (width * gap.ms) / SHOWN_MS);
      const tall = Math.max(0.3, Math.min(1, gap.ms / TALL_MS)) * (height - 4);
      context.fillRect(x(gap.at) - wide, (height - tall) / 2, wide, tall);
    }
  }
}

function words({ gaps, longest_ms: longest, lost_ms: lost, packets }) {
  if (!packets) return "No sound has arrived yet. Gaps of the last minute will stand here.";
  const heard = gaps.filter((one) => one.ms >= GAP_MS), late = gaps.filter((one) => one.ms < GAP_MS);
  const most = (list) => list.reduce((one, other) => (other.ms > one.ms ? other : one));
  const parts = [];
  if (heard.length) parts.push(`${heard.length === 1 ? "1 gap" : `${heard.length} gaps`} in the last minute, the longest ${most(heard).ms} ms, ${age(most(heard).ago_ms)} ago.`);
  else parts.push("No gap in the last minute.");
  if (late.length) parts.push(`Late by up to ${most(late).ms} ms ${late.length === 1 ? "once" : `${late.length} times`}.`);
  if (longest) parts.push(`Longest pause since the start ${longest} ms${lost ? `, ${lost} ms lost` : ""}.`);
  return parts.join(" ");
}
