// The page's knowledge of the cells, from the pictures of life.viewer or from lines.

import {Grid, LARGEST, LAST_STEP} from './grid.js';
import {headerOf, putRuns} from './frames.js';
import {Palette, night, themeOf} from './themes.js';
import {Picture} from './picture.js';
import {settings} from './settings.js';
import {takeLines} from './lines.js';

const BEFORE_THE_GAME = ['empty', 'gathering'];     // no cell has spoken

// Sends 'size' when the grid has another one, 'update' when there is something to draw.
export class Cells extends EventTarget {
    #isResuming = false;
    #game = null;
    #value = new Uint32Array(1);    // of a line's cell

    constructor(size) {
        super();
        this.received = 0;          // updates since the page was opened
        this.outside = false;       // an update did not fit: the size is out of date
        this.unseen = null;         // the number of a frame that has come and is not yet drawn
        this.overview = null;       // {grid, picture}: the whole grid as it was, if `grid` is only a part of it
        this.palette = new Palette(themeOf(settings.theme));
        this.#setGrid(new Grid(size));
        const repaint = () => {
            this.palette = new Palette(themeOf(settings.theme));
            this.picture.setPalette(this.palette);
            this.overview?.picture.setPalette(this.palette);
            this.dispatchEvent(new Event('palette'));
            this.#updated();
        };
        settings.addEventListener('change', ({detail}) => detail === 'theme' && repaint());
        night.addEventListener('change', repaint);
    }

    get size() { return this.grid.size; }
    get heard() { return this.grid.heard; }

    // Takes one message.
    take(data, game) {
        this.#game = game;
        if (typeof data === 'string') {
            takeLines(data, this);
        } else {
            this.#takeFrame(data);
        }
        this.#updated();
    }

    // A new connection begins: the size it starts with, if it is the one we have, is no reset.
    resume() {
        this.#isResuming = true;
        this.unseen = null;
    }

    // A status of life.viewer has come.
    told({game, step}) {
        if (game.size !== this.size) {
            this.reset(game.size);
        }
        if (BEFORE_THE_GAME.includes(game.phase)) {
            this.forget();
        }
        if (step.youngest !== null) {
            this.grid.youngest = step.youngest;
        }
    }

    // No cell has spoken.
    forget() {
        if (this.heard > 0) {
            this.#forgetAll();
            this.#updated();
        }
    }

    reset(size) {
        this.outside = false;
        this.overview = null;
        const isOther = size !== this.size;
        this.#setGrid(new Grid(size));
        if (isOther) {
            this.dispatchEvent(new Event('size'));
        }
        this.#updated();
    }

    // ---- Lines

    update(step, row, column, state) {
        const {grid} = this;
        if (row >= grid.size || column >= grid.size) {
            this.outside = true;
        } else if (state <= 1 && step <= LAST_STEP) {
            this.#value[0] = 1 + state;
            grid.put(row * grid.size + column, 1, this.#value, step, null);
            this.picture.paint(row, column, 1);
            ++this.received;
            this.#game.gathering = null;
        }
    }

    sizeTold(size) {
        if (size < 1 || size > LARGEST) {
            return;
        }
        if (!this.#isResuming || size !== this.size) {
            this.reset(size);
        }
        this.#isResuming = false;
        this.#game.gathering = null;
    }

    gatheringTold(counts) {
        this.#game.gathering = counts.connected > 0 ? counts : null;
        this.#game.refresh();
    }

    // ---- Pictures

    #takeFrame(buffer) {
        const header = headerOf(buffer);
        if (header === null) {
            return;
        }
        if (header.isKey) {
            this.#begin(header);
        }
        this.received += putRuns(buffer, header, this.grid, this.picture);
        if (header.isLast) {
            this.unseen = header.number;
        }
    }

    // A key frame begins a window. The whole grid stays behind it, for what lies beyond the window, and for the map.
    #begin({size, zoom, left, top, columns, rows}) {
        const isOther = size !== this.size;
        const {grid} = this;
        const window = {zoom, left, top, columns, rows};
        if (isOther || Object.keys(window).some((name) => window[name] !== grid[name])) {
            const whole = grid.isWhole ? {grid, picture: this.picture} : this.overview;
            const next = new Grid(size, window);
            this.#setGrid(next);
            this.overview = isOther || next.isWhole ? null : whole;
        } else {
            this.#forgetAll();
        }
        if (isOther) {
            this.dispatchEvent(new Event('size'));
        }
    }

    #forgetAll() {
        this.grid.forgetAll();
        this.picture.repaint();
    }

    #setGrid(grid) {
        this.grid = grid;
        this.picture = new Picture(grid, this.palette);
    }

    #updated() {
        this.dispatchEvent(new Event('update'));
    }
}
