// The Game of Life page: what the server tells goes into the cells and the game; the modules show what they hold.
//
//     connection > game   > states, notices, panel, card      how the game stands, and each cell's socket
//                  cells  > grid, picture > drawing, shadows   frames (pictures) or lines (old servers) fill the grid
//     pointers   > view   > drawing, viewport                 where the page looks, and what it asks the server for
//
// `view`, `game`, `cells` and `figures` are for the modules that are built on top of this one: the dock and the
// dialogs.

import {element, show} from './elements.js';
import {Card} from './card.js';
import {Cells} from './cells.js';
import {Drawing} from './drawing.js';
import {Figures} from './figures.js';
import {Game} from './game.js';
import {Notices} from './notices.js';
import {Panel} from './panel.js';
import {STATES} from './states.js';
import {THEMES} from './themes.js';
import {View} from './view.js';
import {Viewport} from './viewport.js';
import {actions} from './actions.js';
import {listen} from './pointers.js';
import {readAddress} from './address.js';
import {say} from './say.js';
import {settings} from './settings.js';
import './layout.js';

const FIGURES = 500;        // ms
const CARD = 200;           // ms
const SPEAK = 10_000;       // ms between two times that the figures are spoken
const ASK_SIZE = 2000;      // ms between two questions for the size
const KEY_ZOOM = 1.5;

const canvas = element('grid'), map = element('map');

export const cells = new Cells(Number(canvas.dataset.size) || 32);
export const view = new View(cells.size);
export const game = new Game(`${location.origin.replace('http', 'ws')}/watcher/`, cells);
export const figures = new Figures(cells, game);

const drawing = new Drawing({canvas, map, view, cells, game});
const panel = new Panel({game, cells, figures});
const card = new Card({view, cells, game});
const notices = new Notices();
new Viewport({view, cells, game});
listen({canvas, map, view});

// For tests and the curious, read only. `cells` is by row, row * size + column: 0 dead, 1 alive, 2 not yet heard from.
// `steps` holds each cell's own step in the same order. `received` counts updates since the page was opened. After a
// reset `cells` and `steps` are new arrays. Of a grid of more than 1024 x 1024 cells they hold blocks of cells, or what
// is on the stage.
window.life = Object.freeze({
    get size() { return cells.size; },
    get cells() { return cells.grid.cells; },
    get steps() { return cells.grid.steps; },
    get received() { return cells.received; },
});

// ---- The state

function facts() {
    return {
        size: game.size, total: game.total, canControl: game.canControl, wait: game.wait,
        connected: figures.connected, subscribed: figures.subscribed, left: figures.left, held: figures.held,
        oldest: figures.oldest, youngest: figures.youngest, stays: figures.connected > 0 && game.play?.stays === true,
        stepOf(cell) {
            const at = cells.grid.at(cell);
            return at < 0 ? null : cells.grid.steps[at];
        },
    };
}

function showState() {
    const {tone, name, isStale = false, detail} = STATES[game.state], status = element('status'), known = facts();
    status.style.setProperty('--tone', `var(--${tone})`);
    show(status.firstChild, name);
    show(status.lastChild, detail(known));
    document.body.classList.toggle('stale', isStale);
    if (status.dataset.state !== game.state) {
        status.dataset.state = game.state;
        say(name);      // once, and not with every second counted down
    }
    notices.refresh(game.state, known);
}

function showAll() {
    game.refresh();
    figures.refresh();
    showState();
    panel.tick();
    const missing = game.isLive && !game.isTold && game.state !== 'connecting';
    element('missing').hidden = !missing;
    show(element('missing'), missing ? game.why : '');
    if (cells.outside) {
        askSize().catch(() => {});      // asked again if updates still do not fit
    }
}

// A server that knows no subprotocol does not tell the size; its page does.
let askedAt = -Infinity;

async function askSize() {
    if (performance.now() - askedAt < ASK_SIZE) {
        return;
    }
    askedAt = performance.now();
    const page = await (await fetch(location.href)).text();
    const size = Number(/data-size="(\d+)"/.exec(page)?.[1]);
    if (size >= 1 && size !== cells.size) {
        cells.reset(size);
    }
    cells.outside = false;
}

cells.addEventListener('size', () => view.resize(cells.size));
game.addEventListener('change', () => {
    figures.refresh();
    showState();
    panel.refresh();
});

// ---- What the page can be asked for

Object.assign(actions, {
    fit: () => view.fit(),
    in: () => view.zoom(KEY_ZOOM),
    out: () => view.zoom(1 / KEY_ZOOM),
    theme() {
        const names = Object.keys(THEMES);
        settings.set('theme', names[(names.indexOf(settings.theme) + 1) % names.length]);
    },
    lines: () => settings.toggle('lines'),
    copies: () => settings.toggle('copies'),
    speak: () => settings.toggle('speak'),
    // The cell cursor: a pinned cell that the arrow keys move.
    cursor() {
        const cell = (at) => Math.min(cells.size - 1, Math.floor(at));
        view.pin(view.pinned === null ? {row: cell(view.y), col: cell(view.x)} : null);
        canvas.focus();
    },
});

function speak() {
    say(`${figures.connected} sockets, step ${figures.oldest}, ${figures.stepsPerSecond.toFixed(1)} steps a second, `
        + `population ${figures.population}.`);
}

settings.addEventListener('change', ({detail}) => {
    if (detail === 'speak') {
        settings.speak ? speak() : say('Figures are no longer spoken.');
    }
});

readAddress(view);
showAll();
drawing.changed();
setInterval(showAll, FIGURES);
setInterval(() => {
    figures.watch();
    card.refresh();
}, CARD);
setInterval(() => settings.speak && speak(), SPEAK);
