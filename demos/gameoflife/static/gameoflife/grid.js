// The cells that the page knows, in typed arrays: state, step, and the step of the last change. No drawing, no network.

export const DEAD = 0;
export const ALIVE = 1;
export const UNKNOWN = 2;           // not yet heard from

export const LARGEST = 4096;        // a grid's side, in cells
export const LAST_STEP = 0x7fffffff;

// A grid of size x size cells, or of blocks of 2^zoom x 2^zoom cells, or a window of that: all lengths but `size` are in
// blocks. A block has a shade, from 0, all dead, to 15, all alive; its step is that of its oldest cell.
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
        this.painter = null;     // paint(at): the pixel of a cell is out of date
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

    // A cell has said its state. `changed` is the step of its last change, if the server tells it.
    put(at, step, state, changed = -1) {
        const before = this.cells[at];
        if (before === UNKNOWN) {
            ++this.heard;
            this.stepSum += step;
        } else {
            this.stepSum += step - this.steps[at];
        }
        if (before !== state) {
            this.population += state - (before === ALIVE ? 1 : 0);
            this.cells[at] = state;
        }
        if (changed >= 0) {
            this.changes[at] = changed;
        } else if (before !== state || step < this.steps[at]) {   // a step goes back in the next game
            this.changes[at] = step;
        }
        this.steps[at] = step;
        if (step > this.youngest) {
            this.youngest = step;
        }
        this.painter.paint(at);
    }

    putBlock(at, step, shade, changed) {
        this.shades[at] = shade;
        this.put(at, step, shade > 0 ? ALIVE : DEAD, changed);
    }

    forget(at) {
        if (this.cells[at] !== UNKNOWN) {
            --this.heard;
            this.stepSum -= this.steps[at];
            this.population -= this.cells[at];
            this.cells[at] = UNKNOWN;
            this.painter.paint(at);
        }
    }

    forgetAll() {
        this.cells.fill(UNKNOWN);
        this.heard = this.population = this.youngest = this.stepSum = 0;
        this.painter.repaint();
    }
}
