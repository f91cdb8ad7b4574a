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
    #close = make('button', {type: 'button', class: 'bare', 'data-do': 'leave'}, 'Close');
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
        const {cursor, pinned} = this.#view;
        const isShown = cursor !== null && this.#cells.heard > 0;
        const [idle, full] = element('card').children;
        element('card').classList.toggle('pinned', isShown && pinned !== null);
        idle.hidden = isShown;
        full.hidden = !isShown;
        if (isShown) {
            this.#show(cursor, pinned !== null);
        }
    }

    // The server's answer, if it is about this cell.
    get #told() {
        const {card} = this.#game, {cursor} = this.#view;
        return card !== null && card.row === cursor.row && card.col === cursor.col ? card : null;
    }

    // The cell's index, if the page has its own state and not only that of a block around it; else -1.
    #at(cell) {
        const {grid} = this.#cells, at = grid.zoom === 0 ? grid.at(cell) : -1;
        return at >= 0 && grid.cells[at] !== UNKNOWN ? at : -1;
    }

    #show({row, col}, isPinned) {
        const {grid} = this.#cells, told = this.#told, at = this.#at({row, col});
        const step = at >= 0 ? grid.steps[at] : told?.step ?? null;
        const state = at >= 0 ? grid.cells[at] : told?.state ?? null;
        const isKnown = step !== null;
        show(this.#title, `Cell ${row}, ${col}`);
        const said = !isKnown ? 'not heard from yet' : state === ALIVE ? 'alive' : 'dead';
        show(this.#state, isPinned ? `${said}, pinned` : said);
        this.#close.hidden = !isPinned;
        this.#value('Step', isKnown ? number(step) : '–');
        this.#value('Steps behind', isKnown ? number(Math.max(0, grid.youngest - step)) : '–');
        this.#value('Last message', this.#sinceLast(at, told));
        this.#value('Socket', this.#socket(told));
        show(this.#message, told?.message ?? (isKnown ? `${step} ${row} ${col} ${state}` : '–'));
        this.#showNeighbours({row, col}, at);
    }

    #sinceLast(at, told) {
        const {grid} = this.#cells, now = performance.now();
        if (told !== null) {
            return told.milliseconds === null ? 'none yet' : `${number(told.milliseconds + now - told.heardAt)} ms ago`;
        }
        const {steps} = grid;
        if (at < 0) {
            return '–';
        }
        if (this.#heard.at !== at || this.#heard.step !== steps[at]) {
            this.#heard = {at, step: steps[at], time: this.#heard.at === at ? now : NaN};
        }
        return Number.isNaN(this.#heard.time) ? '–' : `${number(now - this.#heard.time)} ms ago`;
    }

    #socket(told) {
        if (told === null) {
            return this.#game.isTold ? '…' : 'not told';
        }
        if (told.connected === false) {
            return 'closed';
        }
        return told.socket === null ? 'none yet' : `${number(told.socket)}, loop ${told.loop}`;
    }

    // How many steps each neighbour is ahead or behind, in its colour.
    #showNeighbours({row, col}, middle) {
        const {grid, palette, picture} = this.#cells, {size} = grid;
        const isWrapped = this.#game.status?.game.wrapped !== false;
        let waits = 0, count = 0;
        NEIGHBOURS.forEach((offset, i) => {
            const tile = this.#near[i], to = {row: row + offset.row, col: col + offset.col};
            const around = isWrapped ? {row: (to.row + size) % size, col: (to.col + size) % size} : to;
            const at = middle >= 0 && this.#view.holds(around) ? this.#at(around) : -1;
            const apart = at >= 0 ? grid.steps[at] - grid.steps[middle] : 0;
            count += at >= 0 && i !== MIDDLE ? 1 : 0;
            waits += apart < 0 ? 1 : 0;
            show(tile, i === MIDDLE ? '●' : at < 0 ? '' : apart > 0 ? `+${apart}` : apart < 0 ? `−${-apart}` : '=');
            const isDark = at >= 0 && (grid.cells[at] === ALIVE) !== night.matches;
            tile.style.background = at < 0 ? '' : palette.colours[grid.cells[at] * PERIOD + picture.keyOf(at)];
            tile.style.color = at < 0 ? '' : isDark ? '#fff' : '#101315';
        });
        this.#value('Waits for', middle < 0 ? '–' : waits > 0 ? `${waits} of ${count}` : 'nobody');
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
