#pragma once

#include "chat/chat.hpp"

#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>

// The site: its apps, and the paths that lead to them. It is made once for each loop.
struct Site {
    explicit Site(c10k::Services& services) : services(services) {
        services.templates.add_folder(PROJECT_DIR "/templates");
        services.static_files.add_folder(PROJECT_DIR "/static");
    }

    c10k::Urls urls() {
        return {
            path("static/<path:file>", &services.static_files, &c10k::StaticFiles::serve, "static"),
            path("", include(chat.urls(), "chat")),
        };
    }

    c10k::Services& services;
    ChatApp chat{services};
};
