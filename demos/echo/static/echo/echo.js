// Sends the form's text over the WebSocket and lists what comes back.

const form = document.getElementById('echo');
const input = document.getElementById('text');
const button = form.querySelector('button');
const messages = document.getElementById('messages');

const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/test/ws/`);
const early = [];   // submitted before the connection was open

function list(text, kind = '') {
    const item = document.createElement('li');
    item.textContent = text;
    item.className = kind;
    messages.append(item);
    item.scrollIntoView({block: 'nearest'});
}

socket.addEventListener('open', () => {
    list('Connection open.', 'note');
    early.forEach((text) => socket.send(text));
});

socket.addEventListener('message', (event) => list(event.data));

socket.addEventListener('close', () => {
    list('Connection closed.', 'note');
    input.disabled = true;
    button.disabled = true;
    document.getElementById('again').hidden = false;
});

form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (socket.readyState === WebSocket.CONNECTING) {
        early.push(input.value);
    } else {
        socket.send(input.value);
    }
    input.value = '';
    input.focus();
});
