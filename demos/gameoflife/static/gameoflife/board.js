// A small grid to draw on, with a pointer or the keyboard, and to try a start on before a crowd of clients plays it.
// Sends 'draw' when somebody has changed a cell, 'change' when anything has changed.

const LINES_FROM = 4;             // device pixels; smaller cells have no lines between them
const CURSOR_LINE = 2;            // device pixels
const STEP_TIME = 100;            // ms between two steps of the preview
const CALM_STEP_TIME = 500;       // ms, for a reader who wants less motion

// The step after `cells`, for all cells at once.
export function next(cells, size, isWrapped) {
    const after = new Uint8Array(cells.length);
    const near = (at) => at < 0 || at >= size ? (isWrapped ? (at + size) % size : -1) : at;
    const columns = Array.from({length: size}, (_, column) =>
        [column - 1, column, column + 1].map(near).filter((other) => other >= 0));
    for (let row = 0; row < size; ++row) {
        const rows = [row - 1, row, row + 1].map(near).filter((other) => other >= 0).map((other) => other * size);
        for (let column = 0; column < size; ++column) {
            let around = 0;
            for (const start of rows) {
                for (const other of columns[column]) {
                    around += cells[start + other];
                }
            }
            const at = row * size + column;
            after[at] = around === 3 || cells[at] === 1 && around === 4 ? 1 : 0;   // around: itself, too
        }
    }
    return after;
}

export class Board extends EventTarget {
    #canvas;
    #say;
    #context;
    #mask = document.createElement('canvas');   // one pixel a cell, opaque where it is alive
    #size = 0;
    #cells = new Uint8Array(0);
    #trial = null;            // the cells of the preview
    #timer = null;
    #cursor = null;           // {row, column} while the keyboard draws
    #ink = 1;                 // what the pointer draws
    #from = null;             // where the pointer was
    #frame = null;

