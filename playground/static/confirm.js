// Slack's confirmation dialog, for elements that have `confirm`.

import { h, keepToasts } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** Ask for confirmation. Resolve to whether the member agreed; Escape means no. */
export function askToConfirm(spec, directory) {
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    const agree = h("button", { type: "button", class: `button ${spec.style ?? "primary"}`, onclick: () => dialog.close("yes") }, spec.confirm.text);
    const deny = h("button", { type: "button", class: "button", onclick: () => dialog.close("no") }, spec.deny.text);
    keepToasts();
    dialog.replaceChildren(
      h("h2", { id: "confirm-title" }, spec.title.text),
      h("div", { class: "text" }, textObject(spec.text, directory)),
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
