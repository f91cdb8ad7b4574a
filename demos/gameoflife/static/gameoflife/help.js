// The dialog that lists all keys, and turns them off.

import {actions} from './actions.js';
import {element, make} from './elements.js';
import {KEYS} from './keys.js';
import {settings} from './settings.js';

const dialog = element('help');

function entry({keys, what}) {
    const shown = keys.flatMap((key) => key.split(' ')).map((part) => make('kbd', {}, part));
    return make('div', {}, make('dt', {}, what), make('dd', {}, ...shown));
}

element('keys').replaceChildren(...KEYS.map(entry));
element('keys-on').addEventListener('change', ({target}) => settings.set('keys', target.checked));

actions.help = () => {
    element('keys-on').checked = settings.keys;
    dialog.showModal();
};
