// What plays the game and moves the view, on top of the page that shows it: the dock, the keys and the dialogs.

import {addressOf} from './address.js';
import {actions} from './actions.js';
import {Dock} from './dock.js';
import {element} from './elements.js';
import {ALIVE, DEAD} from './grid.js';
import {listen} from './keys.js';
import {NewGame} from './new-game.js';
import {Play} from './play.js';
import {copy, say} from './say.js';
import {cells, game, view} from './viewer.js';
import './help.js';

const KEY_PAN = 64;   // CSS pixels

const ARROWS = {'←': [0, -1], '→': [0, 1], '↑': [-1, 0], '↓': [1, 0]};   // rows, columns

const play = new Play(game, view);
new Dock(game, play);
new NewGame(game, play, cells);
listen(element('grid'));

Object.assign(actions, {
    share: () => copy(addressOf(view), 'Link to this view copied.'),
    leave: () => view.pin(null),

    // The whole page: toasts and dialogs are no part of the stage.
    full: () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),

    // Moves the cell cursor, or without one the view.
    move(arrow) {
        const [rows, cols] = ARROWS[arrow];
        if (view.pinned === null) {
            view.pan(-KEY_PAN * cols, -KEY_PAN * rows);
        } else {
            view.step(rows, cols);
        }
    },
});

// The pinned cell is spoken once, when it becomes another one.
let spoken = null;

view.addEventListener('cell', () => {
    const {pinned} = view;
    if (pinned !== null && (pinned.row !== spoken?.row || pinned.col !== spoken?.col)) {
        const state = cells.grid.cells[cells.grid.at(pinned)];
        const word = {[ALIVE]: 'alive', [DEAD]: 'dead'}[state] ?? 'not heard from yet';
        say(`Cell ${pinned.row}, ${pinned.col}, ${word}`);
    }
    spoken = pinned;
});
