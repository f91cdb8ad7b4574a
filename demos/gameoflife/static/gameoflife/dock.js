// The buttons that play the game, or in their place why this page only watches; and the tools in the header.

import {element, icon, make, show} from './elements.js';
import {titleOf} from './keys.js';
import {paceOf, SPEEDS} from './play.js';

const SHOWN = ['run', 'pause', 'held', 'stalled', 'over'];   // states in which there is something to play

// A button for an action. A narrow page shows its picture alone.
function button(action, picture, name, {style = 'bare', text = null} = {}) {
    const words = text === null ? [] : [make('span', {}, text)];
    const attributes = {type: 'button', class: style, 'data-do': action, title: titleOf(action), 'aria-label': name};
    return make('button', attributes, icon(picture), ...words);
}

const speedText = (speed) => speed === 0 ? 'no limit' : `${speed.toLocaleString('en')} steps/s`;

export class Dock {
    #game;
    #play;
    #toggle = button('play', 'pause', 'Pause', {style: 'main'});
    #slider = make('input', {type: 'range', max: SPEEDS.length - 1, 'aria-label': 'Speed'});
    #speed = make('output');
    #playing = make('div', {class: 'playing'}, this.#toggle, button('step', 'step', 'One step', {style: 'bare icon'}),
        make('div', {class: 'speed'}, this.#slider, this.#speed),
        button('games', 'more', 'New game', {text: 'New game'}), button('draw', 'pen', 'Draw', {text: 'Draw'}),
        button('soup', 'dice', 'Random start', {text: 'Random'}));
    #watching = make('div', {class: 'watching'},
        make('p', {}, icon('eye'), make('b', {}, 'Watching'), make('span', {class: 'note'})),
        make('button', {type: 'button', 'data-do': 'why'}, 'Why?'));

    constructor(game, play) {
        this.#game = game;
        this.#play = play;
        element('dock').replaceChildren(this.#playing, this.#watching);
        element('tools').replaceChildren(button('share', 'send', 'Share a link', {text: 'Share'}),
            button('help', 'ask', 'Keys', {style: 'bare icon'}));
        this.#slider.addEventListener('input', () => play.setPace(Number(this.#slider.value)));
        for (const event of ['change', 'status']) {
            game.addEventListener(event, () => this.#update());
        }
        play.addEventListener('speed', () => this.#update());
        this.#update();
    }

    // Changes what is there, so that a focused button stays focused.
    #update() {
        const {canControl, state} = this.#game;
        element('dock').hidden = !SHOWN.includes(state);
        this.#playing.hidden = !canControl;
        this.#watching.hidden = canControl;
        if (canControl) {
            this.#updatePlaying(this.#game.play?.paused === true || state === 'over');
        } else {
            show(this.#watching.querySelector('.note'), this.#game.isTold
                ? 'The game is controlled from its terminal.' : 'This server takes no commands.');
        }
    }

    #updatePlaying(isStill) {
        const name = isStill ? 'Play' : 'Pause';
        if (this.#toggle.ariaLabel !== name) {
            this.#toggle.ariaLabel = name;
            this.#toggle.replaceChildren(icon(isStill ? 'play' : 'pause'));
        }
        const {speed} = this.#play, text = speedText(speed);
        this.#slider.value = paceOf(speed);
        this.#slider.setAttribute('aria-valuetext', text);
        show(this.#speed, text);
    }
}
