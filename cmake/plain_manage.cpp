// A manage without a site and commands of its own: what it tells of itself is true of each, and is installed.

#include <c10k/manage.hpp>

namespace {

struct Site {
    explicit Site(c10k::Services& /*services*/) {}
    static c10k::Urls urls() { return {}; }
};

}  // namespace

int main(int argc, char** argv) { return c10k::manage<Site>(argc, argv); }
