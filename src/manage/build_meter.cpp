#include "manage/build_meter.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstddef>

namespace c10k {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostBuilds = 5;

std::int64_t in_ms(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration_cast<milliseconds>(duration).count();
}

// "chat/chat.cpp" of "Building CXX object CMakeFiles/manage.dir/chat/chat.cpp.o"
std::string_view compiled_file(std::string_view step) {
    constexpr std::string_view kFolder = ".dir/";
    const std::size_t at = step.rfind(kFolder);
    if (step.find("Building") == std::string_view::npos || at == std::string_view::npos) {
        return {};
    }
    const std::string_view file = step.substr(at + kFolder.size());
    return file.ends_with(".o") ? file.substr(0, file.size() - 2) : file;
}

}  // namespace

std::optional<BuildProgress> read_progress(std::string_view line) {
    const std::size_t end = line.find("] ");
    if (!line.starts_with('[') || end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view inside = trim(line.substr(1, end - 1));
    const std::string file{compiled_file(line.substr(end))};
    if (inside.ends_with('%')) {
        const auto percent = to_number<unsigned>(inside.substr(0, inside.size() - 1));
        return percent ? std::optional{BuildProgress{*percent, 100, file}} : std::nullopt;
    }
    const std::size_t slash = inside.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto done = to_number<unsigned>(inside.substr(0, slash));
    const auto total = to_number<unsigned>(inside.substr(slash + 1));
    return done && total ? std::optional{BuildProgress{*done, *total, file}} : std::nullopt;
}

void BuildMeter::begin() {
    began_ = std::chrono::steady_clock::now();
    now_ = RunningBuild{};
    now_->began_ms = in_ms(began_.time_since_epoch());
    now_->usual_ms = usual_ms();
}

bool BuildMeter::add(std::string_view printed) {
    bool has_news = false;
    while (!printed.empty() && now_) {
        const std::size_t end = std::min(printed.find('\n'), printed.size());
        if (auto progress = read_progress(printed.substr(0, end))) {
            now_->done = progress->done;
            now_->total = progress->total;
            now_->file = progress->file.empty() ? now_->file : std::move(progress->file);
            has_news = true;
        }
        printed.remove_prefix(std::min(end + 1, printed.size()));
    }
    return has_news;
}

void BuildMeter::end(End how) {
    if (now_ && how == End::kSucceeded) {
        took_ms_.push_back(in_ms(std::chrono::steady_clock::now() - began_));
        took_ms_.erase(took_ms_.begin(),
                       took_ms_.end() - static_cast<std::ptrdiff_t>(std::min(took_ms_.size(), kMostBuilds)));
    }
    now_.reset();
}

std::int64_t BuildMeter::usual_ms() const {
    std::vector<std::int64_t> sorted = took_ms_;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
}

}  // namespace c10k
