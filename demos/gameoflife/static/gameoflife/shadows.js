// Each step is a sheet of paper: a dead cell that is a step behind lies in its neighbour's shadow.

import {DEAD, UNKNOWN} from './grid.js';
import {night} from './themes.js';

const STRIPS = [0.14, 0.38];    // of a cell
const SMALL = 6;                // CSS pixels; smaller cells have one line of shadow
const LIGHT = [40, 30, 60], DARK = [0, 0, 0];
const STRIP_ALPHA = 0.125, LINE_ALPHA = 0.2;

export const SHADOWS_FROM = 3;  // CSS pixels

// Calls edge(x, y, isBelow, isBack) for each edge of the rows and columns of a grid along which steps differ: to the
// right of the cell at x, y or below it; isBack if that cell lies in the shadow, and not the one beyond the edge.
function eachEdge(grid, {left, right, top, bottom}, edge) {
    const {cells, steps, columns, rows} = grid;
    const behind = (at, other, x, y, isBelow) => {
        const isBack = steps[at] < steps[other];
        if (cells[isBack ? at : other] === DEAD && cells[isBack ? other : at] !== UNKNOWN) {
            edge(x, y, isBelow, isBack);
        }
    };
    for (let y = top; y < bottom; ++y) {
        for (let x = left, at = y * columns + left; x < right; ++x, ++at) {
            if (x + 1 < columns && steps[at] !== steps[at + 1]) {
                behind(at, at + 1, x, y, false);
            }
            if (y + 1 < rows && steps[at] !== steps[at + columns]) {
                behind(at, at + columns, x, y, true);
            }
        }
    }
}

// `place` says where the grid is on the stage: {x, y, unit, ratio}, in device pixels, and the visible cells.
export function drawStrips(context, grid, place) {
    const {x: left, y: top, unit} = place;
    const across = (column) => Math.round(left + column * unit);
    const down = (row) => Math.round(top + row * unit);
    const strips = STRIPS.map((part) => Math.max(1, Math.round(part * unit)));
    context.fillStyle = `rgb(${(night.matches ? DARK : LIGHT).join(' ')} / ${STRIP_ALPHA})`;
    eachEdge(grid, place.visible, (x, y, isBelow, isBack) => {
        for (const wide of strips) {
            if (isBelow) {
                context.fillRect(across(x), down(y + 1) - (isBack ? wide : 0), across(x + 1) - across(x), wide);
            } else {
                context.fillRect(across(x + 1) - (isBack ? wide : 0), down(y), wide, down(y + 1) - down(y));
            }
        }
    });
}

// The lines of small cells, on a canvas of their own: only rows that have changed are drawn anew.
export class ShadowLines {
    #canvas = new OffscreenCanvas(1, 1);
    #data = new ImageData(1, 1);
    #pixels = null;
    #drawn = '';        // for which place and grid
    #grid = null;

    draw(context, grid, place, dirty) {
        const {visible, unit} = place;
        const width = Math.ceil((visible.right - visible.left) * unit);
        const height = Math.ceil((visible.bottom - visible.top) * unit);
        if (width < 1 || height < 1) {
            return;
        }
        const key = JSON.stringify([place, night.matches]);
        let {top, bottom} = visible;
        if (key !== this.#drawn || grid !== this.#grid) {
            this.#resize(width, height);
            this.#drawn = key;
            this.#grid = grid;
        } else if (dirty === null) {
            bottom = top;
        } else {
            top = Math.max(top, dirty.top - 1);                // a row's edges belong to the row above it, too
            bottom = Math.min(bottom, dirty.bottom + 2);
        }
        if (top < bottom) {
            this.#redraw(grid, place, top, bottom);
        }
        const x = place.x + visible.left * unit, y = place.y + visible.top * unit;
        context.drawImage(this.#canvas, Math.round(x), Math.round(y));
    }

    #resize(width, height) {
        if (this.#data.width !== width || this.#data.height !== height) {
            this.#canvas.width = width;
            this.#canvas.height = height;
            this.#data = new ImageData(width, height);
            this.#pixels = new Uint32Array(this.#data.data.buffer);
        }
    }

    // Shadows of a row reach into the next one by a line, so both are cleared, and the one above is drawn again.
    #redraw(grid, {visible, unit}, top, bottom) {
        const pixels = this.#pixels, {width, height} = this.#data;
        const [red, green, blue] = night.matches ? DARK : LIGHT;
        const colour = (Math.round(LINE_ALPHA * 255) << 24 | blue << 16 | green << 8 | red) >>> 0;
        const wide = Math.max(1, Math.round(STRIPS[0] * unit));
        const across = (column) => Math.min(width, Math.round((column - visible.left) * unit));
        const down = (row) => Math.min(height, Math.round((row - visible.top) * unit));
        const first = down(top), last = down(bottom);
        pixels.fill(0, first * width, last * width);
        const fill = (x0, y0, x1, y1) => {
            for (let y = Math.max(y0, first); y < Math.min(y1, last); ++y) {
                pixels.fill(colour, y * width + x0, y * width + x1);
            }
        };
        const from = Math.max(visible.top, top - 1);
        eachEdge(grid, {left: visible.left, right: visible.right, top: from, bottom}, (x, y, isBelow, isBack) => {
            if (isBelow) {
                const edge = down(y + 1) - (isBack ? wide : 0);
                fill(across(x), edge, across(x + 1), edge + wide);
            } else {
                const edge = across(x + 1) - (isBack ? wide : 0);
                fill(edge, down(y), Math.min(width, edge + wide), down(y + 1));
            }
        });
        this.#canvas.getContext('2d').putImageData(this.#data, 0, 0, 0, first, width, last - first);
    }
}

export const isSmall = (unit, ratio) => unit < SMALL * ratio;
