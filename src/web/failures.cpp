#include "web/failures.hpp"

#include "web/explanation_page.hpp"

#include <utility>

namespace c10k {

void Failures::add(const Explanation& explanation) {
    std::string html = explanation_html(explanation);
    const std::lock_guard lock{mutex_};
    ++last_.number;
    last_.html = std::move(html);
}

Failures::Last Failures::last() const {
    const std::lock_guard lock{mutex_};
    return last_;
}

std::uint64_t Failures::count() const {
    const std::lock_guard lock{mutex_};
    return last_.number;
}

}  // namespace c10k
