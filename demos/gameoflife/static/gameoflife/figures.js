// The figures beside the picture, wherever they come from: the server's status, or, if it sends none, the cells.

import {UNKNOWN} from './grid.js';
import {Rate} from './rate.js';

const BINS = 64;        // steps of the histogram, the youngest last
const MOVING = ['run', 'held', 'stalled', 'pause'];

// One pass over all cells for the oldest and the youngest, one for how many are at each of the last steps.
function survey(grid) {
    const {cells, steps} = grid;
    let oldest = Infinity, youngest = -Infinity;
    for (let at = 0; at < cells.length; ++at) {
        if (cells[at] !== UNKNOWN) {
            oldest = Math.min(oldest, steps[at]);
            youngest = Math.max(youngest, steps[at]);
        }
    }
    if (youngest < 0) {
        return {oldest: 0, youngest: 0, histogram: {first: 0, counts: []}};
    }
    const first = Math.max(oldest, youngest - BINS + 1);
    const counts = new Array(youngest - first + 1).fill(0);
    for (let at = 0; at < cells.length; ++at) {
        if (cells[at] !== UNKNOWN && steps[at] >= first) {
            ++counts[steps[at] - first];
        }
    }
    grid.youngest = youngest;   // it may have gone back: a new game
    return {oldest, youngest, histogram: {first, counts}};
}

export class Figures {
    #cells;
    #game;
    #rate = new Rate();
    #received = 0;
    #askedAt = performance.now();

    constructor(cells, game) {
        this.#cells = cells;
        this.#game = game;
        this.stepsPerSecond = 0;
        game.addEventListener('open', () => { this.#rate = new Rate(); });
        cells.addEventListener('size', () => { this.#rate = new Rate(); });
        this.refresh();
    }

    // Twice a second, since that is how often the server tells them.
    refresh() {
        const {status, isLive} = this.#game;
        if (status !== null) {
            this.#tell(status);
        } else if (isLive || this.connected === undefined) {
            this.#count(this.#cells.heard);
        }
        this.watch();
    }

    // Several times a second: the speed is measured from step to step.
    watch() {
        if (this.#game.isLive) {
            this.stepsPerSecond = this.#speed();
        }
    }

    // Not before every cell has been heard from: what the page had missed would count as speed.
    #speed() {
        const {state} = this.#game, {grid} = this.#cells;
        const stands = state === 'pause' && this.oldest === this.youngest;
        if (!MOVING.includes(state) || stands || grid.heard < grid.cells.length) {
            this.#rate = new Rate();
            return 0;
        }
        return this.#rate.at(performance.now(), grid.step);
    }

    #tell({game, step, population, histogram, messages, left, play}) {
        this.connected = game.connected;
        this.subscribed = game.subscribed;
        this.oldest = step.oldest ?? 0;
        this.youngest = step.youngest ?? 0;
        this.population = population ?? 0;
        this.messages = messages ?? 0;
        this.histogram = {
            first: histogram?.first ?? 0,
            counts: (histogram?.alive ?? []).map((alive, i) => alive + (histogram.dead[i] ?? 0)),
        };
        this.left = left?.count ?? 0;
        this.held = play?.held ?? null;
    }

    // Without a status the page counts what it hears: updates instead of messages.
    #count(heard) {
        const now = performance.now(), {gathering} = this.#game, {grid, received} = this.#cells;
        this.connected = gathering?.connected ?? heard;
        this.subscribed = gathering?.subscribed ?? heard;
        Object.assign(this, survey(grid));
        this.population = grid.population;
        this.messages = (received - this.#received) / Math.max(1, now - this.#askedAt) * 1000;
        this.#received = received;
        this.#askedAt = now;
        this.left = 0;
        this.held = null;
    }
}
