// Plays what the voice sink receives: 16-bit stereo PCM at 48 kHz over a WebSocket, through an
// AudioWorklet with a small buffer. Nothing is looped or made up: what does not arrive is silence.

const LEAD_FRAMES = 48000 * 0.12; // what is buffered before sound starts, in frames

const worklet = `
class Pipe extends AudioWorkletProcessor {
  constructor() {
    super();
    this.chunks = []; this.offset = 0; this.buffered = 0; this.started = false;
    this.port.onmessage = ({ data }) => {
      this.chunks.push(data); this.buffered += data.length / 2;
      // More than 600 ms behind: the newest sound matters more than the oldest.
      while (this.buffered > 28800 && this.chunks.length > 1) {
        this.buffered -= (this.chunks[0].length - this.offset) / 2; this.chunks.shift(); this.offset = 0;
      }
    };
  }
  process(_, [[left, right]]) {
    if (!this.started && this.buffered < ${LEAD_FRAMES}) return true;
    this.started = true;
    let peak = 0;
    for (let i = 0; i < left.length; i++) {
      const chunk = this.chunks[0];
      if (!chunk) { this.started = false; left[i] = right[i] = 0; continue; }
      left[i] = chunk[this.offset] / 32768; right[i] = chunk[this.offset + 1] / 32768;
      peak = Math.max(peak, Math.abs(left[i]));
      this.offset += 2; this.buffered -= 1;
      if (this.offset >= chunk.length) { this.chunks.shift(); this.offset = 0; }
    }
    this.port.postMessage(peak);
    return true;
  }
}
registerProcessor("pipe", Pipe);`;

export class Player {
  constructor(onLevel, onState) {
    this.onLevel = onLevel; this.onState = onState; this.socket = null; this.context = null; this.received = 0;
  }

  get playing() { return this.context !== null; }

  async start(guild) {
    this.context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
    const url = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    this.node = new AudioWorkletNode(this.context, "pipe", { outputChannelCount: [2] });
    this.node.port.onmessage = ({ data }) => this.onLevel(data);
    this.node.connect(this.context.destination);
    await this.context.resume();
    this.open(guild);
  }

  open(guild) {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/guilds/${guild}/listen`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.received = 0;
    socket.onopen = () => this.onState("Listening. Ask for a song if it is quiet.");
    socket.onmessage = ({ data }) => {
      if (this.received++ === 0) this.onState("Listening to the bot.");
      const samples = new Int16Array(data);
      this.node.port.postMessage(samples, [samples.buffer]);
    };
    socket.onclose = () => {
      if (this.socket !== socket || !this.context) return;
      this.onState("The sound was cut off; trying again …");
      setTimeout(() => { if (this.context && this.socket === socket) this.open(guild); }, 1000);
    };
  }

  async stop() {
    const { socket, context } = this;
    this.socket = null; this.context = null;
    socket?.close();
    await context?.close();
    this.onLevel(0);
    this.onState("Not listening.");
  }
}
