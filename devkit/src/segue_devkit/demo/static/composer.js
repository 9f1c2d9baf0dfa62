// The message box: slash commands, their options and choices are proposed as one types, as in Discord.

import { $, element } from "./dom.js";

const SUB_COMMAND_GROUP = 2, BOOLEAN = 5;

/** What fits `text`, as {title, about, text}; `kind` is "command" or "option". Pure. */
export function propose(text, commands) {
  if (!text.startsWith("/")) return { kind: "none", items: [] };
  const [name, ...words] = text.slice(1).split(" ");
  if (!words.length) {
    const fitting = commands.filter((one) => one.name.startsWith(name.toLowerCase()));
    return { kind: "command", items: fitting.map((one) => ({ title: `/${one.name}`, about: one.description, usage: usage(one), text: begun(`/${one.name}`, one) })) };
  }
  let node = commands.find((one) => one.name === name), path = `/${name}`;
  while (node?.options?.some((one) => one.type <= SUB_COMMAND_GROUP)) {
    const inner = node.options, word = words.shift() ?? "";
    if (!words.length) {
      const fitting = inner.filter((one) => one.name.startsWith(word));
      return { kind: "command", items: fitting.map((one) => ({ title: `${path} ${one.name}`, about: one.description, usage: usage(one), text: begun(`${path} ${one.name}`, one) })) };
    }
    node = inner.find((one) => one.name === word);
    path = `${path} ${word}`;
  }
  if (!node?.options?.length) return { kind: "none", items: [] };
  return proposeOptions(path, node.options, words.join(" "));
}

function proposeOptions(path, options, rest) {
  const marks = [...rest.matchAll(/(^|\s)([\w-]+):/g)].filter((mark) => options.some((one) => one.name === mark[2]));
  const last = marks.at(-1), current = last && options.find((one) => one.name === last[2]);
  if (current) {
    const from = last.index + last[0].length, typed = rest.slice(from).trim().toLowerCase();
    const choices = current.choices?.length ? current.choices.map((one) => String(one.name)) : current.type === BOOLEAN ? ["yes", "no"] : [];
    const items = choices.filter((one) => one.toLowerCase().startsWith(typed)).map((one) => ({ title: one, about: "", text: `${path} ${rest.slice(0, from)}${one} ` }));
    const done = items.length === 1 && items[0].title.toLowerCase() === typed;
    if (items.length && !done) return { kind: "option", items };
    if (!typed) return { kind: "hint", items: [described(current, null)] };
  }
  const used = new Set(marks.map((mark) => mark[2]));
  const left = options.filter((one) => !used.has(one.name));
  if (!marks.length && rest.trim()) { // words without a name belong to the first option
    const named = left.filter((one) => one.name.startsWith(rest.trim().toLowerCase()));
    return named.length ? { kind: "option", items: named.map((one) => described(one, `${path} ${one.name}:`)) } : { kind: "hint", items: [described(options[0], null)] };
  }
  if (current && !/\s$/.test(rest)) return { kind: "none", items: [] };
  return { kind: "option", items: left.map((one) => described(one, `${path} ${rest.trimStart()}${one.name}:`)) };
}

function described(option, text) {
  const range = [option.min_value, option.max_value].every((one) => one !== undefined && one !== null) ? ` (${option.min_value} to ${option.max_value})` : "";
  return { title: option.name, about: `${option.description}${range}`, usage: option.required ? "" : "optional", text };
}

const usage = (command) => (command.options ?? []).filter((one) => one.type > SUB_COMMAND_GROUP).map((one) => (one.required ? one.name : `[${one.name}]`)).join(" ");
const begun = (text, command) => `${text}${command.options?.length ? " " : ""}`;

export class Composer {
  /** `send(text)` resolves to whether it was accepted. */
  constructor(send) {
    this.send = send; this.commands = []; this.offer = { kind: "none", items: [] }; this.chosen = -1;
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
    // A command is proposed for Enter; an option only on request, because Enter also sends.
    this.chosen = this.offer.kind === "command" && this.offer.items.length ? 0 : -1;
    this.draw();
  }

  hide() { this.offer = { kind: "none", items: [] }; this.chosen = -1; this.draw(); }

  draw() {
    const { items, kind } = this.offer;
    this.box.hidden = !items.length;
    this.input.setAttribute("aria-expanded", String(items.length > 0));
    this.box.replaceChildren(...items.map((one, i) => element("li", {
      role: "option", id: `suggestion-${i}`, "aria-selected": String(i === this.chosen), "aria-disabled": kind === "hint" ? "true" : null,
      onmousedown: (event) => { event.preventDefault(); this.complete(one); },
    }, element("b", {}, one.title), one.usage ? element("i", {}, one.usage) : null, element("span", {}, one.about))));
    if (this.chosen < 0) { this.input.removeAttribute("aria-activedescendant"); return; }
    this.input.setAttribute("aria-activedescendant", `suggestion-${this.chosen}`);
    this.box.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  complete(one) {
    if (one.text === null || one.text === undefined) return;
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
    } else if (event.key === "Tab" && !event.shiftKey) this.complete(items[Math.max(0, this.chosen)]);
    else if (event.key === "Enter" && this.chosen >= 0 && !this.finished(items[this.chosen])) this.complete(items[this.chosen]);
    else return;
    event.preventDefault();
  }

  /** A command typed in full is sent by Enter, and not completed again. */
  finished(one) { return this.offer.kind === "command" && one.text.trim() === this.input.value.trim() && !one.text.endsWith(" "); }

  async submit() {
    const text = this.input.value.trim();
    if (!text || this.sending) return;
    this.sending = true;
    try {
      if (await this.send(text) && this.input.value.trim() === text) this.input.value = "";
    } finally {
      this.sending = false;
      if (document.activeElement === this.input) this.refresh();
    }
  }
}
