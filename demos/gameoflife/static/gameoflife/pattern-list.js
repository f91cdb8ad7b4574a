// The shipped patterns as buttons with pictures; one of them is chosen.

import {make} from './elements.js';
import {patterns} from './patterns.js';

const WIDTH = 128;            // device pixels of a picture
const HEIGHT = 96;
const MARGIN = 8;
const LARGEST_CELL = 14;

function paint(canvas, {width, height, alive}) {
    const context = canvas.getContext('2d');
    const scale = Math.floor(Math.min(LARGEST_CELL, (WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN) / height));
    const left = WIDTH - width * scale >> 1, top = HEIGHT - height * scale >> 1, side = Math.max(2, scale - 1);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = getComputedStyle(canvas).color;
    for (const [row, column] of alive) {
        context.fillRect(left + column * scale, top + row * scale, side, side);
    }
}

function item({id, name, about}) {
    return make('button', {type: 'button', 'data-pattern': id, 'aria-pressed': 'false'},
        make('canvas', {width: WIDTH, height: HEIGHT, 'aria-hidden': 'true'}),
        make('span', {}, name), make('small', {}, about));
}

export class PatternList {
    #node;
    #chosen = null;
    #known = [];

    // Calls chose() when somebody has chosen another one.
    constructor(node, chose) {
        this.#node = node;
        node.addEventListener('click', ({target}) => {
            const button = target.closest('button');
            if (button !== null) {
                this.#choose(button.dataset.pattern);
                chose();
            }
        });
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
    }

    // The chosen pattern, or null before any has come.
    get chosen() { return this.#known.find(({id}) => id === this.#chosen) ?? null; }

    // Fetches them if it has not yet. Throws when that fails.
    async load() {
        if (this.#known.length === 0) {
            this.#known = await patterns();
            this.#node.replaceChildren(...this.#known.map(item));
            this.#paint();
            this.#choose(this.#known[0].id);
        }
    }

    #choose(id) {
        this.#chosen = id;
        for (const button of this.#node.children) {
            button.ariaPressed = String(button.dataset.pattern === id);
        }
    }

    #paint() {
        this.#known.forEach((pattern, index) => paint(this.#node.children[index].firstChild, pattern));
    }
}
