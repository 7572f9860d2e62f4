// Slack's confirmation dialog, before an action that asks for one.

import { h, keepToasts } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** Resolves to whether the member agreed. Escape is no. */
export function askToConfirm(spec, people) {
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    const agree = h("button", { type: "button", class: `button ${spec.style ?? "primary"}`, onclick: () => dialog.close("yes") }, spec.confirm.text);
    const deny = h("button", { type: "button", class: "button", onclick: () => dialog.close("no") }, spec.deny.text);
    keepToasts();
    dialog.replaceChildren(
      h("h2", { id: "confirm-title" }, spec.title.text),
      h("div", { class: "text" }, textObject(spec.text, people)),
      h("div", { class: "buttons" }, deny, agree));
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      keepToasts();
      resolve(dialog.returnValue === "yes");
    }, { once: true });
    dialog.showModal();
    deny.focus();
  });
}
