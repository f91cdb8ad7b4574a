#pragma once

#include <string_view>

namespace c10k {

// The script by which a page follows its program. The tag that loads it says in data-state which state the page shows.
inline constexpr std::string_view kReloadScript = R"js((() => {
    "use strict";
    const shown = JSON.parse(document.currentScript.dataset.state);
    let overlay = null;

    // Loads each style sheet of ours again, and removes the old one when the new one is there.
    function renewStyles(number) {
        for (const old of document.querySelectorAll('link[rel="stylesheet"]')) {
            const address = new URL(old.href, location.href);
            if (address.origin !== location.origin) {
                continue;
            }
            address.searchParams.set("reload", number);
            const renewed = old.cloneNode();
            renewed.href = address;
            renewed.onload = renewed.onerror = () => old.remove();
            old.after(renewed);
        }
    }

    function element(name, style, text = "") {
        const made = document.createElement(name);
        made.style.cssText = style;
        made.textContent = text;
        return made;
    }

    function explain(heading, problems) {
        overlay?.remove();
        overlay = null;
        if (heading === "") {
            return;
        }
        overlay = element("div", "position: fixed; inset: 0; z-index: 2147483647; overflow: auto; padding: 2rem;" +
            "background: rgba(24, 24, 32, .94); color: #eee; font: 15px/1.5 ui-monospace, monospace");
        overlay.id = "c10k-reload";
        overlay.append(element("h1", "margin: 0 0 1rem; font-size: 20px; color: #ff8080", heading));
        for (const problem of problems) {
            const item = element("pre", "margin: 0 0 1rem; white-space: pre-wrap");
            item.append(element("strong", "display: block; color: #9cf", problem.place), problem.text);
            overlay.append(item);
        }
        document.body.append(overlay);
    }

    function follow() {
        const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/_c10k/reload/");
        socket.onmessage = (event) => {
            const state = JSON.parse(event.data);
            if (state.program > shown.program || state.pages > shown.pages) {
                location.reload();
                return;
            }
            if (state.styles !== shown.styles) {
                shown.styles = state.styles;
                renewStyles(state.styles);
            }
            explain(state.heading, state.problems);
        };
        socket.onclose = () => setTimeout(follow, 200);
    }

    follow();
})();
)js";

}  // namespace c10k
