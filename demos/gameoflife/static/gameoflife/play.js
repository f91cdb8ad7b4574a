// What plays the game: each command goes to the server, and a refusal is shown.

import {actions} from './actions.js';
import {toast} from './say.js';

// Steps a second, from slow to no limit (0).
export const SPEEDS = [0.5, 1, 2, 5, 10, 20, 0];

const USUAL_DENSITY = 0.25;
const SEEDS = 1e9;

// The place in SPEEDS of a speed, or of the next slower one.
export function paceOf(speed) {
    return speed === 0 ? SPEEDS.length - 1 : Math.max(0, SPEEDS.findLastIndex((of) => of > 0 && of <= speed));
}

// A whole number, as the command line's --seed takes it, and short enough to be copied by hand.
export const newSeed = () => Math.floor(Math.random() * SEEDS);

// Sends 'speed' when another speed is asked for or told.
export class Play extends EventTarget {
    #game;
    #view;
    #asked = null;         // the speed that was asked for, until the program has said what it plays
    #isAnswered = false;

    constructor(game, view) {
        super();
        this.#game = game;
        this.#view = view;
        game.addEventListener('status', () => this.#told());
        this.#add('play', () => this.#toggle());
        this.#add('step', () => this.#send(game.play?.paused ? {step: 1} : {pause: true}));
        this.#add('slower', () => this.setPace(paceOf(this.speed) - 1));
        this.#add('faster', () => this.setPace(paceOf(this.speed) + 1));
        this.#add('again', () => this.#send({again: true}));
        this.#add('soup', () => this.#send(this.newGame({random: {density: USUAL_DENSITY, seed: newSeed()}})));
        this.#add('hold', () => this.#hold());
        this.#add('release', () => this.#send({release: true}));
        actions.why = () => toast(game.why);
    }

    // Steps a second, 0 without a limit.
    get speed() { return this.#asked ?? this.#game.play?.speed ?? 0; }

    get isWrapped() { return this.#game.status?.game.wrapped ?? true; }

    // Asks for a speed by its place in SPEEDS.
    async setPace(pace) {
        const speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, pace))];
        this.#ask(speed);
        const isDone = await this.#send({speed});
        if (this.#asked === speed) {
            this.#isAnswered = isDone;
            this.#ask(isDone ? speed : null);
        }
    }

    // The command for a new game; unless told otherwise, on the grid that is there.
    newGame(start, size = this.#game.size) {
        return {new: {size, wrapped: this.isWrapped, ...start}};
    }

    // An action that needs the right to play; without it the page says what to do.
    #add(name, act) {
        actions[name] = () => this.#game.canControl ? act() : toast(this.#game.why);
    }

    // Returns whether the program did it.
    async #send(command) {
        const error = await this.#game.command(command);
        if (error !== null) {
            toast(error);
        }
        return error === null;
    }

    #toggle() {
        if (this.#game.state === 'over') {
            this.#send({again: true});
        } else {
            this.#send(this.#game.play?.paused ? {play: true} : {pause: true});
        }
    }

    #hold() {
        const {pinned} = this.#view;
        if (this.#game.play?.held) {
            this.#send({release: true});
        } else if (pinned === null) {
            toast('Pin a cell first: click it, or press I and move with the arrows.');
        } else {
            this.#send({hold: [pinned.row, pinned.col]});
        }
    }

    #ask(speed) {
        this.#asked = speed;
        this.dispatchEvent(new Event('speed'));
    }

    #told() {
        if (this.#isAnswered || this.#game.play?.speed === this.#asked) {
            this.#isAnswered = false;
            this.#asked = null;
        }
        this.dispatchEvent(new Event('speed'));
    }
}
