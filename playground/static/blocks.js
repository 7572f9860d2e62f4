// Block Kit blocks as DOM nodes. See elements.js for interactive elements.

import { h, newId } from "./dom.js";
import { element } from "./elements.js";
import { lines, link, textObject } from "./mrkdwn.js";

/**
 * Return blocks as nodes. `context` has `directory`, `state` (values by block and action id), `errors`,
 * `heading` (the tag of headers), `act(block, element, chosen)` and `suggest(block, element, query)`.
 */
export function blockNodes(blocks, context) {
  return blocks.map((block) => (RENDER[block.type] ?? unknown)(block, context));
}

const unknown = (block) => h("p", { class: "block unknown" }, `(${block.type})`);

const RENDER = {
  header: (block, context) => h(context.heading ?? "h2", { class: "block header" }, textObject(block.text, context.directory)),
  alert: (block, context) => h("div", { class: `block alert ${block.level ?? "default"}`, role: "alert" }, textObject(block.text, context.directory)),
  divider: () => h("hr", { class: "block divider" }),
  image: (block) => picture(block, "block image"),
  section,
  rich_text: richText,
  context: contextBlock,
  actions: (block, context) =>
    h("div", { class: "block actions" }, block.elements.map((each) => element(block, each, context))),
  input,
};

function section(block, context) {
  return h("div", { class: "block section" },
    h("div", { class: "section-text" },
      block.text && h("div", { class: "text" }, textObject(block.text, context.directory)),
      block.fields && h("div", { class: "fields" },
        block.fields.map((field) => h("div", { class: "text" }, textObject(field, context.directory))))),
    block.accessory && h("div", { class: "accessory" },
      block.accessory.type === "image" ? picture(block.accessory, "thumbnail") : element(block, block.accessory, context)));
}

function richText(block) {
  return h("div", { class: "block section" }, h("div", { class: "text" }, block.elements.flatMap((part) =>
    part.elements.flatMap((each) => (each.type === "link" ? [link(each.url, each.text ?? each.url)] : lines(each.text))))));
}

function contextBlock(block, context) {
  return h("div", { class: "block context" }, block.elements.map((each) =>
    each.type === "image" ? picture(each, "context-image") : h("span", {}, textObject(each, context.directory))));
}

function picture(image, className) {
  return h("figure", { class: className },
    image.title && h("figcaption", {}, image.title.text),
    h("img", { src: image.image_url, alt: image.alt_text, loading: "lazy" }));
}

function input(block, context) {
  const label = newId("label");
  const hint = block.hint && newId("hint");
  const error = newId("error");
  const wrong = context.errors?.[block.block_id];
  const described = [wrong && error, hint].filter(Boolean).join(" ");
  const names = { labelledBy: label, describedBy: described || undefined, invalid: Boolean(wrong), required: !block.optional };
  const node = element(block, block.element, context, names);
  const control = [node, ...node.children].find((each) => each.matches(":is(input, select, textarea).control"));
  if (control) control.id = newId("field");
  return h("div", { class: wrong ? "block input wrong" : "block input", "data-block": block.block_id },
    h(control ? "label" : "div", { class: "label", id: label, for: control?.id }, textObject(block.label, context.directory),
      block.optional && h("span", { class: "optional" }, " (optional)")),
    node,
    wrong && h("p", { class: "field-error", id: error }, wrong),
    block.hint && h("p", { class: "hint", id: hint }, textObject(block.hint, context.directory)));
}
