// The card of one cell: its socket, its last message to the letter, and for whom it waits.

import {ALIVE, UNKNOWN} from './grid.js';
import {element, make, number, show} from './elements.js';
import {PERIOD, night} from './themes.js';

const ASK = 100;        // ms between two questions to the server, while the mouse moves

const NEIGHBOURS = [-1, 0, 1].flatMap((row) => [-1, 0, 1].map((col) => ({row, col})));
const MIDDLE = 4;

export class Card {
    #view;
    #cells;
    #game;
    #asked = 'null';
    #timer = null;
    #near = NEIGHBOURS.map(() => make('span'));
    #values = {};
    #title = make('h2');
    #state = make('span', {class: 'note'});
    #close = make('button', {type: 'button', class: 'bare', 'data-do': 'unpin'}, 'Close');
    #message = make('code');
    #heard = {at: -1, step: -1, time: 0};     // when the page itself heard the cell's last word

    constructor({view, cells, game}) {
        this.#view = view;
        this.#cells = cells;
        this.#game = game;
        element('card').append(this.#idle(), this.#full());
        view.addEventListener('cell', () => {
            this.#ask();
            this.refresh();
        });
        game.addEventListener('open', () => { this.#asked = 'null'; });
        game.addEventListener('status', () => this.#ask());
        game.addEventListener('card', () => this.refresh());
        cells.addEventListener('palette', () => this.refresh());
        this.refresh();
    }

    // Five times a second: texts change, elements stay, so that what has the focus keeps it.
    refresh() {
        const {cursor, pinned} = this.#view, {grid, heard} = this.#cells;
        const at = cursor === null || heard === 0 ? -1 : grid.at(cursor);
        const [idle, full] = element('card').children;
        element('card').classList.toggle('pinned', pinned !== null && at >= 0);
        idle.hidden = at >= 0;
        full.hidden = at < 0;
        if (at >= 0) {
            this.#show(at, cursor, pinned !== null);
        }
    }

    // The server's answer, if it is about this cell.
    get #told() {
        const {card} = this.#game, {cursor} = this.#view;
        return card !== null && card.row === cursor.row && card.col === cursor.col ? card : null;
    }

    #show(at, {row, col}, isPinned) {
        const {grid} = this.#cells, told = this.#told, isKnown = grid.cells[at] !== UNKNOWN;
        const step = grid.steps[at], state = grid.cells[at];
        show(this.#title, `Cell ${row}, ${col}`);
        show(this.#state, `${isKnown ? state === ALIVE ? 'alive' : 'dead' : 'not heard from yet'}${isPinned ? ', pinned' : ''}`);
        this.#close.hidden = !isPinned;
        this.#value('Step', isKnown ? number(step) : '–');
        this.#value('Steps behind', isKnown ? number(Math.max(0, grid.youngest - step)) : '–');
        this.#value('Last message', this.#sinceLast(at, told));
        this.#value('Socket', this.#socket(told));
        show(this.#message, told?.message ?? (isKnown ? `${step} ${row} ${col} ${state}` : '–'));
        this.#showNeighbours(at, row, col);
    }

    #sinceLast(at, told) {
        const {grid} = this.#cells, now = performance.now();
        if (told !== null) {
            return told.milliseconds === null ? 'none yet' : `${number(told.milliseconds + now - told.heardAt)} ms ago`;
        }
        const {steps} = grid;
        if (this.#heard.at !== at || this.#heard.step !== steps[at]) {
            this.#heard = {at, step: steps[at], time: this.#heard.at === at ? now : NaN};
        }
        return Number.isNaN(this.#heard.time) ? '–' : `${number(now - this.#heard.time)} ms ago`;
    }

    #socket(told) {
        if (told === null) {
            return this.#game.isTold ? '…' : 'not told';
        }
        return told.connected === false ? 'closed' : told.socket === null ? 'none yet' : `${number(told.socket)}, loop ${told.loop}`;
    }

    // How many steps each neighbour is ahead or behind, in its colour.
    #showNeighbours(middle, row, col) {
        const {grid, palette, picture} = this.#cells, {size, zoom} = grid;
        const isWrapped = this.#game.status?.game.wrapped !== false;
        let waits = 0, count = 0;
        NEIGHBOURS.forEach((offset, i) => {
            const tile = this.#near[i], to = {row: row + offset.row, col: col + offset.col};
            const around = isWrapped ? {row: (to.row + size) % size, col: (to.col + size) % size} : to;
            const at = zoom === 0 && this.#view.holds(around) ? grid.at(around) : -1;
            const isKnown = at >= 0 && grid.cells[at] !== UNKNOWN;
            const apart = isKnown ? grid.steps[at] - grid.steps[middle] : 0;
            count += isKnown && i !== MIDDLE ? 1 : 0;
            waits += isKnown && apart < 0 ? 1 : 0;
            show(tile, i === MIDDLE ? '●' : !isKnown ? '' : apart > 0 ? `+${apart}` : apart < 0 ? `−${-apart}` : '=');
            const key = isKnown ? grid.cells[at] * PERIOD + picture.keyOf(at) : null;
            tile.style.background = key === null ? '' : palette.colours[key];
            const isDark = isKnown && (grid.cells[at] === ALIVE) !== night.matches;
            tile.style.color = !isKnown ? '' : isDark ? '#fff' : '#101315';
        });
        this.#value('Waits for', waits > 0 ? `${waits} of ${count}` : 'nobody');
    }

    #value(name, text) {
        show(this.#values[name], text);
    }

    #idle() {
        return make('div', {}, make('h2', {}, 'One cell'), make('p', {class: 'note'},
            'Point at a cell to see its socket; click to pin it. With the keyboard: I, then the arrows.'));
    }

    #full() {
        const rows = ['Step', 'Steps behind', 'Waits for', 'Last message', 'Socket'].map((name) => {
            this.#values[name] = make('dd');
            return make('div', {}, make('dt', {}, name), this.#values[name]);
        });
        return make('div', {hidden: ''},
            make('div', {class: 'head'}, this.#title, make('span', {class: 'pin'}, this.#state, this.#close)),
            make('div', {class: 'cell'},
                make('div', {class: 'near', role: 'img', 'aria-label': 'Its neighbours’ steps'}, ...this.#near),
                make('dl', {}, ...rows),
                make('p', {class: 'head'}, this.#message, make('span', {class: 'note'}, 'step row column state'))));
    }

    // Asks the server about the cell, as long as there is one.
    #ask() {
        if (this.#timer !== null) {
            return;
        }
        const {cursor} = this.#view;
        const wanted = cursor === null ? null : [cursor.row, cursor.col], text = JSON.stringify(wanted);
        if (text !== this.#asked && this.#game.tell({cell: wanted})) {
            this.#asked = text;
            this.#timer = setTimeout(() => {
                this.#timer = null;
                this.#ask();
            }, ASK);
        }
    }
}
