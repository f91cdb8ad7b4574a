// The reader's choices for this page, kept in the browser: the theme, and what is on or off.

const KEY = 'c10k.life';
const DEFAULTS = {theme: 'wave', lines: true, copies: true, speak: false, keys: true};

function stored() {
    try {
        return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
        return {};   // storage is forbidden, or somebody else wrote there
    }
}

class Settings extends EventTarget {
    #chosen = {};
    #borrowed = {};

    constructor() {
        super();
        for (const [name, value] of Object.entries(stored())) {
            if (typeof value === typeof DEFAULTS[name]) {
                this.#chosen[name] = value;
            }
        }
    }

    get theme() { return this.#get('theme'); }
    get lines() { return this.#get('lines'); }     // between cells
    get copies() { return this.#get('copies'); }   // of a wrapped grid, beyond its edges
    get speak() { return this.#get('speak'); }     // figures, aloud
    get keys() { return this.#get('keys'); }       // single-key shortcuts

    // Changes a setting and keeps it. Sends 'change', with the setting's name as its detail.
    set(name, value) {
        this.#chosen[name] = value;
        delete this.#borrowed[name];
        try {
            localStorage.setItem(KEY, JSON.stringify(this.#chosen));
        } catch {
            // storage is forbidden: the choice lasts as long as the page
        }
        this.#changed(name);
    }

    toggle(name) {
        this.set(name, !this[name]);
    }

    // Changes a setting for as long as this page is open: a shared link does not overwrite what its reader has chosen.
    borrow(name, value) {
        this.#borrowed[name] = value;
        this.#changed(name);
    }

    #get(name) {
        return this.#borrowed[name] ?? this.#chosen[name] ?? DEFAULTS[name];
    }

    #changed(name) {
        this.dispatchEvent(new CustomEvent('change', {detail: name}));
    }
}

export const settings = new Settings();
