// The states of the page: the dot's colour, the name, the detail beside it, and whether the picture is out of date. A
// notice lies over the picture; notices.js writes it.

import {number} from './elements.js';

const LOST = {isStale: true, isLost: true};     // the server does not tell anything

export const STATES = {
    connecting: {tone: 'muted', name: 'Connecting', isStale: true, detail: () => 'to the server'},
    empty: {tone: 'busy', name: 'No cells yet', detail: () => '0 sockets'},
    gather: {
        tone: 'busy', name: 'Gathering',
        detail: ({connected, total}) => `${number(connected)} of ${number(total)}`,
    },
    run: {tone: 'good', name: 'Running', detail: ({oldest}) => `step ${number(oldest)}`},
    pause: {
        tone: 'busy', name: 'Paused',
        detail: ({oldest, youngest}) => oldest < youngest ? 'slower cells catch up' : `at step ${number(youngest)}`,
    },
    held: {
        tone: 'busy', name: 'Held',
        detail: ({held}) => `cell ${held.row} ${held.col} for ${number(held.seconds)} s`,
    },
    stalled: {
        tone: 'bad', name: 'Waiting',
        detail: ({left}) => left === 1 ? 'for a cell that left' : `for ${number(left)} cells that left`,
    },
    over: {tone: 'muted', name: 'Game over', detail: ({youngest}) => `${number(youngest)} steps`},
    gone: {tone: 'bad', name: 'The clients left', isStale: true, detail: ({oldest}) => `at step ${number(oldest)}`},
    down: {tone: 'bad', name: 'Server unreachable', ...LOST, detail: ({wait}) => `trying again in ${wait} s`},
    restart: {tone: 'busy', name: 'Server restarting', ...LOST, detail: () => 'back in a moment (1012)'},
    behind: {tone: 'busy', name: 'This page fell behind', ...LOST, detail: () => 'catching up (1013)'},
};
