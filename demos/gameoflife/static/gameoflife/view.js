// Where the page looks: which part of the grid, how large, and which cell is pinned or pointed at. It draws nothing.
// Sends 'change' when something of it is to be drawn anew, 'cell' when another cell is pinned or pointed at.

const LARGEST_CELL = 64;    // CSS pixels
const WHOLE_FROM = 2.5;     // device pixels; a fitted grid's larger cells are all of one size
const SMALLEST_GRID = 9;    // device pixels

// CSS pixels above and below a fitted grid, which lie under the status and the dock.
function covered() {
    if (innerWidth < 640) {
        return {above: 50, below: 64, beside: 16};
    }
    return innerWidth < 1200 ? {above: 64, below: 60, beside: 16} : {above: 8, below: 8, beside: 16};
}

const clamp = (least, value, most) => Math.min(most, Math.max(least, value));

export class View extends EventTarget {
    #size;
    #pinned = null;
    #hovered = null;

    constructor(size) {
        super();
        this.#size = size;
        this.isStaged = false;  // the stage has told its size
        this.width = 1;         // of the stage, in device pixels
        this.height = 1;
        this.ratio = 1;         // device pixels in a CSS pixel
        this.scale = 1;         // device pixels in a cell
        this.x = size / 2;      // the place of the grid in the middle of the stage, in cells
        this.y = size / 2;
        this.fitted = true;     // until zoomed or moved
        this.#settle();
    }

    get size() { return this.#size; }

    // The pinned cell and the one pointed at, {row, col} or null; the cursor is the pinned one, if there is one.
    get pinned() { return this.#pinned; }
    get hovered() { return this.#hovered; }
    get cursor() { return this.#pinned ?? this.#hovered; }

    // Where the grid's corner is on the stage, and how long its side, in device pixels.
    get left() { return Math.round(this.width / 2 - this.x * this.scale); }
    get top() { return Math.round(this.height / 2 - this.y * this.scale); }
    get side() { return this.#size * this.scale; }

    // A grid of another size is shown as a whole.
    resize(size) {
        this.#size = size;
        this.#pinned = this.#hovered = null;
        this.fitted = true;
        this.#moved();
        this.#looked();
    }

    // The stage has another size, in device pixels.
    stage(width, height, ratio) {
        this.scale *= this.fitted ? 1 : ratio / this.ratio;
        Object.assign(this, {width, height, ratio});
        this.isStaged = true;
        this.#moved();
    }

    fit() {
        this.fitted = true;
        this.#moved();
    }

    // Zooms around a point of the stage, in CSS pixels; without one, around the middle.
    zoom(factor, x = this.width / this.ratio / 2, y = this.height / this.ratio / 2) {
        const before = this.scale;
        this.scale = this.#allowed(before * factor);
        const kept = 1 / before - 1 / this.scale;
        this.x += (x * this.ratio - this.width / 2) * kept;
        this.y += (y * this.ratio - this.height / 2) * kept;
        this.fitted = false;
        this.#moved();
    }

    // Moves the grid by CSS pixels.
    pan(x, y) {
        this.x -= x * this.ratio / this.scale;
        this.y -= y * this.ratio / this.scale;
        this.fitted = false;
        this.#moved();
    }

    // Looks at a place of the grid, in cells; `zoom` is the size of a cell in CSS pixels.
    look(x, y, zoom = this.scale / this.ratio) {
        Object.assign(this, {x, y, scale: zoom * this.ratio, fitted: false});
        this.#moved();
    }

    // Pins a cell, or with null none.
    pin(cell) {
        this.#pinned = cell !== null && this.holds(cell) ? cell : null;
        this.#looked();
    }

    hover(cell) {
        if (cell?.row !== this.#hovered?.row || cell?.col !== this.#hovered?.col) {
            this.#hovered = cell;
            this.#looked();
        }
    }

    // Moves the pinned cell by rows and columns, around the grid's edges, and the view after it.
    step(rows, cols) {
        const around = (at) => (at + this.#size) % this.#size;
        const {row, col} = this.#pinned;
        this.pin({row: around(row + rows), col: around(col + cols)});
        this.#follow();
    }

    holds({row, col}) {
        return [row, col].every((at) => Number.isInteger(at) && at >= 0 && at < this.#size);
    }

    // The cell at a point of the stage, in CSS pixels, or null.
    cellAt(x, y) {
        const cell = {
            row: Math.floor((y * this.ratio - this.top) / this.scale),
            col: Math.floor((x * this.ratio - this.left) / this.scale),
        };
        return this.holds(cell) ? cell : null;
    }

    // The part of the grid that is on the stage, in cells; `right` and `bottom` are beyond the last.
    visible() {
        const {left, top, scale} = this;
        const from = (start) => clamp(0, Math.floor(-start / scale), this.#size);
        const to = (start, length) => clamp(0, Math.ceil((length - start) / scale), this.#size);
        return {left: from(left), right: to(left, this.width), top: from(top), bottom: to(top, this.height)};
    }

    #fitting() {
        const {above, below, beside} = covered();
        const free = Math.min(this.height - (above + below) * this.ratio, this.width - beside * this.ratio);
        const exact = Math.max(SMALLEST_GRID, free) / this.#size;
        const scale = exact > WHOLE_FROM ? Math.floor(exact) : exact;
        const middle = this.#size / 2;
        return {scale, x: middle, y: middle + (below - above) / 2 * this.ratio / scale};
    }

    #allowed(scale) {
        const fit = this.#fitting().scale;
        return clamp(Math.min(1, fit) / 2, scale, Math.max(LARGEST_CELL * this.ratio, fit));
    }

    // Moves the view just far enough to show the pinned cell.
    #follow() {
        const {row, col} = this.#pinned;
        const room = (length) => Math.max(0, length / this.scale / 2 - 2);
        const x = clamp(col + 0.5 - room(this.width), this.x, col + 0.5 + room(this.width));
        const y = clamp(row + 0.5 - room(this.height), this.y, row + 0.5 + room(this.height));
        if (x !== this.x || y !== this.y) {
            this.look(x, y);
        }
    }

    // The middle of the stage never leaves the grid, so that the grid is never lost.
    #settle() {
        if (this.fitted) {
            Object.assign(this, this.#fitting());
        } else {
            this.scale = this.isStaged ? this.#allowed(this.scale) : this.scale;
            this.x = clamp(0, this.x, this.#size);
            this.y = clamp(0, this.y, this.#size);
        }
    }

    #moved() {
        this.#settle();
        this.dispatchEvent(new Event('change'));
    }

    #looked() {
        this.dispatchEvent(new Event('cell'));
        this.dispatchEvent(new Event('change'));
    }
}
