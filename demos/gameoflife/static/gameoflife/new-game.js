// The dialog for a new game: what it starts from, a look at its first step, and the grid that it is played on.

import {actions} from './actions.js';
import {Board} from './board.js';
import {element, make, number, show} from './elements.js';
import {ALIVE} from './grid.js';
import {PatternList} from './pattern-list.js';
import {newSeed} from './play.js';
import {encode, parse} from './rle.js';
import {toast} from './say.js';
import {soup} from './soup.js';

const SIZES = [32, 64, 100, 128, 256, 512, 1000];
const MOST_BYTES = 2_000_000;   // of a command
const COPIED_TIME = 2000;       // ms

const EXAMPLE = '#N Glider\nx = 3, y = 3, rule = B3/S23\nbo$2bo$3o!';

const byName = (size) => `${size} × ${size}`;

// A pattern that the grid has no room for.
class TooLarge extends Error {
    constructor({width, height}) {
        super(`The pattern is ${width} × ${height} cells.`);
        this.next = SIZES.find((size) => size >= Math.max(width, height)) ?? null;
        this.message += this.next === null ? ' No grid here holds it.' : ` A grid of ${byName(this.next)} holds it.`;
    }
}

// The cells of a grid with a pattern in its middle.
function place(pattern, size) {
    const {width, height, alive} = pattern;
    if (Math.max(width, height) > size) {
        throw new TooLarge(pattern);
    }
    const cells = new Uint8Array(size * size), top = size - height >> 1, left = size - width >> 1;
    for (const [row, column] of alive) {
        cells[(top + row) * size + left + column] = 1;
    }
    return cells;
}

export class NewGame {
    #game;
    #play;
    #shown;                 // the cells that the page shows
    #dialog = element('new-game');
    #board = new Board(element('new-board'), (text) => show(element('new-say'), text));
    #list = new PatternList(element('new-list'), () => this.#take());
    #from = 'list';         // one of the panes
    #wrong = null;          // the error in what the pane holds
    #isStarting = false;    // the program has not answered yet

    constructor(game, play, shown) {
        this.#game = game;
        this.#play = play;
        this.#shown = shown;
        element('new-text').value = EXAMPLE;
        element('new-seed').value = newSeed();
        this.#listen();
        this.#open('games', () => this.#from);
        this.#open('draw', () => 'draw');
    }

