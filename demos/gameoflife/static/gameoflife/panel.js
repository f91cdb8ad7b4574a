// The panel: how many sockets, how fast, which colour means what.

import {BARS, OLDEST, PERIOD, Palette, THEMES, night} from './themes.js';
import {element, make, makeSvg, number, show} from './elements.js';
import {STATES} from './states.js';
import {settings} from './settings.js';

const TRAIL = 60;           // values of a sparkline, two a second;
const SHORTEST = 12;        // one that is not yet that long is stretched, but no more than to so many
const HEIGHT = 26;          // of a sparkline
const TALLEST = 55;         // CSS pixels of the legend's bars
const SWATCHES = 8;         // of a theme's picture

const RATES = [
    {id: 'messages', name: 'Messages/s', of: ({messages}) => messages, text: number},
    {id: 'speed', name: 'Steps/s', of: ({stepsPerSecond}) => stepsPerSecond, text: (value) => value.toFixed(1)},
    {id: 'population', name: 'Population', of: ({population}) => population, text: number},
];

function spreadOf(steps) {
    return steps === 0 ? 'all at one step' : steps === 1 ? 'spread 1 step' : `spread ${number(steps)} steps`;
}

// One figure with its trail.
class RateRow {
    #rate;
    #trail = [];
    #svg = makeSvg('svg', {preserveAspectRatio: 'none', 'aria-hidden': 'true'});
    #area = makeSvg('path', {class: 'area'});
    #line = makeSvg('path', {class: 'trail'});
    #name = make('dt');
    #value;

    constructor(rate) {
        this.#rate = rate;
        this.#value = make('dd', {id: rate.id});
        this.#svg.append(this.#area, this.#line);
        this.element = make('div', {}, this.#name, make('dd', {}, this.#svg), this.#value);
        this.rename(rate.name);
    }

    rename(name) {
        show(this.#name, name);
    }

    clear() {
        this.#trail = [];
    }

    add(figures) {
        this.#trail = [...this.#trail, this.#rate.of(figures)].slice(-TRAIL);
        const highest = 1.1 * Math.max(...this.#trail, 1), span = Math.max(SHORTEST, this.#trail.length);
        const first = span - this.#trail.length;
        const height = (value) => (HEIGHT - 1 - (HEIGHT - 2) * value / highest).toFixed(2);
        const points = this.#trail.map((value, i) => `${first + i} ${height(value)}`);
        const line = `M${points.join('L')}`;
        this.#svg.setAttribute('viewBox', `0 0 ${span - 1} ${HEIGHT}`);
        this.#area.setAttribute('d', `${line}V${HEIGHT}H${first}`);
        this.#line.setAttribute('d', line);
    }

    refresh(figures) {
        show(this.#value, this.#rate.text(this.#rate.of(figures)));
    }
}

export class Panel {
    #game;
    #cells;
    #figures;
    #rates = RATES.map((rate) => new RateRow(rate));
    #bars = Array.from({length: BARS}, () => make('i'));

    constructor({game, cells, figures}) {
        this.#game = game;
        this.#cells = cells;
        this.#figures = figures;
        element('rates').append(...this.#rates.map((row) => row.element));
        element('legend').append(...this.#bars);
        this.#addThemes();
        this.#showTheme();
        this.#showSize();
        cells.addEventListener('size', () => this.#showSize());
        cells.addEventListener('palette', () => this.#showTheme());
        night.addEventListener('change', () => this.#paintThemes());
        game.addEventListener('open', () => this.#rates.forEach((row) => row.clear()));
    }

    // Twice a second the trails go on.
    tick() {
        if (!STATES[this.#game.state].isLost) {
            this.#rates.forEach((row) => row.add(this.#figures));
        }
        this.refresh();
    }

    refresh() {
        const figures = this.#figures, {state} = this.#game;
        if (!STATES[state].isLost) {
            this.#rates[0].rename(this.#game.isTold ? 'Messages/s' : 'Updates/s');
            this.#rates.forEach((row) => row.refresh(figures));
        }
        show(element('sockets'), number(figures.connected));
        show(element('sockets-of'), this.#socketsOf(state));
        this.#showLegend();
    }

    #socketsOf(state) {
        if (STATES[state].isLost) {
            return 'last heard';
        }
        return state === 'gather' ? `of ${number(this.#game.total)}` : 'sockets';
    }

    #showSize() {
        const {size} = this.#cells;
        document.title = `Game of Life (${size}x${size})`;
        show(element('dimensions'), `${size} × ${size}`);
    }

    // A histogram of the cells by step, in each step's colours.
    #showLegend() {
        const {oldest, youngest, histogram} = this.#figures, {palette} = this.#cells, {theme} = palette;
        const ages = theme.keyOf === 'age', last = Math.max(youngest, BARS - 1);
        const most = Math.max(...histogram.counts, 1);
        this.#bars.forEach((bar, i) => {
            const step = last - BARS + 1 + i, key = theme.legendKey(step, last);
            const count = histogram.counts[step - histogram.first] ?? 0;
            const alive = palette.colours[PERIOD + key];
            bar.style.setProperty('--tall', `${ages ? 0 : (TALLEST * Math.sqrt(count / most)).toFixed(1)}px`);
            bar.style.setProperty('--bar', theme.keyOf === 'step' ? alive : 'var(--accent)');
            bar.style.setProperty('--alive', alive);
            bar.style.setProperty('--dead', palette.colours[key]);
        });
        element('legend').classList.toggle('ages', ages);
        show(element('legend-first'), ages ? `${OLDEST + 1} steps` : number(last - BARS + 1));
        show(element('legend-last'), ages ? 'newborn' : number(last));
        show(element('spread'), spreadOf(youngest - oldest));
        element('legend').ariaLabel = `The cells are at steps ${oldest} to ${youngest}.`;
    }

    #addThemes() {
        for (const [name, theme] of Object.entries(THEMES)) {
            const input = make('input', {type: 'radio', name: 'theme', value: name});
            element('themes').append(make('label', {}, input, make('i'), theme.name));
        }
        element('themes').addEventListener('change', ({target}) => settings.set('theme', target.value));
        this.#paintThemes();
    }

    // A picture of each theme: what is alive above, dead below, the youngest at the left.
    #paintThemes() {
        for (const input of element('themes').querySelectorAll('input')) {
            const theme = THEMES[input.value], {colours} = new Palette(theme), last = SWATCHES - 1;
            const strip = (state) => Array.from({length: SWATCHES}, (_, i) => {
                const colour = colours[state * PERIOD + theme.legendKey(last - i, last)];
                return `${colour} ${i / SWATCHES * 100}% ${(i + 1) / SWATCHES * 100}%`;
            }).join(', ');
            input.nextSibling.style.background =
                `linear-gradient(90deg, ${strip(1)}) 0 0 / 100% 50% no-repeat, linear-gradient(90deg, ${strip(0)})`;
        }
    }

    #showTheme() {
        const {theme} = this.#cells.palette;
        show(element('legend-title'), theme.title);
        show(element('legend-note'), theme.note);
        for (const input of element('themes').querySelectorAll('input')) {
            input.checked = THEMES[input.value] === theme;
        }
        this.#showLegend();
    }
}
