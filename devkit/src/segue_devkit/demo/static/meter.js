// A level meter that moves only while somebody listens; one still bar if motion is not wanted.

import { drawn, reducedMotion } from "./dom.js";

const BARS = 64;
const FLOOR_DB = -48; // the foot of the meter

const height = (level) => Math.max(0, 1 - (20 * Math.log10(Math.max(level, 1e-6))) / FLOOR_DB);

export class Meter {
  constructor(canvas) {
    this.canvas = canvas; this.levels = new Array(BARS).fill(0); this.level = 0; this.on = false; this.asked = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
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
    const { context, width, height: room } = drawn(this.canvas);
    context.fillStyle = getComputedStyle(this.canvas).color;
    if (reducedMotion.matches) { context.fillRect(0, room / 2 - 4, width * this.levels[BARS - 1], 8); return; }
    const step = width / BARS;
    this.levels.forEach((level, i) => {
      const tall = Math.max(2, level * (room - 12));
      context.globalAlpha = 0.35 + 0.65 * (i / BARS);
      context.beginPath();
      context.roundRect(i * step + 1, (room - tall) / 2, Math.max(1, step - 2), tall, 1.5);
      context.fill();
    });
    context.globalAlpha = 1;
  }
}
