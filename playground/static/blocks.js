// Block Kit blocks as DOM nodes. Elements that one can use are in elements.js.

import { h, newId } from "./dom.js";
import { element } from "./elements.js";
import { textObject } from "./mrkdwn.js";

/**
 * Blocks as nodes. `place` says where they stand: `people`, `state` (values by block and action id), `errors`,
 * `heading` (a header's tag), `act(block, element, chosen)`, `suggest(block, element, query)`.
 */
export function blockNodes(blocks, place) {
  return blocks.map((block) => (RENDER[block.type] ?? unknown)(block, place));
}

const unknown = (block) => h("p", { class: "block unknown" }, `(${block.type})`);

const RENDER = {
  header: (block, place) => h(place.heading ?? "h2", { class: "block header" }, textObject(block.text, place.people)),
  divider: () => h("hr", { class: "block divider" }),
  image: (block) => picture(block, "block image"),
  section,
  context,
  actions: (block, place) =>
    h("div", { class: "block actions" }, block.elements.map((each) => element(block, each, place))),
  input,
};

function section(block, place) {
  return h("div", { class: "block section" },
    h("div", { class: "section-text" },
      block.text && h("div", { class: "text" }, textObject(block.text, place.people)),
      block.fields && h("div", { class: "fields" },
        block.fields.map((field) => h("div", { class: "text" }, textObject(field, place.people))))),
    block.accessory && h("div", { class: "accessory" },
      block.accessory.type === "image" ? picture(block.accessory, "thumbnail") : element(block, block.accessory, place)));
}

function context(block, place) {
  return h("div", { class: "block context" }, block.elements.map((each) =>
    each.type === "image" ? picture(each, "context-image") : h("span", {}, textObject(each, place.people))));
}

function picture(image, className) {
  return h("figure", { class: className },
    image.title && h("figcaption", {}, image.title.text),
    h("img", { src: image.image_url, alt: image.alt_text, loading: "lazy" }));
}

function input(block, place) {
  const label = newId("label");
  const hint = block.hint && newId("hint");
  const error = newId("error");
  const wrong = place.errors?.[block.block_id];
  const described = [wrong && error, hint].filter(Boolean).join(" ");
  const names = { labelledBy: label, describedBy: described || undefined, invalid: Boolean(wrong), required: !block.optional };
  const node = element(block, block.element, place, names);
  const control = [node, ...node.children].find((each) => each.matches(":is(input, select, textarea).control"));
  if (control) control.id = newId("field");
  return h("div", { class: wrong ? "block input wrong" : "block input", "data-block": block.block_id },
    h(control ? "label" : "div", { class: "label", id: label, for: control?.id }, textObject(block.label, place.people),
      block.optional && h("span", { class: "optional" }, " (optional)")),
    node,
    wrong && h("p", { class: "field-error", id: error }, wrong),
    block.hint && h("p", { class: "hint", id: hint }, textObject(block.hint, place.people)));
}
