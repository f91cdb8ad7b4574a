// All keys of the page, in one table: what listens to them, and what the help shows, comes from here.

import {actions} from './actions.js';
import {settings} from './settings.js';

// The keys as the help shows them, what they do, the action, and of these:
// plays     it plays the game, so that it needs control
// repeats   it goes on while the key is down
// moves     it belongs to the grid, and works there even if single keys are turned off
export const KEYS = [
    {keys: ['Enter'], what: 'Play or pause', action: 'play', plays: true},
    {keys: ['Space'], what: 'One step', action: 'step', plays: true, repeats: true},
    {keys: ['−'], what: 'Slower', action: 'slower', plays: true, repeats: true},
    {keys: ['+'], what: 'Faster', action: 'faster', plays: true, repeats: true},
    {keys: ['R'], what: 'Start again', action: 'again', plays: true},
    {keys: ['N'], what: 'New game', action: 'games', plays: true},
    {keys: ['D'], what: 'Draw', action: 'draw', plays: true},
    {keys: ['S'], what: 'Random start', action: 'soup', plays: true},
    {keys: ['H'], what: 'Hold the pinned cell, or let it go', action: 'hold', plays: true},
    {keys: ['F'], what: 'Fit the grid', action: 'fit'},
    {keys: ['['], what: 'Zoom out', action: 'out', repeats: true},
    {keys: [']'], what: 'Zoom in', action: 'in', repeats: true},
    {keys: ['←', '↑', '↓', '→'], what: 'Move', action: 'move', repeats: true, moves: true},
    {keys: ['I'], what: 'Cell cursor, then arrows', action: 'cursor'},
    {keys: ['C'], what: 'Next theme', action: 'theme'},
    {keys: ['X'], what: 'Lines between cells', action: 'lines'},
    {keys: ['W'], what: 'Copies beyond the edges', action: 'copies'},
    {keys: ['T'], what: 'Speak figures', action: 'speak'},
    {keys: ['L'], what: 'Share a link', action: 'share'},
    {keys: ['Shift F'], what: 'Full screen', action: 'full'},
    {keys: ['Esc'], what: 'Close, unpin', action: 'leave', moves: true},
    {keys: ['?'], what: 'This list', action: 'help'},
];

const ROWS = new Map(KEYS.flatMap((row) => row.keys.map((key) => [key, row])));

const NAMES = {
    ' ': 'Space', Escape: 'Esc', '-': '−', '_': '−', '=': '+',
    ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓',
};

// The name in the table of the key that was pressed. Letters count without regard to Caps Lock.
function nameOf({key, shiftKey}) {
    if (/^[a-z]$/i.test(key)) {
        return (shiftKey ? 'Shift ' : '') + key.toUpperCase();
    }
    return NAMES[key] ?? key;
}

const PRESSING = ['Enter', 'Space'];
const CHANGING = [...PRESSING, '←', '↑', '↓', '→'];

// With AltGr, which is how many keyboards type [ and ], a key is still one key.
function isShortcut(event) {
    const isAltGraph = event.getModifierState('AltGraph');
    return event.metaKey || !isAltGraph && (event.ctrlKey || event.altKey);
}

// Does the focused element itself take this key? A field and a dialog take all, a slider and a choice what changes them,
// a button and a link what presses them.
function belongsTo(target, name) {
    if (target.closest('dialog, select, textarea, [contenteditable]')) {
        return true;
    }
    if (target.matches('input')) {
        return !target.matches('[type="range"], [type="radio"], [type="checkbox"]') || CHANGING.includes(name);
    }
    return PRESSING.includes(name) && target.closest('button, a, summary') !== null;
}

// Listens for keys from now on. An action gets the name of its key.
export function listen(grid) {
    document.addEventListener('keydown', (event) => {
        const name = nameOf(event);
        const row = ROWS.get(name);
        if (!row || event.defaultPrevented || event.isComposing || isShortcut(event) || belongsTo(event.target, name)) {
            return;
        }
        if (!settings.keys && !(row.moves && event.target === grid)) {
            return;
        }
        event.preventDefault();
        if (row.repeats || !event.repeat) {
            actions[row.action]?.(name);
        }
    });
}

// The title of a button: what it does, and its key.
export function titleOf(action) {
    const row = KEYS.find((entry) => entry.action === action);
    return `${row.what} (${row.keys.join(' ')})`;
}
