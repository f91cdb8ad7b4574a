// The cells that the page knows, in typed arrays: state, step, and the step of the last change. No drawing, no network.

export const DEAD = 0;
export const ALIVE = 1;
export const UNKNOWN = 2;           // not yet heard from

export const LARGEST = 4096;        // a grid's side, in cells
export const LAST_STEP = 0x7fffffff;

// A grid of size x size cells, or of blocks of 2^zoom x 2^zoom cells, or a window of that: all lengths but `size` are
// in blocks. A block has a shade, from 0, all dead, to 15, all alive; its step is that of its oldest cell.
export class Grid {
    constructor(size, window = {}) {
        const side = Math.ceil(size / 2 ** (window.zoom ?? 0));
        this.size = size;
        this.zoom = window.zoom ?? 0;
        this.left = window.left ?? 0;
        this.top = window.top ?? 0;
        this.columns = window.columns ?? side;
        this.rows = window.rows ?? side;
        this.isWhole = this.columns === side && this.rows === side;
        const count = this.columns * this.rows;
        this.cells = new Uint8Array(count).fill(UNKNOWN);   // by row: row * columns + column
        this.steps = new Int32Array(count);
        this.changes = new Int32Array(count);               // the step of each cell's last change of state
        this.shades = this.zoom > 0 ? new Uint8Array(count) : null;
        this.heard = 0;          // cells
        this.population = 0;     // of cells, or blocks with a live one
        this.youngest = 0;
        this.stepSum = 0;        // of all that have been heard from
    }

    // The index of a cell, or of the block that it is in; -1 outside the window.
    at({row, col}) {
        const y = (row >> this.zoom) - this.top, x = (col >> this.zoom) - this.left;
        return x >= 0 && y >= 0 && x < this.columns && y < this.rows ? y * this.columns + x : -1;
    }

    // The step that the cells have reached, on average: neighbours may be one step apart.
    get step() {
        return this.heard === 0 ? 0 : Math.floor(this.stepSum / this.heard);
    }

    // Takes the values of some cells of a row, as a picture of life.viewer has them: 0 for a cell that nobody has heard
    // from, else 1 + 2 * (step - base) + state, or of blocks 1 + 16 * (step - base) + shade. `ages`, if there are any,
    // are the steps since the last change of state. The caller has the cells painted.
    //
    // Millions of values come this way each second: the loop has all it needs at hand.
    put(first, count, values, base, ages) {
        const {cells, steps, changes, shades} = this;
        const bits = shades === null ? 1 : 4, mask = (1 << bits) - 1;
        let {heard, population, stepSum, youngest} = this;
        for (let i = 0; i < count; ++i) {
            const at = first + i, value = values[i], before = cells[at];
            if (before !== UNKNOWN) {
                --heard;
                population -= before;
                stepSum -= steps[at];
            }
            if (value === 0) {
                cells[at] = UNKNOWN;
                continue;
            }
            const step = base + ((value - 1) >>> bits), level = (value - 1) & mask;
            const state = level > 0 ? ALIVE : DEAD;
            if (ages !== null) {
                changes[at] = step - ages[i];
            } else if (before !== state || step < steps[at]) {   // a step goes back in the next game
                changes[at] = step;
            }
            if (shades !== null) {
                shades[at] = level;
            }
            cells[at] = state;
            steps[at] = step;
            ++heard;
            population += state;
            stepSum += step;
            youngest = step > youngest ? step : youngest;
        }
        this.heard = heard;
        this.population = population;
        this.stepSum = stepSum;
        this.youngest = youngest;
    }

    forgetAll() {
        this.cells.fill(UNKNOWN);
        this.heard = this.population = this.youngest = this.stepSum = 0;
    }
}