    // An action that opens the dialog; without the right to play the page says what to do.
    #open(action, from) {
        actions[action] = () => {
            if (this.#dialog.open) {
                return;
            }
            if (!this.#game.canControl) {
                toast(this.#game.why);
                return;
            }
            this.#offerSizes(this.#game.size);
            element('new-now').hidden = this.#shown.grid.zoom > 0 || !this.#shown.grid.isWhole;
            this.#dialog.showModal();
            this.#loadList();
            this.#turnTo(from());
            const choice = this.#dialog.querySelector('[name="new-from"]:checked');
            (this.#from === 'draw' ? element('new-board') : choice).focus();
        };
    }

    #listen() {
        const clicked = (id, act) => element(id).addEventListener('click', act);
        element('new-from').addEventListener('change', ({target}) => this.#turnTo(target.value));
        for (const id of ['new-text', 'new-density', 'new-seed']) {
            element(id).addEventListener('input', () => this.#take());
        }
        element('new-size').addEventListener('change', () => this.#take());
        clicked('new-other', () => {
            element('new-seed').value = newSeed();
            this.#take();
        });
        clicked('new-now', () => this.#takeShown());
        clicked('new-try', () => this.#board.isTrying ? this.#board.stop() : this.#board.play(this.#play.isWrapped));
        clicked('new-turn', () => this.#edit(() => this.#board.rotate()));
        clicked('new-clear', () => this.#edit(() => this.#board.clear()));
        clicked('new-larger', () => {
            element('new-size').value = this.#wrong.next;
            this.#take();
            element('new-start').focus();
        });
        clicked('new-copy', () => this.#copy());
        clicked('new-start', () => this.#start());
        clicked('new-cancel', () => this.#dialog.close());
        this.#dialog.addEventListener('close', () => this.#board.stop());
        this.#board.addEventListener('draw', () => this.#edit(() => {}));
        this.#board.addEventListener('change', () => this.#showBoard());
    }

    get #size() { return Number(element('new-size').value); }

    // The usual sizes, and the one that is played now.
    #offerSizes(now) {
        const sizes = [...new Set([...SIZES, now])].sort((a, b) => a - b);
        element('new-size').replaceChildren(...sizes.map((size) => make('option', {value: size}, byName(size))));
        element('new-size').value = now;
    }

    async #loadList() {
        try {
            await this.#list.load();
            show(element('new-list-says'), '');
        } catch {
            show(element('new-list-says'), 'The patterns could not be fetched. Open this dialog again to retry.');
        }
        if (this.#from === 'list') {
            this.#take();
        }
    }

    #turnTo(from) {
        this.#from = from;
        this.#dialog.querySelector(`[name="new-from"][value="${from}"]`).checked = true;
        for (const pane of this.#dialog.querySelectorAll('.pane')) {
            pane.hidden = pane.dataset.pane !== from;
        }
        this.#take();
    }

    // From now on the board itself is what is started.
    #edit(change) {
        change();
        if (this.#from !== 'draw') {
            this.#wrong = null;
            this.#turnTo('draw');
        }
    }

    // Puts on the board what the pane holds.
    #take() {
        const size = this.#size;
        this.#wrong = null;
        try {
            if (this.#from === 'draw') {
                this.#board.resize(size);
            } else {
                this.#board.set(this.#cells(size), size);
            }
        } catch (error) {
            this.#wrong = error;
            this.#board.set(new Uint8Array(size * size), size);
        }
        show(element('new-part'), `${element('new-density').value} %`);
        this.#showWrong();
    }

    // Draws on with what the page shows; while the game is paused, that is one generation.
    #takeShown() {
        const {grid} = this.#shown;
        element('new-size').value = grid.size;
        this.#board.set(grid.cells.map((cell) => cell === ALIVE ? 1 : 0), grid.size);
        this.#take();
    }

    #cells(size) {
        if (this.#from === 'paste') {
            return place(parse(element('new-text').value), size);
        }
        if (this.#from === 'soup') {
            const {density, seed} = this.#random();
            return soup(size, density, seed);
        }
        const {chosen} = this.#list;
        return chosen === null ? new Uint8Array(size * size) : place(chosen, size);
    }

    #random() {
        const seed = element('new-seed').valueAsNumber;
        if (!Number.isSafeInteger(seed) || seed < 0) {
            throw new Error('The seed is a whole number from 0 on.');
        }
        return {density: Number(element('new-density').value) / 100, seed};
    }

    #showWrong() {
        const wrong = this.#wrong, more = this.#size ** 2 - this.#game.total;
        const said = element('new-says');
        show(said, this.#from !== 'paste' ? '' : wrong?.message ?? 'It fits.');
        said.classList.toggle('wrong', wrong !== null);
        element('new-text').ariaInvalid = String(this.#from === 'paste' && wrong !== null);
        element('new-start').disabled = wrong !== null;
        element('new-larger').hidden = !wrong?.next;
        show(element('new-larger'), wrong?.next ? `Use ${byName(wrong.next)}` : '');
        this.#say(wrong !== null ? (this.#from === 'paste' ? '' : wrong.message)
            : more === 0 ? `The same ${number(this.#game.total)} clients play it: no socket opens or closes.`
            : more > 0 ? `${number(more)} more clients connect.` : `${number(-more)} clients leave.`, wrong !== null);
    }

    #say(text, isWrong) {
        show(element('new-cost'), text);
        element('new-cost').classList.toggle('wrong', isWrong);
    }

    #showBoard() {
        element('new-try').ariaPressed = String(this.#board.isTrying);
        show(element('new-alive'), this.#board.isTrying ? 'preview, computed in this page'
            : `${number(this.#board.population)} cells alive`);
    }

    async #copy() {
        await navigator.clipboard.writeText(encode(this.#board.cells, this.#board.size));
        show(element('new-copy'), 'Copied');
        setTimeout(() => show(element('new-copy'), 'Copy as RLE'), COPIED_TIME);
    }

    // What the program is to start from. It makes a shipped pattern and a random start itself.
    #what() {
        if (this.#from === 'list' && this.#list.chosen !== null) {
            return {pattern: this.#list.chosen.id};
        }
        if (this.#from === 'soup') {
            return {random: this.#random()};
        }
        return {rle: encode(this.#board.cells, this.#board.size), centered: true};
    }

    // Starts it. The dialog stays until the program has said that it will, and shows why if it does not.
    async #start() {
        const command = this.#play.newGame(this.#what(), this.#size);
        if (JSON.stringify(command).length > MOST_BYTES) {
            this.#say('This drawing is too large to be sent. Start from a pattern, or choose a smaller size.', true);
            return;
        }
        if (this.#isStarting) {
            return;
        }
        this.#isStarting = true;
        const error = await this.#game.command(command);
        this.#isStarting = false;
        if (error !== null) {
            this.#say(error, true);
        } else {
            this.#dialog.close();
        }
    }
}
