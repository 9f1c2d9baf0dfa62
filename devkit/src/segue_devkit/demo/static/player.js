// Plays what the voice server receives: blocks of an RTP timestamp, an SSRC, and 16-bit stereo at 48 kHz.

import { Live } from "./live.js";

const RATE = 48000, HEADER_BYTES = 8;

export class Player {
  /** `onLevel(0…1)` follows the sound, `onState(words)` says what is going on. */
  constructor(onLevel, onState) {
    this.onLevel = onLevel; this.onState = onState; this.context = null; this.live = null; this.words = "";
    this.stats = { blocks: 0, frames: 0, missing: 0, played: 0, loud: 0, underruns: 0, rests: 0, dropped: 0, heldMs: 0, playing: false };
  }

  get on() { return this.context !== null; }

  async start(path) {
    const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.context = context;
    try {
      await context.audioWorklet.addModule("/static/worklet.js");
      await context.resume();
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.context !== context) return; // stopped meanwhile
    this.node = new AudioWorkletNode(context, "pipe", { numberOfInputs: 0, outputChannelCount: [2] });
    this.node.port.onmessage = ({ data }) => this.heard(data);
    this.node.connect(context.destination);
    this.tune(path);
  }

  /** Listen to another guild, without a break in the audio output. */
  tune(path) {
    this.live?.close();
    this.node?.port.postMessage("flush");
    this.expected = null;
    this.say("Connecting to the voice server …");
    this.live = new Live(async () => path, {
      open: () => this.say("Listening. It is quiet: ask for a song."),
      message: (data) => this.take(data),
      lost: () => this.say("The sound was cut off. Trying again …"),
    });
  }

  take(data) {
    const header = new DataView(data);
    const at = header.getUint32(0, true), source = header.getUint32(4, true);
    const samples = new Int16Array(data.slice(HEADER_BYTES));
    const frames = samples.length / 2;
    if (this.expected?.source === source) this.stats.missing += Math.max(0, (at - this.expected.at) | 0);
    this.expected = { source, at: (at + frames) >>> 0 };
    this.stats.blocks += 1;
    this.stats.frames += frames;
    this.node.port.postMessage(samples, [samples.buffer]);
  }

  heard({ peak, played, loud, underruns, rests, dropped, running, held }) {
    const heldMs = (held / RATE) * 1000;
    Object.assign(this.stats, { played, loud, underruns, rests, dropped, heldMs, playing: running });
    this.onLevel(peak);
    if (running) {
      const behind = Math.round((heldMs + (this.context?.outputLatency || 0) * 1000) / 20) * 20;
      this.say(`Listening, ${behind} ms behind · ${underruns} ${underruns === 1 ? "dropout" : "dropouts"}`);
    } else if (this.stats.playing === false && played > 0 && this.words.includes("behind")) {
      this.say("Listening. It is quiet right now.");
    }
  }

  say(words) {
    if (words === this.words) return;
    this.words = words;
    this.onState(words);
  }

  async stop() {
    const { context, live } = this;
    this.context = null; this.live = null; this.node = null;
    live?.close();
    await context?.close();
    this.onLevel(0);
    this.say("Hear what the bot sends to Discord's voice server.");
  }
}
