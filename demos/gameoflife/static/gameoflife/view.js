// The canvas: draws the grid, zooms around a point, pans, fits. Lengths are in device pixels, save where said.

const LINES_FROM = 8;       // CSS pixels; smaller cells have no lines between them
const LARGEST_CELL = 64;    // CSS pixels
const MARGIN = 16;          // CSS pixels around a grid that is fitted
const KEY_PAN = 64;         // CSS pixels
const KEY_ZOOM = 1.5;

export class View {
    #canvas;
    #context;
    #life;
    #image = document.createElement('canvas');   // the grid, one pixel per cell
    #scale = 1;                                  // of a cell
    #left = 0;                                   // where the grid's corner is
    #top = 0;
    #fitted = true;                              // until zoomed or panned
    #frame = null;
    #pointers = new Map();                       // those that are down, by id

    constructor(canvas, life) {
        this.#canvas = canvas;
        this.#context = canvas.getContext('2d');
        this.#life = life;
        this.#listen();
        new ResizeObserver(() => this.#resize()).observe(canvas);
        window.addEventListener('resize', () => this.#resize());   // devicePixelRatio may have changed alone
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.changed());
    }

    // Something is to be drawn: all that happens before the next frame is painted at once.
    changed() {
        this.#frame ??= requestAnimationFrame(() => this.#paint());
    }

    fit() {
        this.#fitted = true;
        this.changed();
    }

    // Zooms around a point of the canvas, given in CSS pixels; without one around the middle.
    zoom(factor, x = this.#canvas.clientWidth / 2, y = this.#canvas.clientHeight / 2) {
        const largest = Math.max(LARGEST_CELL * devicePixelRatio, this.#fitScale());
        const smallest = Math.min(1, this.#fitScale()) / 2;
        const scale = Math.min(largest, Math.max(smallest, this.#scale * factor));
        const ratio = scale / this.#scale;
        this.#left = x * devicePixelRatio - (x * devicePixelRatio - this.#left) * ratio;
        this.#top = y * devicePixelRatio - (y * devicePixelRatio - this.#top) * ratio;
        this.#scale = scale;
        this.#moved();
    }

    // Moves the grid by CSS pixels.
    pan(x, y) {
        this.#left += x * devicePixelRatio;
        this.#top += y * devicePixelRatio;
        this.#moved();
    }

    // Whole pixels, so that all cells look alike, unless too much room would be left empty.
    #fitScale() {
        const room = Math.min(this.#canvas.width, this.#canvas.height) - 2 * MARGIN * devicePixelRatio;
        const scale = Math.max(room, 1) / this.#life.size;
        const whole = Math.floor(scale);
        return whole > 0.8 * scale ? whole : scale;
    }

    // The middle of the canvas always shows some of the grid, so that it is never lost.
    #moved() {
        const side = this.#scale * this.#life.size;
        const middle = (length, start) => Math.min(length / 2, Math.max(length / 2 - side, start));
        this.#left = middle(this.#canvas.width, this.#left);
        this.#top = middle(this.#canvas.height, this.#top);
        this.#fitted = false;
        this.changed();
    }

    #resize() {
        const width = Math.max(1, Math.round(this.#canvas.clientWidth * devicePixelRatio));
        const height = Math.max(1, Math.round(this.#canvas.clientHeight * devicePixelRatio));
        if (width !== this.#canvas.width || height !== this.#canvas.height) {
            this.#left += (width - this.#canvas.width) / 2;
            this.#top += (height - this.#canvas.height) / 2;
            this.#canvas.width = width;      // clears it,
            this.#canvas.height = height;
            this.#paint();                   // hence at once
        }
    }

    #paint() {
        cancelAnimationFrame(this.#frame);
        this.#frame = null;
        const life = this.#life;
        const context = this.#context;
        if (this.#image.width !== life.size) {
            this.#image.width = this.#image.height = life.size;
            this.#fitted = true;
        }
        if (life.dirty) {
            const rows = life.dirtyBottom - life.dirtyTop + 1;
            this.#image.getContext('2d').putImageData(life.image, 0, 0, 0, life.dirtyTop, life.size, rows);
            life.painted();
        }
        if (this.#fitted) {
            this.#scale = this.#fitScale();
            this.#left = Math.floor((this.#canvas.width - this.#scale * life.size) / 2);
            this.#top = Math.floor((this.#canvas.height - this.#scale * life.size) / 2);
        }
        const side = this.#scale * life.size;
        const colours = getComputedStyle(this.#canvas);
        context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
        context.fillStyle = colours.getPropertyValue('--unknown');
        context.fillRect(this.#left, this.#top, side, side);
        context.imageSmoothingEnabled = this.#scale < 1;   // many cells share a pixel: show their mean
        context.drawImage(this.#image, this.#left, this.#top, side, side);
        if (this.#scale >= LINES_FROM * devicePixelRatio) {
            context.fillStyle = colours.getPropertyValue('--grid-line');
            this.#paintLines();
        }
    }

    #paintLines() {
        const {width, height} = this.#canvas;
        const scale = this.#scale, left = this.#left, top = this.#top, size = this.#life.size;
        const thick = Math.max(1, Math.round(devicePixelRatio));
        const first = (start) => Math.max(1, Math.ceil(-start / scale));
        const last = (start, length) => Math.min(size - 1, Math.floor((length - start) / scale));
        for (let column = first(left); column <= last(left, width); ++column) {
            this.#context.fillRect(Math.round(left + column * scale), top, thick, size * scale);
        }
        for (let row = first(top); row <= last(top, height); ++row) {
            this.#context.fillRect(left, Math.round(top + row * scale), size * scale, thick);
        }
    }

    #listen() {
        const canvas = this.#canvas;
        canvas.addEventListener('wheel', (event) => {
            event.preventDefault();
            const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
            const speed = event.ctrlKey ? 60 : 300;   // ctrl: a trackpad's pinch comes as small turns of the wheel
            this.zoom(2 ** (-pixels / speed), event.offsetX, event.offsetY);
        }, {passive: false});
        canvas.addEventListener('dblclick', () => this.fit());
        canvas.addEventListener('pointerdown', (event) => {
            if (event.button === 0) {
                canvas.setPointerCapture(event.pointerId);
                this.#pointers.set(event.pointerId, {x: event.offsetX, y: event.offsetY});
            }
        });
        canvas.addEventListener('pointermove', (event) => this.#drag(event));
        for (const end of ['pointerup', 'pointercancel']) {
            canvas.addEventListener(end, (event) => this.#pointers.delete(event.pointerId));
        }
        window.addEventListener('keydown', (event) => {
            if (!event.ctrlKey && !event.metaKey && !event.altKey && this.#press(event.key)) {
                event.preventDefault();
            }
        });
    }

    // One finger pans; with two, each move pans by half and zooms by what it adds to their distance.
    #drag(event) {
        const before = this.#pointers.get(event.pointerId);
        if (!before) {
            return;
        }
        const now = {x: event.offsetX, y: event.offsetY};
        const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
        const share = other ? 0.5 : 1;
        this.#pointers.set(event.pointerId, now);
        this.pan((now.x - before.x) * share, (now.y - before.y) * share);
        if (other) {
            const distance = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
            this.zoom(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
        }
    }

    // True if the key is one of ours.
    #press(key) {
        switch (key) {
            case 'f': case 'F': this.fit(); return true;
            case '+': case '=': this.zoom(KEY_ZOOM); return true;
            case '-': this.zoom(1 / KEY_ZOOM); return true;
            case 'ArrowLeft': this.pan(KEY_PAN, 0); return true;
            case 'ArrowRight': this.pan(-KEY_PAN, 0); return true;
            case 'ArrowUp': this.pan(0, KEY_PAN); return true;
            case 'ArrowDown': this.pan(0, -KEY_PAN); return true;
            default: return false;
        }
    }
}
