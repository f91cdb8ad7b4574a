// The two plots: messages per second, and the delay of each loop as a map of heat.

import {number, span} from "./live-format.js";
import {find, make, setText} from "./live-dom.js";

const KEPT = 300;
const HEAT_SECONDS = 120;
const STEPS = [[1, "< 1 ms"], [4, "< 4"], [16, "< 16"], [64, "< 64"], [Infinity, "≥ 64"]];

const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--heat-${name}`);
// A colour of the page as a canvas takes it, in the scheme that is in force.
function token(name) {
    const probe = find("say");
    probe.style.color = `var(--${name})`;
    const value = getComputedStyle(probe).color;
    probe.style.color = "";
    return value;
}

// A canvas that is as sharp as the screen.
function prepare(canvas) {
    const ratio = Math.min(devicePixelRatio, 2), width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "12px system-ui, sans-serif";
    return [context, width, height];
}

// Steps of a scale: 1, 2 or 5 times a power of ten, about four of them.
function stepOf(high) {
    const power = 10 ** Math.floor(Math.log10(high / 4));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => high / step <= 5);
}

export class Flow {
    #canvas = find("flow");
    #past = [];
    #marks = [];
    #pointed = null;
    #keys = ["second", "accent"].map((name) => make("span", {class: `key ${name}`}));
    #when = make("span");

    constructor() {
        find("flow-keys").append(...this.#keys, this.#when);
        this.#canvas.addEventListener("pointermove", (event) => this.#point(event.offsetX));
        this.#canvas.addEventListener("pointerleave", () => this.#point(null));
    }

    update(past, marks) {
        this.#past = past;
        this.#marks = marks;
        this.draw();
    }

    #point(x) {
        this.#pointed = x;
        this.draw();
    }

    draw() {
        const past = this.#past;
        if (past.length === 0) {
            return;
        }
        const [g, width, height] = prepare(this.#canvas), left = 52, base = height - 22;
        const high = 1.1 * Math.max(10, ...past.map((now) => Math.max(now.in, now.out)));
        const x = (at) => width - (width - left) * (past.at(-1).at - at) / (KEPT - 1);
        const y = (value) => base - (base - 6) * value / high;
        this.#scale(g, {left, width, base, height, high, y});
        for (const [name, css] of [["out", "second"], ["in", "accent"]]) {
            this.#line(g, name, token(css), {x, y, base});
        }
        for (const mark of this.#marks.filter((each) => x(each.at) > left)) {
            this.#mark(g, x(mark.at), mark.text, {width, base});
        }
        this.#tell(g, {left, width, base, x});
    }

    #scale(g, {left, width, base, height, high, y}) {
        g.fillStyle = token("muted");
        g.strokeStyle = token("line");
        g.textAlign = "right";
        const step = stepOf(high);
        for (let value = 0; value <= high; value += step) {
            g.fillText(value.toLocaleString("en", {notation: "compact"}), left - 10, y(value) + 4);
            g.beginPath();
            g.moveTo(left, Math.round(y(value)) + 0.5);
            g.lineTo(width, Math.round(y(value)) + 0.5);
            g.stroke();
        }
        g.fillText("now", width, height - 4);
        g.textAlign = "left";
        g.fillText("5 min ago", left, height - 4);
    }

    #line(g, name, css, {x, y, base}) {
        const past = this.#past;
        g.beginPath();
        past.forEach((now) => g.lineTo(x(now.at), y(now[name])));
        g.strokeStyle = g.fillStyle = css;
        g.lineWidth = 1.8;
        g.lineJoin = "round";
        g.stroke();
        g.lineTo(x(past.at(-1).at), base);
        g.lineTo(x(past[0].at), base);
        g.globalAlpha = 0.1;
        g.fill();
        g.globalAlpha = 1;
    }

    #mark(g, x, text, {width, base}) {
        g.strokeStyle = g.fillStyle = token("muted");
        g.lineWidth = 1;
        g.setLineDash([3, 3]);
        g.beginPath();
        g.moveTo(x, 4);
        g.lineTo(x, base);
        g.stroke();
        g.setLineDash([]);
        g.textAlign = x > width - 80 ? "right" : "left";
        g.fillText(text, x + (x > width - 80 ? -6 : 6), 14);
    }

    // The figures of the second that is pointed at, or of now.
    #tell(g, {left, width, base, x}) {
        const past = this.#past, last = past.at(-1);
        let shown = last;
        if (this.#pointed !== null) {
            const at = last.at - (width - this.#pointed) / (width - left) * (KEPT - 1);
            shown = past.reduce((best, now) => Math.abs(now.at - at) < Math.abs(best.at - at) ? now : best);
            g.fillStyle = token("ink");
            g.globalAlpha = 0.5;
            g.fillRect(x(shown.at), 4, 1, base - 4);
            g.globalAlpha = 1;
        }
        setText(this.#keys[0], `out ${number(shown.out)}`);
        setText(this.#keys[1], `in ${number(shown.in)}`);
        setText(this.#when, shown === last ? "" : `${Math.round(last.at - shown.at)} s ago`);
        this.#canvas.ariaLabel = `Messages per second over five minutes: now ${number(last.in)} in and ` +
            `${number(last.out)} out.`;
    }
}

// One row a loop, one column a second. Lightness falls (rises, in the dark) with the delay: it reads without hue.
export class Heat {
    #canvas = find("heat");
    #past = [];

    constructor() {
        find("heat-keys").append(...STEPS.map(([, name], i) =>
            make("li", {}, make("i", {class: `heat-${i}`}), name)));
    }

    update(past) {
        this.#past = past;
        this.draw();
    }

    draw() {
        const seen = this.#past.slice(-HEAT_SECONDS);
        if (seen.length === 0) {
            return;
        }
        const loops = seen.at(-1).delays.length, [g, width, height] = prepare(this.#canvas), left = 48;
        const tall = (height - 20) / loops, wide = (width - left) / HEAT_SECONDS;
        const x = (i) => left + (HEAT_SECONDS - seen.length + i) * wide;
        const colours = STEPS.map((_, i) => colour(i));
        g.textBaseline = "middle";
        for (let loop = 0; loop < loops; ++loop) {
            g.fillStyle = token("muted");
            if (tall >= 12) {
                g.fillText(`loop ${loop + 1}`, 0, (loop + 0.5) * tall);
            }
            seen.forEach((now, i) => {
                g.fillStyle = colours[STEPS.findIndex(([limit]) => (now.delays[loop] ?? 0) < limit)];
                g.fillRect(x(i), loop * tall + 1, wide + 0.5, Math.max(tall - 3, 1));
            });
        }
        this.#tell(g, seen, {x, tall, wide, width, height, left});
    }

    #tell(g, seen, {x, tall, wide, width, height, left}) {
        let worst = {delay: 8, at: -1, loop: 0};
        seen.forEach((now, at) => now.delays.forEach((delay, loop) => {
            worst = delay > worst.delay ? {delay, at, loop} : worst;
        }));
        g.textBaseline = "alphabetic";
        g.fillStyle = token("muted");
        g.fillText("2 min ago", left, height - 2);
        g.textAlign = "right";
        g.fillText("now", width, height - 2);
        const has = worst.at >= 0, where = x(worst.at);
        if (has) {
            const isRight = where > width - 120;
            g.fillStyle = g.strokeStyle = token("ink");
            g.textAlign = isRight ? "right" : "left";
            g.font = "600 12px system-ui, sans-serif";
            g.fillText(span(worst.delay), where + (isRight ? -8 : wide + 8), (worst.loop + 0.5) * tall + 4);
            g.lineWidth = 1.5;
            g.strokeRect(where - 2, worst.loop * tall, wide + 4, Math.max(tall - 1, 2));
        }
        const said = has ? `${span(worst.delay)}, loop ${worst.loop + 1}` : "under 8 ms";
        this.#canvas.ariaLabel = `Delay of ${seen.at(-1).delays.length} loops over two minutes. Worst: ${said}.`;
    }
}

export function onScheme(draw) {
    dark.addEventListener("change", draw);
}
