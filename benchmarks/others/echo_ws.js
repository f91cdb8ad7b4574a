// An echo on node's ws, as its documentation shows it: PORT.
const {WebSocketServer} = require('ws');

const server = new WebSocketServer({port: Number(process.argv[2]), host: '127.0.0.1', backlog: 1000});
server.on('connection', socket => socket.on('message', (data, binary) => socket.send(data, {binary})));
