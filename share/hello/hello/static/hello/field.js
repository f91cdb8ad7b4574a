// The banner: a small Game of Life, its hues moving as they do in the demo of c10k.

const SIDE = 10;            // pixels of a cell
const STEP_MS = 250;
const FEED_STEPS = 160;     // then some cells come to life by themselves, so that it never ends
const night = matchMedia('(prefers-color-scheme: dark)');
const calm = matchMedia('(prefers-reduced-motion: reduce)');

class Field {
    #canvas;
    #context;
    #columns = 0;
    #rows = 0;
    #cells = new Uint8Array(0);
    #steps = 0;

    constructor(canvas) {
        this.#canvas = canvas;
        this.#context = canvas.getContext('2d');
    }

    seed() {
        this.#columns = this.#canvas.width = Math.ceil(this.#canvas.clientWidth / SIDE);
        this.#rows = this.#canvas.height = Math.ceil(this.#canvas.clientHeight / SIDE);
        this.#cells = new Uint8Array(this.#columns * this.#rows).map(() => Number(Math.random() < 0.2));
        for (let i = 0; i < 30; ++i) {
            this.step();
        }
        this.paint();
    }

    step() {
        const [columns, rows, cells] = [this.#columns, this.#rows, this.#cells];
        this.#cells = cells.map((alive, at) => {
            const row = Math.floor(at / columns);
            const column = at % columns;
            let around = 0;
            for (const y of [row + rows - 1, row, row + 1]) {
                for (const x of [column + columns - 1, column, column + 1]) {
                    around += cells[y % rows * columns + x % columns];
                }
            }
            return Number(around === 3 || (alive === 1 && around === 4));
        });
        if (++this.#steps % FEED_STEPS === 0) {
            for (let i = 0; i < 90; ++i) {
                this.#cells[Math.floor(Math.random() * this.#cells.length)] = 1;
            }
        }
    }

    paint() {
        const steps = this.#steps;
        this.#cells.forEach((alive, at) => {
            const x = at % this.#columns;
            const y = Math.floor(at / this.#columns);
            const wave = Math.cos(x / 13 + steps / 40) + Math.cos(y / 6 - x / 27 - steps / 55);
            const hue = Math.floor(steps + 4 * wave + 99) * 20;
            this.#context.fillStyle = night.matches ? `oklch(${alive ? '.83 .12' : '.27 .06'} ${hue % 360})`
                : `hsl(${hue % 256} 100% ${alive ? 25 : 95}%)`;
            this.#context.fillRect(x, y, 1, 1);
        });
    }
}

// Starts the banner on a canvas. It stands still for those who want less motion, and while nobody sees it.
export function startField(canvas) {
    const field = new Field(canvas);
    new ResizeObserver(() => field.seed()).observe(canvas);
    night.addEventListener('change', () => field.paint());
    setInterval(() => {
        if (!calm.matches && !document.hidden) {
            field.step();
            field.paint();
        }
    }, STEP_MS);
}
