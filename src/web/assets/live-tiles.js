// The row of figures, each with its last five minutes.

import {bytes, number, short, span} from "./live-format.js";
import {find, make, setText} from "./live-dom.js";

const KEPT = 300;
const SVG = "http://www.w3.org/2000/svg";

const worst = (now) => Math.max(...now.delays, 0);
const each = (count, bytes_) => count > 0 ? `${(bytes_ / count).toFixed(1)} B a message` : "no messages";

const TILES = [
    {
        name: "Connections",
        text: (now) => number(now.open),
        value: (now) => now.open,
        more: (now) => `+${number(now.accepted)} and −${number(now.left)} a second`,
    },
    {
        name: "Messages/s",
        text: (now) => number(now.in + now.out),
        value: (now) => now.in + now.out,
        more: (now) => `${short(now.in)} in, ${short(now.out)} out`,
    },
    {
        name: "Sent/s",
        text: (now) => bytes(now.sent),
        value: (now) => now.sent,
        more: (now) => each(now.out, now.sent),
    },
    {
        name: "Loop delay, worst",
        text: (now) => span(worst(now)),
        value: (now) => Math.sqrt(worst(now)),
        more: (now) => `loop ${now.delays.indexOf(worst(now)) + 1} of ${now.delays.length}`,
    },
    {
        name: "Queued",
        text: (now) => bytes(now.queued),
        value: (now) => now.queued,
        more: (now) => `${number(now.slow)} slow ${now.slow === 1 ? "reader" : "readers"}`,
    },
    {
        name: "Memory",
        text: (now) => now.memory.each === null ? "–" : bytes(now.memory.each),
        unit: "each",
        value: (now) => now.memory.all,
        more: (now) => `${bytes(now.memory.all)} in all`,
    },
];

function shape(name, css, parent) {
    const element = document.createElementNS(SVG, name);
    element.setAttribute("class", css);
    parent.append(element);
    return element;
}

class Tile {
    constructor({name, text, value, more, unit}) {
        Object.assign(this, {text, value, more});
        this.figure = make("dd", {class: "figure"});
        this.number = make("span");
        this.figure.append(this.number, unit ? make("small", {textContent: ` ${unit}`}) : "");
        this.note = make("dd", {class: "note"});
        const svg = document.createElementNS(SVG, "svg");
        svg.setAttribute("viewBox", `0 0 ${KEPT - 1} 30`);
        svg.setAttribute("preserveAspectRatio", "none");
        svg.setAttribute("aria-hidden", "true");
        this.area = shape("path", "area", svg);
        this.line = shape("path", "line", svg);
        this.element = make("div", {}, make("dt", {class: "note", textContent: name}), this.figure, this.note,
                            make("dd", {class: "line"}, svg));
    }

    update(past) {
        const now = past.at(-1);
        setText(this.number, this.text(now));
        setText(this.note, this.more(now));
        const values = past.map(this.value), high = Math.max(...values), low = 0.6 * Math.min(...values);
        const first = KEPT - values.length;
        const line = values.map((value, i) =>
            `${first + i} ${(29 - 27 * (value - low) / (high - low || 1)).toFixed(1)}`).join("L");
        this.line.setAttribute("d", `M${line}`);
        this.area.setAttribute("d", `M${line}V30H${first}Z`);
    }
}

export class Tiles {
    #tiles = TILES.map((tile) => new Tile(tile));

    constructor() {
        find("tiles").append(...this.#tiles.map((tile) => tile.element));
    }

    update(past) {
        for (const tile of this.#tiles) {
            tile.update(past);
        }
    }
}
