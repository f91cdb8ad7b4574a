// Elements that stay where they are while their texts change.

export const find = (id) => document.getElementById(id);

// An element with properties, attributes ("class", "data-..." or "aria-..."), and children.
export function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
        if (key === "class" || key.includes("-") || key === "role") {
            element.setAttribute(key, value);
        } else {
            element[key] = value;
        }
    }
    element.append(...children);
    return element;
}

// Changes a text only if it is another one: selections and screen readers are left in peace.
export function setText(element, text) {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

// Gives each item an element of its own, found again by its key, in the items' order. `build(item)` makes one, and
// `update(element, item)` fills it in.
export function keyed(parent, items, key, build, update) {
    const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    let place = parent.firstElementChild;
    for (const item of items) {
        const name = String(key(item));
        let element = old.get(name);
        old.delete(name);
        if (!element) {
            element = build(item);
            element.dataset.key = name;
        }
        if (element === place) {
            place = place.nextElementSibling;
        } else {
            parent.insertBefore(element, place);
        }
        update(element, item);
    }
    for (const element of old.values()) {
        element.remove();
    }
}

// Whether somebody points at an element or has the focus in it: nothing may move there.
export const isUsed = (element) => element.matches(":hover") || element.contains(document.activeElement);
