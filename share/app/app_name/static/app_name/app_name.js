// Sends the form's text over the WebSocket, and lists everybody's messages.

const form = document.getElementById('say');
const input = form.querySelector('input');
const button = form.querySelector('button');
const messages = document.getElementById('messages');

const url = new URL('ws/', location);
url.protocol = url.protocol.replace('http', 'ws');
const socket = new WebSocket(url);

socket.addEventListener('open', () => {
    button.disabled = false;
});

socket.addEventListener('close', () => {
    button.disabled = true;
});

socket.addEventListener('message', (event) => {
    const item = document.createElement('li');
    item.textContent = event.data;
    messages.prepend(item);
});

form.addEventListener('submit', (event) => {
    event.preventDefault();
    socket.send(input.value);
    input.value = '';
    input.focus();
});
