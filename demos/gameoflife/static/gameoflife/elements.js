// Small helps for building and filling elements.

export const element = (id) => document.getElementById(id);

// 4096 is shown as 4,096.
export const number = (value) => Math.round(value).toLocaleString('en');

// Changes nothing that is already so: a screen reader and the page's layout notice every change.
export function show(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

// An element with attributes and children: make('p', {class: 'note'}, 'Text'). Attributes that are null are left out.
export function make(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) {
        if (value !== null) {
            made.setAttribute(attribute, value);
        }
    }
    made.append(...children);
    return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function makeSvg(name, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes)) {
        made.setAttribute(attribute, value);
    }
    made.append(...children);
    return made;
}

// A picture of the page's icons.html.
export function icon(name) {
    return makeSvg('svg', {viewBox: '0 0 18 18', 'aria-hidden': 'true'}, makeSvg('use', {href: `#icon-${name}`}));
}
