// Everything that a button, a key or a dialog can ask for, by name. Modules add theirs:
//
//     actions.fit = () => view.fit();
//
// A click on an element with data-do="fit" then does it.

export const actions = {};

document.addEventListener('click', ({target}) => {
    const button = target.closest('[data-do]');
    if (button !== null && !button.disabled) {
        actions[button.dataset.do]?.(button);
    }
});
