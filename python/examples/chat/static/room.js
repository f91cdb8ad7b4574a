const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(`${scheme}//${location.host}${location.pathname}ws/`);
const text = document.getElementById("text");

function show(message) {
  const item = document.createElement("li");
  item.textContent = message;
  document.getElementById("messages").prepend(item);
}

socket.onmessage = (event) => show(event.data);
socket.onclose = (event) => show(`Disconnected (${event.code}). Reload the page to come back.`);

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value && socket.readyState === WebSocket.OPEN) {
    socket.send(text.value);
    text.value = "";
  }
});
