// The grid as the watcher's messages tell it: every cell's state, step and colour. No drawing, no network.

export const DEAD = 0;
export const ALIVE = 1;
export const UNKNOWN = 2;   // not yet heard from

const NEWLINE = 10;
const SPACE = 32;
const ZERO = 48;
const LAST_STEP = 0x7fffffff;

// 20 * 64 is a multiple of 256: the colours repeat each 64 steps.
const PERIOD = 64;

// The colour of a cell as one pixel of an ImageData, at [state * PERIOD + step % PERIOD].
// The canvas itself turns hsl() into RGB, so that the colours are the browser's own to the letter.
function palette() {
    const bytes = new Uint8Array(2 * PERIOD * 4);
    const context = document.createElement('canvas').getContext('2d');
    for (const state of [DEAD, ALIVE]) {
        for (let step = 0; step < PERIOD; ++step) {
            context.fillStyle = `hsl(${step * 20 % 256}, 100%, ${state === ALIVE ? 25 : 95}%)`;
            const rgb = context.fillStyle.match(/[0-9a-f]{2}/g).map((hex) => parseInt(hex, 16));
            bytes.set([...rgb, 255], (state * PERIOD + step) * 4);
        }
    }
    return new Uint32Array(bytes.buffer);
}

export class Life {
    #palette = palette();
    #pixels;
    #stepSum;
    #resuming = false;
    #gathering;

    constructor(size) {
        this.received = 0;   // updates taken since the page was opened
        this.#gathering = null;
        this.reset(size);
    }

    // Forgets every cell.
    reset(size) {
        this.size = size;
        this.cells = new Uint8Array(size * size).fill(UNKNOWN);   // by row: row * size + column
        this.steps = new Int32Array(size * size);
        this.image = new ImageData(size, size);                   // transparent where unknown
        this.#pixels = new Uint32Array(this.image.data.buffer);
        this.#stepSum = 0;
        this.heard = 0;
        this.population = 0;
        this.outside = false;                                     // an update did not fit: size is out of date
        this.dirtyTop = 0;
        this.dirtyBottom = size - 1;
    }

    // A new connection begins: the size it starts with, if it is the one we have, is no reset.
    resume() {
        this.#resuming = true;
    }

    // The step that the cells have reached, on average: neighbours may be one step apart.
    get step() {
        return this.heard === 0 ? 0 : Math.floor(this.#stepSum / this.heard);
    }

    get dirty() {
        return this.dirtyTop <= this.dirtyBottom;
    }

    // The rows from dirtyTop to dirtyBottom are on the screen now.
    painted() {
        this.dirtyTop = this.size;
        this.dirtyBottom = -1;
    }

    // How many workers have come, {connected, subscribed}, while a game gathers them; else null.
    get gathering() {
        const counts = this.#gathering;
        return counts !== null && counts.connected > 0 && counts.received === this.received ? counts : null;
    }

    // Takes one message: lines of `STEP ROW COL STATE`, `size N` or `gathering CONNECTED SUBSCRIBED`. Whatever else there
    // is is ignored.
    //
    // Millions of updates come this way each second: one pass over the character codes, and no line is ever cut out.
    // Numbers move through a register of four; a line is an update when exactly four have gone by.
    take(text) {
        const end = text.length;
        let step = 0, row = 0, column = 0, number = 0;
        let spaces = 0, words = false, start = 0;
        for (let at = 0; at <= end; ++at) {
            const code = at < end ? text.charCodeAt(at) : NEWLINE;
            const digit = code - ZERO;
            if (digit >= 0 && digit <= 9) {
                number = number * 10 + digit;
            } else if (code === SPACE) {
                step = row;
                row = column;
                column = number;
                number = 0;
                ++spaces;
            } else if (code !== NEWLINE) {
                words = true;
            } else {
                if (words) {
                    this.#takeWords(text.slice(start, at));
                } else if (spaces === 3) {
                    this.#update(step, row, column, number);
                }
                step = row = column = number = spaces = 0;
                words = false;
                start = at + 1;
            }
        }
    }

    #takeWords(line) {
        const size = Number(/^size (\d+)$/.exec(line)?.[1]);
        if (size >= 1 && size <= 4096) {
            if (!this.#resuming || size !== this.size) {
                this.reset(size);
            }
            this.#resuming = false;
            this.#gathering = null;
        }
        const counts = /^gathering (\d+) (\d+)$/.exec(line);
        if (counts) {
            this.#gathering = {connected: Number(counts[1]), subscribed: Number(counts[2]), received: this.received};
        }
    }

    #update(step, row, column, state) {
        const size = this.size;
        if (row >= size || column >= size) {
            this.outside = true;
            return;
        }
        if (state > ALIVE || step > LAST_STEP) {
            return;
        }
        const cell = row * size + column;
        const before = this.cells[cell];
        if (before === UNKNOWN) {
            ++this.heard;
        }
        this.population += state - (before === ALIVE ? 1 : 0);
        this.#stepSum += step - this.steps[cell];
        this.cells[cell] = state;
        this.steps[cell] = step;
        this.#pixels[cell] = this.#palette[state * PERIOD + step % PERIOD];
        if (row < this.dirtyTop) {
            this.dirtyTop = row;
        }
        if (row > this.dirtyBottom) {
            this.dirtyBottom = row;
        }
        ++this.received;
    }
}
