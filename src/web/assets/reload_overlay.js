// What lies over a page under development: the explanation of a mistake, and a pill in the corner that tells of builds.
//
// It lives in a shadow root behind <body>, so that neither the page's styles nor its own reach the other, and in the
// browser's top layer, above anything that the page can make. A modal dialog makes the page inert and leaves it as it
// is: no attribute changes, typed text stays, and the focus goes back where it was.

import {attend, make} from './reload_sheet.js';

const GONE_MS = 3000;    // how long "Reloaded" stays
const TICK_MS = 100;
const CIRCLE = 75.4;     // the length of the ring
const STYLES = ['base.css', 'sheet.css', 'reload.css'];
const SVG = 'http://www.w3.org/2000/svg';

async function loadStyles() {
    const texts = STYLES.map(async (name) => (await fetch(`/_c10k/${name}`)).text());
    const styles = new CSSStyleSheet();
    styles.replaceSync((await Promise.all(texts)).join('\n'));
    return styles;
}

function ring() {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('class', 'ring');
    svg.setAttribute('viewBox', '0 0 30 30');
    svg.setAttribute('aria-hidden', 'true');
    for (const name of ['', 'part']) {
        const circle = document.createElementNS(SVG, 'circle');
        circle.setAttribute('class', name);
        for (const [attribute, value] of [['cx', 15], ['cy', 15], ['r', 12]]) {
            circle.setAttribute(attribute, value);
        }
        svg.append(circle);
    }
    return svg;
}

const inSeconds = (seconds) => `${seconds.toFixed(1)} s`;

export class Overlay {
    #styles = loadStyles();
    #shadow = null;     // until there is something to show
    #dialog = null;
    #attended = null;
    #pill = null;
    #html = '';         // that is shown, or hidden by the reader
    #isHidden = false;
    #isBuilding = false;
    #timer = 0;

    // Shows an explanation; '' takes it away. One that the reader has hidden stays hidden until another one comes.
    explain(html) {
        if (html === this.#html) {
            return;
        }
        this.#closeSheet();
        this.#html = html;
        this.#isHidden = false;
        this.#removePill();
        this.#showSheet();
    }

    // Tells of a build that runs; null if none does.
    building(build) {
        if (build !== null) {
            this.#showBuilding(build);
        } else if (this.#isBuilding) {
            this.#removePill();
            this.#showSheet();  // the mistake is still there, even if the reader has hidden it before the build
        }
    }

    // Says that this page is new, and how long that took.
    reloaded(seconds) {
        const pill = this.#showPill('Reloaded', `saved to seen in ${inSeconds(seconds)}`, 'good');
        this.#turn(pill, 1);
        setTimeout(() => {
            if (pill === this.#pill) {
                this.#removePill();
            }
        }, GONE_MS);
    }

    hide() {
        this.#closeSheet();
        this.#isHidden = true;
        this.#showHidden();
    }

    #root() {
        if (!this.#shadow) {
            const host = make('div', {id: 'c10k-reload'});
            this.#shadow = host.attachShadow({mode: 'open'});
            this.#styles.then((styles) => { this.#shadow.adoptedStyleSheets = [styles]; }, () => {});
            document.documentElement.append(host);
        }
        return this.#shadow;
    }

    #showBuilding(build) {
        const began = performance.now() - 1000 * build.seconds;
        const count = build.total > 0 ? `${Math.min(build.total, build.done + 1)} of ${build.total}` : '';
        const pill = this.#showPill('Building', [build.file, count].filter(Boolean).join(', '));
        const time = make('small', {ariaHidden: 'true'});
        pill.append(time);
        const tick = () => {
            const seconds = (performance.now() - began) / 1000;
            const part = build.usual > 0 ? seconds / build.usual : build.done / Math.max(1, build.total);
            time.textContent = build.usual > 0 ? `${seconds.toFixed(1)} of about ${inSeconds(build.usual)}`
                : inSeconds(seconds);
            this.#turn(pill, Math.min(0.97, part));
        };
        tick();
        this.#timer = setInterval(tick, TICK_MS);
        this.#isBuilding = true;
        this.#isHidden = false;
    }

    async #showSheet() {
        const html = this.#html;
        await this.#styles.catch(() => {});
        if (html === '' || html !== this.#html || this.#isHidden || this.#dialog) {
            return;
        }
        const sheet = make('div', {className: 'sheet', innerHTML: html});
        this.#dialog = make('dialog', {tabIndex: -1, role: 'alertdialog'}, sheet);
        this.#dialog.setAttribute('aria-label', sheet.querySelector('h1').textContent);
        this.#attended = attend(sheet, () => this.#dialog?.open);
        const hide = make('button', {type: 'button', className: 'hide', title: 'Hide until the next build'},
            'Hide ', make('kbd', {textContent: 'Esc'}));
        hide.addEventListener('click', () => this.hide());
        this.#attended.button.after(hide);
        this.#dialog.addEventListener('cancel', (event) => {
            event.preventDefault();
            this.hide();
        });
        this.#dialog.addEventListener('close', ({target}) => {
            if (target === this.#dialog) {  // the browser has closed it
                this.hide();
            }
        });
        this.#root().append(this.#dialog);
        this.#dialog.showModal();
        this.#dialog.focus({preventScroll: true});
    }

    #closeSheet() {
        this.#attended?.leave();
        this.#attended = null;
        this.#dialog?.close();  // gives the focus back
        this.#dialog?.remove();
        this.#dialog = null;
    }

    #showHidden() {
        const part = make('template', {innerHTML: this.#html}).content;
        const [lead] = (part.querySelector('.lead')?.textContent ?? '').split(/\.( |$)/);
        const pill = this.#showPill(part.querySelector('h1').textContent, lead, 'bad');
        const show = make('button', {type: 'button', textContent: 'Show'});
        show.addEventListener('click', () => {
            this.#isHidden = false;
            this.#removePill();
            this.#showSheet();
        });
        pill.append(show);
    }

    #showPill(title, text, kind = '') {
        this.#removePill();
        const words = make('div', {}, make('b', {textContent: title}), make('small', {textContent: text}));
        this.#pill = make('div', {className: `pill ${kind}`, role: 'status'}, ring(), words);
        this.#pill.setAttribute('popover', 'manual');
        this.#turn(this.#pill, 0);
        this.#root().append(this.#pill);
        this.#pill.showPopover?.();
        return this.#pill;
    }

    #turn(pill, part) {
        pill.querySelector('.part').style.strokeDashoffset = CIRCLE * (1 - part);
    }

    #removePill() {
        clearInterval(this.#timer);
        this.#isBuilding = false;
        this.#pill?.remove();
        this.#pill = null;
    }
}
