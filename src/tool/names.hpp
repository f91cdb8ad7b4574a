#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace c10k::tool {

// The reason why `name` cannot name a project or an app, such as "class is a word of C++"; empty if it can.
[[nodiscard]] std::optional<std::string> fault_of_project_name(std::string_view name);

// As above, for an app: its folder and its member of the site must not exist for something else.
[[nodiscard]] std::optional<std::string> fault_of_app_name(std::string_view name);

// Says why no project can be built in the folder with this absolute path; empty if one can.
[[nodiscard]] std::optional<std::string> fault_of_folder(std::string_view path);

// The class of an app: "ChatRoomApp" for "chat_room".
[[nodiscard]] std::string class_of_app(std::string_view app);

}  // namespace c10k::tool
