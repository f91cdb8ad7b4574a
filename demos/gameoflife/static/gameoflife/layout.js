// Moves the dock: into the header where there is room for it, else to the bottom of the stage. There it comes after the
// grid for the keyboard, too.

import {element} from './elements.js';

const wide = matchMedia('(min-width: 1200px)');

function place() {
    if (wide.matches) {
        document.querySelector('header.site nav').after(element('dock'));
    } else {
        element('stage').append(element('dock'));
    }
}

place();
wide.addEventListener('change', place);
