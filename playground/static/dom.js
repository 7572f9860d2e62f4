// DOM helpers: elements, presses, toasts and menus. Text always becomes a text node; nothing on this page parses HTML.

/** Create an element with these properties, listeners (`on…`), attributes (`data-…`, `aria-…`) and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && name !== "list" && name !== "role") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let lastId = 0;

/** Return an id that is unique on this page. */
export function newId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

let pressed = Promise.resolve();
let release = () => {};

function hold(event) {
  if (event.repeat || (event.type === "keydown" && event.key !== " ") || !event.target.closest?.("button, a")) return;
  release();
  pressed = new Promise((resolve) => { release = resolve; });
}

for (const name of ["pointerdown", "keydown"]) addEventListener(name, hold, true);
// The click follows at once, and before any timer. What follows a context menu does not reach the page.
for (const name of ["pointerup", "pointercancel", "contextmenu", "keyup"]) addEventListener(name, () => setTimeout(release), true);
addEventListener("blur", (event) => event.target === window && release(), true);

/** Resolve once no button is held down: one that is rendered again meanwhile gets no click. */
export const untilReleased = () => pressed;

const toasts = h("div", { class: "toasts" });

/** Show a toast for eight seconds or until dismissed. A repeated text replaces its earlier toast. */
export function toast(text) {
  const dismiss = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss" }, "×");
  const notice = h("div", { class: "toast", role: "alert" }, h("span", {}, text), dismiss);
  dismiss.addEventListener("click", () => notice.remove());
  // A dialog covers the rest of the page, so show the toast inside it.
  (document.querySelector(".confirm[open]") ?? document.querySelector("dialog[open]") ?? document.body).append(toasts);
  for (const other of [...toasts.children]) if (other.textContent === notice.textContent) other.remove();
  toasts.append(notice);
  setTimeout(() => notice.remove(), 8000);
}

/** Move the toasts out of a dialog that is about to close or to be rendered again. */
export function keepToasts() {
  if (toasts.isConnected) document.body.append(toasts);
}

/** Open a menu below `anchor`. Arrow keys move; Escape or a click outside closes it. */
export function openMenu(anchor, items, choose) {
  const buttons = items.map((item) =>
    h("button", { type: "button", role: "menuitem", onclick: () => { close(); choose(item); } }, item.label));
  const menu = h("div", { class: "menu", role: "menu" }, buttons);
  const close = () => {
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    anchor.focus();
  };
  const outside = (event) => { if (!menu.contains(event.target)) close(); };
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const at = buttons.indexOf(document.activeElement);
      buttons[(at + step + buttons.length) % buttons.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  anchor.after(menu);
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  buttons[0]?.focus();
}
