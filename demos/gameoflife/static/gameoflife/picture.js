// A grid as an image, one pixel a cell. An update writes its pixel at once; the rows that have changed go onto the
// image together, when somebody draws it.

import {DEEPEST, OLDEST, PERIOD} from './themes.js';
import {UNKNOWN} from './grid.js';

// A frame can repaint so many, besides all that it draws.
const CELLS_AT_ONCE = 200_000;

function keyOf(kind, step, change, youngest) {
    switch (kind) {
        case 'step': return step % PERIOD;
        case 'depth': return Math.min(Math.max(0, youngest - step), DEEPEST);
        case 'age': return Math.min(Math.max(0, step - change), OLDEST);
        default: return 0;
    }
}

export class Picture {
    #grid;
    #data;
    #pixels;
    #colours;
    #keyOf;
    #youngest = 0;      // as the colours of depths have it
    #next = 0;          // the row that gets its new depths next,
    #left = 0;          // and how many rows still need them

    constructor(grid, palette) {
        this.#grid = grid;
        this.#data = new ImageData(grid.columns, grid.rows);
        this.#pixels = new Uint32Array(this.#data.data.buffer);
        this.dirtyTop = grid.rows;
        this.dirtyBottom = -1;
        this.canvas = new OffscreenCanvas(grid.columns, grid.rows);
        this.setPalette(palette);
    }

    setPalette(palette) {
        this.#colours = this.#grid.shades === null ? palette.pixels : palette.blocks;
        this.#keyOf = palette.theme.keyOf;
        this.repaint();
    }

    // The pixels of some cells of a row are out of date.
    paint(row, column, count) {
        const first = row * this.#grid.columns + column;
        this.#repaint(first, first + count);
        this.#soil(row, row);
    }

    // All pixels are out of date.
    repaint() {
        this.#youngest = this.#grid.youngest;
        this.#left = 0;
        this.#repaintRows(0, this.#grid.rows);
    }

    // A new leader changes every depth, be it of a million cells: some rows get theirs now, the others in the next
    // frames. Returns whether there are such.
    deepen() {
        const {rows, columns, youngest} = this.#grid;
        if (this.#keyOf === 'depth' && this.#youngest !== youngest) {
            this.#youngest = youngest;
            this.#left = rows;
        }
        const count = Math.min(this.#left, Math.ceil(CELLS_AT_ONCE / columns), rows - this.#next);
        this.#repaintRows(this.#next, this.#next + count);
        this.#next = (this.#next + count) % rows;
        this.#left -= count;
        return this.#left > 0;
    }

    #repaintRows(top, bottom) {
        const {columns} = this.#grid;
        if (top < bottom) {
            this.#repaint(top * columns, bottom * columns);
            this.#soil(top, bottom - 1);
        }
    }

    #soil(top, bottom) {
        this.dirtyTop = Math.min(this.dirtyTop, top);
        this.dirtyBottom = Math.max(this.dirtyBottom, bottom);
    }

    // A million pixels may come this way between two frames: the loop has all it needs at hand.
    #repaint(from, to) {
        const {cells, shades, steps, changes, youngest} = this.#grid;
        const pixels = this.#pixels, colours = this.#colours, kind = this.#keyOf;
        for (let at = from; at < to; ++at) {
            const state = cells[at], level = shades === null ? state : shades[at];
            const key = keyOf(kind, steps[at], changes[at], youngest);
            pixels[at] = state === UNKNOWN ? 0 : colours[level * PERIOD + key];
        }
    }

    // The key of a cell's colour: see THEMES.
    keyOf(at) {
        const {steps, changes, youngest} = this.#grid;
        return keyOf(this.#keyOf, steps[at], changes[at], youngest);
    }

    // Brings the image up to date. Returns the rows that have changed, {top, bottom}, or null.
    flush() {
        const top = this.dirtyTop, bottom = this.dirtyBottom;
        if (top > bottom) {
            return null;
        }
        this.canvas.getContext('2d').putImageData(this.#data, 0, 0, 0, top, this.#grid.columns, bottom - top + 1);
        this.dirtyTop = this.#grid.rows;
        this.dirtyBottom = -1;
        return {top, bottom};
    }
}
