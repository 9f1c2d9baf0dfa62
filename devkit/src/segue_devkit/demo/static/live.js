// A WebSocket that comes back: quickly at first, then every few seconds.

const FIRST_MS = 500, LONGEST_MS = 4000;

export class Live {
  /** `url()` is asked anew each time; null: not now. `on` has message, open, lost. */
  constructor(url, on) {
    this.url = url; this.on = on; this.closed = false; this.wait = FIRST_MS; this.timer = 0;
    this.connect();
  }

  async connect() {
    const url = await this.url();
    if (this.closed) return;
    if (url === null) { this.again(); return; }
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${url}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => { if (!this.closed) this.on.open?.(); };
    socket.onmessage = ({ data }) => { this.wait = FIRST_MS; if (!this.closed) this.on.message(data); };
    socket.onclose = () => { if (!this.closed) this.again(); };
  }

  again() {
    this.on.lost?.();
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(LONGEST_MS, this.wait * 2);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }
}
