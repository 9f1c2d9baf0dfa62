// Plays stereo frames as they come, a little behind. Nothing is repeated or made up: what does not
// arrive is silence, entered and left by a ramp of 5 ms, so that nothing clicks.

const TARGET = 48000 * 0.12; // frames held back before sound starts: what a machine may be late
const LATER = 48000 * 0.06; // that much more after each time it was later than that
const LATEST = 48000 * 0.36;
const MOST = 48000 * 0.6; // further behind than this, the newest sound matters more than the oldest
const ROOM = 1 << 16; // frames
const RAMP = 1 / 240;
const QUIET = 1 / 1000;
const REST = 480; // frames of quiet that tell a stop from a stumble: bots end with 100 ms of silence
const REPORT = 2048;

class Pipe extends AudioWorkletProcessor {
  constructor() {
    super();
    this.left = new Float32Array(ROOM); this.right = new Float32Array(ROOM);
    this.told = 0; this.underruns = 0; this.rests = 0; this.dropped = 0; this.played = 0; this.loud = 0; this.peak = 0;
    this.target = TARGET;
    this.flush();
    this.port.onmessage = ({ data }) => (data === "flush" ? this.flush() : this.take(data));
  }

  flush() {
    this.read = 0; this.write = 0; this.running = false; this.gain = 0; this.quiet = REST; this.lastL = 0; this.lastR = 0;
  }

  take(samples) {
    for (let i = 0; i < samples.length; i += 2) {
      const at = this.write++ % ROOM;
      this.left[at] = samples[i] / 32768; this.right[at] = samples[i + 1] / 32768;
    }
    if (this.write - this.read > MOST) {
      const read = this.write - this.target;
      this.dropped += Math.floor(read - this.read);
      this.read = read; this.gain = 0;
    }
  }

  // Two clocks are never equally fast; a difference nobody hears keeps the buffer where it should be.
  pace() {
    const held = this.write - this.read;
    if (held > this.target * 1.5) return held > this.target * 2 ? 1.008 : 1.003;
    return held < this.target * 0.4 ? 0.997 : 1;
  }

  process(_, [[left, right]]) {
    if (!this.running && this.write - this.read >= this.target) { this.running = true; this.gain = 0; }
    const pace = this.pace();
    for (let i = 0; i < left.length; i++) {
      if (this.running && this.write - this.read < 2) this.dry();
      if (!this.running) {
        this.lastL *= 0.98; this.lastR *= 0.98;
        left[i] = this.lastL; right[i] = this.lastR;
        continue;
      }
      const whole = Math.floor(this.read), part = this.read - whole, a = whole % ROOM, b = (whole + 1) % ROOM;
      this.gain = Math.min(1, this.gain + RAMP);
      this.lastL = left[i] = this.gain * (this.left[a] + part * (this.left[b] - this.left[a]));
      this.lastR = right[i] = this.gain * (this.right[a] + part * (this.right[b] - this.right[a]));
      this.read += pace; this.played++;
      const level = Math.max(Math.abs(left[i]), Math.abs(right[i]));
      if (level > this.peak) this.peak = level;
      if (level < QUIET) this.quiet++; else { this.quiet = 0; this.loud++; }
    }
    this.told += left.length;
    if (this.told >= REPORT) this.report();
    return true;
  }

  dry() {
    this.running = false;
    if (this.quiet >= REST) { this.rests++; return; }
    this.underruns++;
    this.target = Math.min(LATEST, this.target + LATER);
  }

  report() {
    const { peak, played, loud, underruns, rests, dropped, running } = this;
    this.port.postMessage({ peak, played, loud, underruns, rests, dropped, running, held: Math.max(0, this.write - this.read) });
    this.told = 0; this.peak = 0;
  }
}
registerProcessor("pipe", Pipe);
