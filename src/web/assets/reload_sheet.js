// What a reader can do with an explanation: copy it, and go from problem to problem with the keys J, K, O and C. The
// explanation itself comes from the server as HTML; this adds the buttons, and says which keys there are.

const COPIED_MS = 2000;

export function make(name, properties = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
}

// The problems as text, to be sent to somebody.
function textOf(sheet) {
    const problems = [...sheet.querySelectorAll('.problem')].map((problem) =>
        [...problem.querySelectorAll('.where code, .message, .hint')].map((part) => part.textContent).join('\n'));
    return [sheet.querySelector('h1').textContent, ...problems].join('\n\n');
}

async function copy(sheet, button) {
    try {
        await navigator.clipboard.writeText(textOf(sheet));
        button.textContent = 'Copied';
    } catch {
        button.textContent = 'Not allowed';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, COPIED_MS);
}

function keyHelp(keys, what) {
    return make('span', {className: 'keys'}, ...keys.flatMap((key) => [make('kbd', {textContent: key}), ' ']), what);
}

function isTyping(target) {
    return target instanceof Element && target.closest('input, textarea, select, [contenteditable]');
}

// Makes the sheet work. `isActive` says whether keys are meant for it. Returns the copy button, for others beside it.
export function attend(sheet, isActive = () => true) {
    const button = make('button', {type: 'button', className: 'copy', textContent: 'Copy'});
    button.addEventListener('click', () => copy(sheet, button));
    sheet.querySelector('header').append(button);
    const problems = [...sheet.querySelectorAll('.problem')];
    let current = -1;

    function go(step) {
        current = Math.min(problems.length - 1, Math.max(0, current + step));
        const problem = problems[current];
        (problem?.querySelector('.where a') ?? problem?.querySelector('[tabindex]'))?.focus({preventScroll: true});
        problem?.scrollIntoView({block: 'nearest'});
    }

    const actions = {
        j: () => go(1),
        k: () => go(-1),
        o: () => problems[Math.max(0, current)]?.querySelector('.where a')?.click(),
        c: () => copy(sheet, button),
    };
    const footer = sheet.querySelector('footer');
    if (problems.length > 1) {
        footer.append(keyHelp(['J', 'K'], 'next, previous'));
    }
    if (sheet.querySelector('.where a')) {
        footer.append(keyHelp(['O'], 'open'));
    }
    footer.append(keyHelp(['C'], 'copy'));

    // Before the page's own keys, which are not meant while it lies below.
    const onKey = (event) => {
        const action = actions[event.key.toLowerCase()];
        const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
        if (action && !hasModifier && sheet.isConnected && isActive() && !isTyping(event.composedPath()[0])) {
            event.preventDefault();
            event.stopImmediatePropagation();
            action();
        }
    };
    addEventListener('keydown', onKey, {capture: true});
    return {button, leave: () => removeEventListener('keydown', onKey, {capture: true})};
}
