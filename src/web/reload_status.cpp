#include "web/reload_status.hpp"

#include "c10k/json.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace c10k {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RunningBuild, file, done, total, began_ms, usual_ms)

std::string ReloadState::to_json() const {
    nlohmann::json json{
        {"program", program}, {"pages", pages}, {"styles", styles}, {"took_ms", took_ms}, {"explanation", explanation}};
    if (building) {
        json["building"] = *building;
    }
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ReloadState ReloadState::from_json(const std::string& text) {
    const nlohmann::json json = nlohmann::json::parse(text);
    ReloadState state;
    json.at("program").get_to(state.program);
    json.at("pages").get_to(state.pages);
    json.at("styles").get_to(state.styles);
    json.at("took_ms").get_to(state.took_ms);
    json.at("explanation").get_to(state.explanation);
    if (const auto building = json.find("building"); building != json.end()) {
        state.building = building->get<RunningBuild>();
    }
    return state;
}

ReloadStatus::ReloadStatus() : descriptor_(::memfd_create("c10k-reload", MFD_CLOEXEC)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::system_category(), "memfd_create");
    }
    write({});
}

ReloadStatus::ReloadStatus(int descriptor) : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::system_category(), "the reload status");
    }
}

ReloadStatus::~ReloadStatus() { ::close(descriptor_); }

// The number of the edition stands before and behind the text: a reader that finds two different ones has met the
// writer at work.
void ReloadStatus::write(const ReloadState& state) {
    const std::string edition = std::to_string(++edition_);
    const std::string text = edition + '\n' + state.to_json() + '\n' + edition;
    (void)!::pwrite(descriptor_, text.data(), text.size(), 0);
    (void)!::ftruncate(descriptor_, static_cast<off_t>(text.size()));
}

std::optional<ReloadState> ReloadStatus::read() const {
    const std::optional<std::string> json = read_json();
    return json ? std::optional{ReloadState::from_json(*json)} : std::nullopt;
}

std::optional<std::string> ReloadStatus::read_json() const {
    struct stat now {};
    if (::fstat(descriptor_, &now) < 0) {
        return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(now.st_size), '\0');
    const ssize_t size = ::pread(descriptor_, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    const std::size_t begin = text.find('\n');
    const std::size_t end = text.rfind('\n');
    if (begin == std::string::npos || begin == end || text.substr(0, begin) != text.substr(end + 1)) {
        return std::nullopt;
    }
    return text.substr(begin + 1, end - begin - 1);
}

}  // namespace c10k
