#include "{{ app_name }}/{{ app_name }}.hpp"

#include <c10k/groups.hpp>

using namespace c10k;

{{ app_class }}::{{ app_class }}(Services& services) : services_(services) {
    services.templates.add_folder(PROJECT_DIR "/{{ app_name }}/templates");
    services.static_files.add_folder(PROJECT_DIR "/{{ app_name }}/static");
}

Urls {{ app_class }}::urls() {
    return {
        path("", this, &{{ app_class }}::index, "index"),
        path("ws/", this, &{{ app_class }}::talk, "ws"),
    };
}

Response {{ app_class }}::index(Request& request) {
    return services_.templates.render(request, "{{ app_name }}/index.html", {{"title", "{{ app_name }}"}});
}

Task<> {{ app_class }}::talk(WebSocket& socket) {
    Group everybody = services_.groups.named("{{ app_name }}");
    const Membership here = co_await everybody.join(socket);
    while (const auto message = co_await socket.recv()) {
        everybody.send(*message);
    }
}
