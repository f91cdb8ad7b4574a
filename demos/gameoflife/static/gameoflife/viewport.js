// Which part of the grid the page asks the server for, and at which zoom: a grid of up to a million cells as a whole,
// of a larger one what is on the stage, in blocks of about a device pixel.

import {settings} from './settings.js';

const WHOLE = 1024;         // blocks a side
const MARGIN = 0.25;        // of what is on the stage, around it, so that small moves ask for nothing
const PAUSE = 150;          // ms after the view has come to rest

export class Viewport {
    #view;
    #cells;
    #game;
    #asked = '';
    #timer = null;

    constructor({view, cells, game}) {
        this.#view = view;
        this.#cells = cells;
        this.#game = game;
        game.addEventListener('open', () => this.#forget());
        cells.addEventListener('size', () => this.#forget());
        game.addEventListener('status', () => this.#ask());
        settings.addEventListener('change', () => this.#ask());
        view.addEventListener('change', () => {
            this.#timer ??= setTimeout(() => {
                this.#timer = null;
                this.#ask();
            }, PAUSE);
        });
    }

    #forget() {
        this.#asked = '';
    }

    // The size is known once a status has come.
    #ask() {
        if (this.#game.status === null || !this.#game.isLive || !this.#view.isStaged) {
            return;
        }
        const wanted = {...this.#wanted(), ages: settings.theme === 'age'};
        const text = JSON.stringify(wanted);
        if (text !== this.#asked && this.#game.tell({view: wanted})) {
            this.#asked = text;
        }
    }

    #wanted() {
        const {size, scale} = this.#view;
        const coarse = size <= WHOLE ? 0 : Math.max(0, Math.ceil(-Math.log2(scale)));
        const side = Math.ceil(size / 2 ** coarse);
        if (side <= WHOLE) {
            return {zoom: coarse, left: 0, top: 0, columns: side, rows: side};
        }
        const {grid} = this.#cells;
        const seen = this.#blocks(coarse);
        const isInside = grid.zoom === coarse && !grid.isWhole && seen.left >= grid.left && seen.top >= grid.top
            && seen.right <= grid.left + grid.columns && seen.bottom <= grid.top + grid.rows;
        if (isInside) {
            return {zoom: coarse, left: grid.left, top: grid.top, columns: grid.columns, rows: grid.rows};
        }
        const wide = Math.ceil((seen.right - seen.left) * MARGIN), high = Math.ceil((seen.bottom - seen.top) * MARGIN);
        const left = Math.max(0, seen.left - wide), top = Math.max(0, seen.top - high);
        return {
            zoom: coarse, left, top,
            columns: Math.min(side, seen.right + wide) - left, rows: Math.min(side, seen.bottom + high) - top,
        };
    }

    #blocks(zoom) {
        const {left, right, top, bottom} = this.#view.visible(), per = 2 ** zoom;
        return {
            left: Math.floor(left / per), right: Math.ceil(right / per),
            top: Math.floor(top / per), bottom: Math.ceil(bottom / per),
        };
    }
}
