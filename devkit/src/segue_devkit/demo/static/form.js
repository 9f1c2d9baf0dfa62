// Discord's modal: a form that the bot asks one to fill in.

import { $, element } from "./dom.js";

const TEXT = 4, STRING_SELECT = 3, PARAGRAPH = 2;

export class Form {
  /** `send(form, values)` submits; it throws words, which are shown in the form. */
  constructor(send) {
    this.send = send; this.dialog = $("form"); this.back = null; this.form = null;
    $("form-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.dialog.addEventListener("close", () => this.back?.isConnected && this.back.focus());
  }

  /** Open it; afterwards the focus returns to where it was. */
  open({ form, title, fields }) {
    this.form = form;
    this.back = document.activeElement;
    $("form-heading").textContent = title;
    $("form-fields").replaceChildren(...fields.map((one, index) => this.field(one, `form-field-${index}`)));
    this.notice("");
    this.dialog.showModal();
    $("form-fields").querySelector("input, textarea, select")?.focus();
  }

  field(one, id) {
    const common = { id, name: one.custom_id, required: one.required !== false, "aria-describedby": one.required === false ? `${id}-hint` : null };
    let input;
    if (one.type === STRING_SELECT) input = this.select(one, common);
    else if (one.type === TEXT) {
      const limits = { minlength: one.min_length, maxlength: one.max_length ?? 4000, placeholder: one.placeholder };
      input = element(one.style === PARAGRAPH ? "textarea" : "input", { ...common, ...limits, type: one.style === PARAGRAPH ? null : "text", autocomplete: "off" });
      input.value = one.value ?? "";
    } else return element("p", {}, `${one.label}: this page can’t show this field.`);
    return element("div", { class: "field" }, element("label", { for: id }, one.label), input, one.required === false ? element("small", { id: `${id}-hint` }, "optional") : null);
  }

  select(one, common) {
    const input = element("select", { ...common, multiple: (one.max_values ?? 1) > 1 });
    for (const choice of one.options ?? []) input.append(element("option", { value: choice.value, selected: Boolean(choice.default) }, choice.label));
    return input;
  }

  notice(words) { $("form-notice").hidden = !words; $("form-notice").textContent = words; }

  async submit() {
    const inputs = [...$("form-fields").querySelectorAll("input, textarea, select")];
    for (const input of inputs) input.setAttribute("aria-invalid", String(!input.checkValidity()));
    const wrong = inputs.find((input) => !input.checkValidity());
    if (wrong) {
      this.notice(`${wrong.labels[0].textContent}: ${wrong.validationMessage}`);
      wrong.focus();
      return;
    }
    const value = (input) => (input.localName === "select" ? [...input.selectedOptions].map((one) => one.value) : input.value);
    try {
      await this.send(this.form, Object.fromEntries(inputs.map((input) => [input.name, value(input)])));
      this.dialog.close();
    } catch (error) {
      this.notice(error.message);
    }
  }
}
