// Files that go with the next command: chosen, uploaded at once, shown until they are sent or taken away.

import { $, element, icon } from "./dom.js";

const SIZES = [["MB", 1048576], ["kB", 1024]];

function size(bytes) {
  const [unit, length] = SIZES.find(([, one]) => bytes >= one) ?? ["bytes", 1];
  return `${(bytes / length).toLocaleString("en", { maximumFractionDigits: length > 1024 ? 1 : 0 })} ${unit}`;
}

export class Files {
  /** `send(file)` uploads and resolves to the id by which the server knows it; it throws words. */
  constructor(send, notice) {
    this.send = send; this.notice = notice; this.list = [];
    this.input = $("file"); this.box = $("files");
    $("attach").append(icon("attach"));
    $("attach").addEventListener("click", () => this.choose());
    this.input.addEventListener("change", () => this.take([...this.input.files]));
  }

  get ids() { return this.list.map((one) => one.id); }

  choose() { this.input.value = ""; this.input.click(); }

  async take(files) {
    for (const file of files) {
      try {
        this.list.push({ id: await this.send(file), name: file.name, bytes: file.size });
        this.notice("");
      } catch (error) {
        this.notice(error.message);
      }
    }
    this.draw();
    $("composer-input").focus();
  }

  clear() { this.list = []; this.draw(); }

  draw() {
    this.box.hidden = !this.list.length;
    this.box.replaceChildren(...this.list.map((one) => element("li", {},
      element("span", {}, one.name), element("small", {}, size(one.bytes)),
      element("button", { type: "button", "aria-label": `Do not send ${one.name}`, onclick: () => this.drop(one) }, "×"))));
  }

  drop(one) {
    this.list = this.list.filter((other) => other !== one);
    this.draw();
    $("composer-input").focus();
  }
}
