// A grid as an image, one pixel a cell. An update writes its pixel at once; the rows that have changed go onto the image
// together, when somebody draws it.

import {DEEPEST, OLDEST, PERIOD} from './themes.js';
import {UNKNOWN} from './grid.js';

export class Picture {
    #grid;
    #data;
    #pixels;
    #colours;
    #keyOf;
    #youngest = 0;      // when the colours of depths were last made

    constructor(grid, palette) {
        this.#grid = grid;
        this.#data = new ImageData(grid.columns, grid.rows);
        this.#pixels = new Uint32Array(this.#data.data.buffer);
        this.canvas = new OffscreenCanvas(grid.columns, grid.rows);
        grid.painter = this;
        this.setPalette(palette);
    }

    setPalette(palette) {
        this.#colours = this.#grid.shades === null ? palette.pixels : palette.blocks;
        this.#keyOf = palette.theme.keyOf;
        this.repaint();
    }

    // The pixel of one cell is out of date.
    paint(at) {
        const {cells, shades, columns} = this.#grid;
        const state = cells[at];
        this.#pixels[at] = state === UNKNOWN ? 0 : this.#colours[(shades === null ? state : shades[at]) * PERIOD + this.keyOf(at)];
        const row = at / columns | 0;
        if (row < this.dirtyTop) {
            this.dirtyTop = row;
        }
        if (row > this.dirtyBottom) {
            this.dirtyBottom = row;
        }
    }

    repaint() {
        this.#youngest = this.#grid.youngest;
        this.dirtyTop = 0;
        this.dirtyBottom = this.#grid.rows - 1;
        for (let at = 0; at < this.#pixels.length; ++at) {
            this.paint(at);
        }
    }

    // Brings the image up to date. Returns the rows that have changed, {top, bottom}, or null.
    flush() {
        if (this.#keyOf === 'depth' && this.#youngest !== this.#grid.youngest) {
            this.repaint();
        }
        const top = this.dirtyTop, bottom = this.dirtyBottom;
        if (top > bottom) {
            return null;
        }
        this.canvas.getContext('2d').putImageData(this.#data, 0, 0, 0, top, this.#grid.columns, bottom - top + 1);
        this.dirtyTop = this.#grid.rows;
        this.dirtyBottom = -1;
        return {top, bottom};
    }

    keyOf(at) {
        const grid = this.#grid;
        switch (this.#keyOf) {
            case 'step': return grid.steps[at] % PERIOD;
            case 'depth': return Math.min(Math.max(0, grid.youngest - grid.steps[at]), DEEPEST);
            case 'age': return Math.min(Math.max(0, grid.steps[at] - grid.changes[at]), OLDEST);
            default: return 0;
        }
    }
}
