// The message box: commands, options, choices and what the bot proposes are offered as one types.

import { $, element } from "./dom.js";
import { propose } from "./propose.js";

const TYPING_MS = 180; // a pause in typing after which the bot is asked

export class Composer {
  /** `send(text, picks)` resolves to whether it was accepted; `complete(text, signal)` to choices. */
  constructor({ send, complete, chooseFile }) {
    this.send = send; this.complete = complete; this.chooseFile = chooseFile;
    this.commands = []; this.offer = { kind: "none", items: [] }; this.chosen = -1;
    this.picks = {}; this.timer = 0; this.asking = null; this.proposed = { before: null, choices: [] };
    this.input = $("composer-input"); this.box = $("suggestions");
    this.input.addEventListener("input", () => this.refresh());
    this.input.addEventListener("focus", () => this.refresh());
    this.input.addEventListener("blur", () => this.hide());
    this.input.addEventListener("keydown", (event) => this.key(event));
    $("composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
  }

  offerCommands(commands) {
    this.commands = commands;
    if (document.activeElement === this.input) this.refresh();
  }

  begin(text) { this.input.value = text; this.input.focus(); this.refresh(); }

  refresh() {
    this.offer = propose(this.input.value, this.commands);
    this.ask(this.offer.asks);
    if (this.offer.asks?.before === this.proposed.before) this.mix();
    // A command is proposed for Enter; an option only on request, because Enter also sends.
    this.chosen = this.offer.kind === "command" && this.offer.items.length ? 0 : -1;
    this.draw();
  }

  hide() { this.stopAsking(); this.offer = { kind: "none", items: [] }; this.chosen = -1; this.draw(); }

  // ---- what the bot proposes -------------------------------------------------------------------

  ask(asks) {
    this.stopAsking();
    if (!asks) { this.proposed = { before: null, choices: [] }; return; }
    const text = this.input.value;
    this.timer = setTimeout(async () => {
      const asking = this.asking = new AbortController();
      let choices = [], trouble = "";
      try {
        choices = await this.complete(text, asking.signal);
      } catch (error) {
        if (asking.signal.aborted) return;
        trouble = error.message;
      }
      if (this.input.value !== text || document.activeElement !== this.input) return;
      this.proposed = { before: asks.before, choices, option: asks.option, trouble };
      this.offer = propose(text, this.commands);
      this.mix();
      this.draw();
    }, TYPING_MS);
  }

  stopAsking() { clearTimeout(this.timer); this.asking?.abort(); this.asking = null; }

  mix() {
    const { before, choices, option, trouble } = this.proposed;
    if (trouble) { this.offer = { kind: "hint", items: [{ title: option, about: trouble, usage: "", text: null }] }; return; }
    if (!choices.length) return;
    const items = choices.map((one) => ({ title: one.name, about: "", usage: "", text: `${before}${one.name} `, pick: { option, shown: one.name, value: one.value } }));
    const others = this.offer.kind === "option" ? this.offer.items : [];
    this.offer = { ...this.offer, kind: "option", items: [...items, ...others] };
  }

  // ---- the list -------------------------------------------------------------------------------

  draw() {
    const { items, kind } = this.offer;
    this.box.hidden = !items.length;
    this.input.setAttribute("aria-expanded", String(items.length > 0));
    this.box.replaceChildren(...items.map((one, i) => element("li", {
      role: "option", id: `suggestion-${i}`, "aria-selected": String(i === this.chosen), "aria-disabled": kind === "hint" && !one.file ? "true" : null,
      onmousedown: (event) => { event.preventDefault(); this.take(one); },
    }, element("b", {}, one.title), one.usage ? element("i", {}, one.usage) : null, one.about ? element("span", {}, one.about) : null)));
    if (this.chosen < 0) { this.input.removeAttribute("aria-activedescendant"); return; }
    this.input.setAttribute("aria-activedescendant", `suggestion-${this.chosen}`);
    this.box.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  take(one) {
    if (one.file) { this.chooseFile(); return; }
    if (one.text === null) return;
    if (one.pick) this.picks[one.pick.option] = { shown: one.pick.shown.trim(), value: one.pick.value };
    this.begin(one.text);
  }

  key(event) {
    const { items, kind } = this.offer;
    if (!items.length || kind === "hint" || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.hide();
    else if (step) {
      this.chosen = this.chosen < 0 ? (step > 0 ? 0 : items.length - 1) : (this.chosen + step + items.length) % items.length;
      this.draw();
    } else if (event.key === "Tab" && !event.shiftKey && this.input.value.startsWith("/")) this.take(items[Math.max(0, this.chosen)]);
    else if (event.key === "Enter" && this.chosen >= 0 && !this.finished(items[this.chosen])) this.take(items[this.chosen]);
    else return;
    event.preventDefault();
  }

  /** A command typed in full is sent by Enter, and not completed again. */
  finished(one) { return this.offer.kind === "command" && one.text?.trim() === this.input.value.trim() && !one.text.endsWith(" "); }

  async submit() {
    const text = this.input.value.trim();
    if (!text || this.sending) return;
    this.sending = true;
    this.stopAsking();
    try {
      if (await this.send(text, this.picks) && this.input.value.trim() === text) { this.input.value = ""; this.picks = {}; }
    } finally {
      this.sending = false;
      if (document.activeElement === this.input) this.refresh();
    }
  }
}
