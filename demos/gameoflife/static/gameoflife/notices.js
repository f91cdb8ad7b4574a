// The notice over the picture: what a state needs the reader to know, and to do.

import {element, make, number, show} from './elements.js';
import {copy} from './say.js';

const DEFAULT_HOSTS = ['127.0.0.1:8000', 'localhost:8000'];

const heading = (text) => make('h2', {}, text);
const paragraph = (...parts) => make('p', {}, ...parts);
const button = (text, action, style = null) => make('button', {type: 'button', class: style, 'data-do': action}, text);

function command(size) {
    const url = DEFAULT_HOSTS.includes(location.host) ? '' : `--url ${location.origin.replace('http', 'ws')}`;
    const words = `./manage gameoflife|--size ${size}|--speed 10${url && `|${url}`}`.split('|');
    const code = make('code', {}, ...words.flatMap((word, i) => [i > 0 ? ' ' : '', make('span', {}, word)]));
    const made = make('div', {class: 'command'}, code, make('button', {type: 'button'}, 'Copy'));
    made.lastChild.addEventListener('click', () => copy(code.textContent, 'Copied.'));
    return made;
}

// Each makes the notice of a state, and may return a function that brings it up to date.
const NOTICES = {
    empty(notice, {size, total}) {
        notice.append(
            heading('No cells yet'),
            paragraph(total === 1 ? 'The server is waiting for one client. Start it in another terminal:'
                : `The server is waiting for ${number(total)} clients, one for each cell. Start them in another `
                    + 'terminal:'),
            command(size), paragraph('They appear here as they connect.'));
    },

    gather(notice, {total}) {
        const title = heading(''), bar = make('progress', {max: 1, value: 0});
        notice.append(title, bar,
            paragraph('The game begins when each cell has its client and each client has subscribed to its eight '
                + 'neighbours.'));
        return ({connected, subscribed}) => {
            const done = connected < total ? connected : subscribed;
            const what = connected < total ? 'connected' : 'subscribed';
            show(title, `${number(done)} of ${number(total)} clients ${what}`);
            bar.value = done / total;
            bar.ariaLabel = title.textContent;
        };
    },

    held(notice) {
        const text = paragraph();
        notice.classList.add('low');
        notice.append(text, paragraph(button('Release', 'release')));
        return ({held, stepOf}) => {
            const step = held === null ? null : stepOf(held);
            const after = (steps) => step === null ? `N+${steps}` : number(step + steps);
            show(text, held === null ? '' : `Cell ${held.row}, ${held.col} is paused. Its neighbours wait at step `
                + `${after(1)}, theirs at ${after(2)}, and so on.`);
        };
    },

    over(notice, {size, canControl, stays, youngest}) {
        notice.append(heading('The game is over'), paragraph(stays
            ? `Every cell reached the last step, ${number(youngest)}. The clients wait for the next game.`
            : `Every cell reached the last step, ${number(youngest)}, and closed its socket.`));
        notice.append(...canControl
            ? [paragraph(button('Play it again', 'again', 'main'), ' ', button('New game…', 'games'))]
            : stays ? [] : [paragraph('Start the next one in another terminal:'), command(size)]);
    },

    gone(notice, {size}) {
        notice.append(heading('The clients left'),
            paragraph('The program that ran the cells has stopped. Start it again:'), command(size));
    },
};

export class Notices {
    #shown = null;      // which one, and for which facts
    #update = null;

    refresh(state, facts) {
        const {size, canControl, stays} = facts;
        const key = state in NOTICES ? JSON.stringify([state, size, canControl, state === 'over' && stays]) : null;
        if (key !== this.#shown) {
            const notice = element('notice');
            notice.replaceChildren();
            notice.className = 'float';
            this.#update = key === null ? null : NOTICES[state](notice, facts) ?? null;
            notice.hidden = key === null;
            this.#shown = key;
        }
        this.#update?.(facts);
    }
}