    // The keyboard's cell is told to say(text).
    constructor(canvas, say) {
        super();
        this.#canvas = canvas;
        this.#say = say;
        this.#context = canvas.getContext('2d');
        canvas.addEventListener('pointerdown', (event) => this.#press(event));
        canvas.addEventListener('pointermove', (event) => this.#drag(event));
        canvas.addEventListener('lostpointercapture', () => { this.#from = null; });
        canvas.addEventListener('keydown', (event) => this.#key(event));
        canvas.addEventListener('blur', () => {
            this.#cursor = null;
            this.#repaint();
        });
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#repaint());
        new ResizeObserver(() => this.#fit()).observe(canvas);
    }

    get size() { return this.#size; }
    get cells() { return this.#cells; }   // by row, 0 or 1
    get population() { return this.#cells.reduce((sum, cell) => sum + cell, 0); }
    get isTrying() { return this.#trial !== null; }

    // Shows other cells; they are the board's from now on.
    set(cells, size) {
        this.#size = size;
        this.#cells = cells;
        this.#cursor = null;
        this.stop();
    }

    // Another size: the drawing stays in the middle, and is cut off where it has no room.
    resize(size) {
        const cells = new Uint8Array(size * size), before = this.#size, shift = Math.floor((size - before) / 2);
        this.#cells.forEach((cell, at) => {
            const row = Math.floor(at / before) + shift, column = at % before + shift;
            if (cell === 1 && Math.min(row, column) >= 0 && Math.max(row, column) < size) {
                cells[row * size + column] = 1;
            }
        });
        this.set(cells, size);
    }

    clear() {
        this.set(new Uint8Array(this.#size ** 2), this.#size);
    }

    // A quarter turn to the right.
    rotate() {
        const size = this.#size, before = this.#cells;
        this.set(before.map((_, at) => before[(size - 1 - at % size) * size + Math.floor(at / size)]), size);
    }

    // Plays the start in this page, from step to step, until stop().
    play(isWrapped) {
        const time = matchMedia('(prefers-reduced-motion: reduce)').matches ? CALM_STEP_TIME : STEP_TIME;
        this.#trial = this.#cells;
        this.#timer = setInterval(() => {
            this.#trial = next(this.#trial, this.#size, isWrapped);
            this.#repaint();
        }, time);
        this.#changed();
    }

    stop() {
        clearInterval(this.#timer);
        this.#trial = null;
        this.#changed();
    }

    #changed() {
        this.#repaint();
        this.dispatchEvent(new Event('change'));
    }

    #draw(row, column, state) {
        if (Math.min(row, column) >= 0 && Math.max(row, column) < this.#size) {
            this.#cells[row * this.#size + column] = state;
        }
    }

    #drawn() {
        this.dispatchEvent(new Event('draw'));
        this.#changed();
    }

    // ---- Pointer

    #cellAt({offsetX, offsetY}) {
        const place = (offset, length) => Math.floor(offset / length * this.#size);
        return {row: place(offsetY, this.#canvas.clientHeight), column: place(offsetX, this.#canvas.clientWidth)};
    }

    // On a dead cell the pointer draws, on a living one it erases, for as long as it is down.
    #press(event) {
        if (event.button !== 0 || this.#from !== null) {
            return;
        }
        const {row, column} = this.#cellAt(event);
        this.stop();
        this.#canvas.setPointerCapture(event.pointerId);
        this.#from = {row, column, pointer: event.pointerId};
        this.#ink = this.#cells[row * this.#size + column] === 1 ? 0 : 1;
        this.#draw(row, column, this.#ink);
        this.#drawn();
    }

    // A pointer moves over many cells between two events: the line between them is drawn.
    #drag(event) {
        if (this.#from?.pointer !== event.pointerId) {
            return;
        }
        const from = this.#from, {row, column} = this.#cellAt(event);
        const count = Math.max(Math.abs(row - from.row), Math.abs(column - from.column));
        const between = (first, last, i) => first + Math.round((last - first) * i / count);
        for (let i = 1; i <= count; ++i) {
            this.#draw(between(from.row, row, i), between(from.column, column, i), this.#ink);
        }
        if (count > 0) {
            Object.assign(this.#from, {row, column});
            this.#drawn();
        }
    }

    // ---- Keyboard

    #key(event) {
        const by = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
        if (!by && event.key !== ' ' || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        event.preventDefault();
        if (this.#cursor === null) {
            this.#cursor = {row: this.#size >> 1, column: this.#size >> 1};
        } else if (by) {
            this.#cursor.row = (this.#cursor.row + by[0] + this.#size) % this.#size;
            this.#cursor.column = (this.#cursor.column + by[1] + this.#size) % this.#size;
        }
        const {row, column} = this.#cursor, at = row * this.#size + column;
        if (!by) {
            const state = 1 - this.#cells[at];
            this.stop();
            this.#draw(row, column, state);
            this.#drawn();
        }
        this.#say(`Row ${row}, column ${column}, ${this.#cells[at] === 1 ? 'alive' : 'dead'}`);
        this.#repaint();
    }

    // ---- Picture

    // As many pixels as the screen has, so that all lines are equally thin.
    #fit() {
        const side = Math.max(1, Math.round(this.#canvas.clientWidth * devicePixelRatio));
        if (side !== this.#canvas.width) {
            this.#canvas.width = this.#canvas.height = side;
            this.#repaint();
        }
    }

    #repaint() {
        this.#frame ??= requestAnimationFrame(() => this.#paint());
    }

    #paint() {
        this.#frame = null;
        if (this.#size === 0) {
            return;
        }
        const {width} = this.#canvas, context = this.#context, scale = width / this.#size;
        const colours = getComputedStyle(this.#canvas);
        context.globalCompositeOperation = 'source-over';
        context.clearRect(0, 0, width, width);
        context.imageSmoothingEnabled = scale < 1;
        context.drawImage(this.#living(), 0, 0, width, width);
        context.globalCompositeOperation = 'source-in';
        context.fillStyle = this.isTrying ? colours.accentColor : colours.color;
        context.fillRect(0, 0, width, width);
        context.globalCompositeOperation = 'source-over';
        if (scale > LINES_FROM) {
            context.fillStyle = colours.borderTopColor;
            for (let i = 1; i < this.#size; ++i) {
                context.fillRect(Math.round(i * scale), 0, 1, width);
                context.fillRect(0, Math.round(i * scale), width, 1);
            }
        }
        if (this.#cursor !== null) {
            context.strokeStyle = colours.accentColor;
            context.lineWidth = CURSOR_LINE;
            context.strokeRect(this.#cursor.column * scale, this.#cursor.row * scale, scale, scale);
        }
    }

    #living() {
        const size = this.#size, shown = this.#trial ?? this.#cells;
        const image = new ImageData(size, size), pixels = new Uint32Array(image.data.buffer);
        shown.forEach((cell, at) => { pixels[at] = cell === 1 ? 0xffffffff : 0; });
        this.#mask.width = this.#mask.height = size;
        this.#mask.getContext('2d').putImageData(image, 0, 0);
        return this.#mask;
    }
}
