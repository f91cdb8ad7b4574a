#include "gameoflife/verifier.hpp"

#include <string>

namespace life {

namespace {

// Of one living cell; that of a grid is the sum. SplitMix64's finalizer.
std::uint64_t hash_of(std::size_t cell) {
    std::uint64_t hash = cell + 0x9E3779B97F4A7C15;
    hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
    hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
    return hash ^ (hash >> 31);
}

std::string name(Position cell) { return "cell " + std::to_string(cell.row) + ' ' + std::to_string(cell.col); }

}  // namespace

std::size_t Verifier::cells() const noexcept {
    return static_cast<std::size_t>(reference_.size()) * static_cast<std::size_t>(reference_.size());
}

std::size_t Verifier::index(Position cell) const noexcept {
    return static_cast<std::size_t>(cell.row) * static_cast<std::size_t>(reference_.size()) +
           static_cast<std::size_t>(cell.col);
}

void Verifier::note(std::uint64_t step, Position cell, Cell state) {
    const std::scoped_lock lock{mutex_};
    const std::uint64_t ahead = step - first_;
    // Neighbours are at most one step apart, and no two cells more than the size.
    if (ahead > static_cast<std::uint64_t>(reference_.size())) {
        throw WrongState(name(cell) + " is at step " + std::to_string(step) + ", and some cell has not sent step " +
                         std::to_string(first_) + ": the server gave it states that no neighbour has sent");
    }
    while (steps_.size() <= ahead) {
        steps_.push_back({.is_alive = std::vector<bool>(cells())});
    }
    Step& sent = steps_[ahead];
    ++sent.heard;
    if (state == Cell::kAlive) {
        sent.hash += hash_of(index(cell));
        sent.is_alive[index(cell)] = true;
    }
    while (!steps_.empty() && steps_.front().heard == cells()) {
        check_first();
    }
}

void Verifier::check_first() {
    std::uint64_t expected = 0;
    for (int row = 0; row < reference_.size(); ++row) {
        for (int col = 0; col < reference_.size(); ++col) {
            expected += reference_.at({row, col}) == Cell::kAlive ? hash_of(index({row, col})) : 0;
        }
    }
    if (steps_.front().hash != expected) {
        fail(steps_.front());
    }
    hash_ = expected;
    ++first_;
    steps_.pop_front();
    reference_ = next_generation(reference_, edges_);
}

void Verifier::fail(const Step& sent) const {
    for (int row = 0; row < reference_.size(); ++row) {
        for (int col = 0; col < reference_.size(); ++col) {
            const bool should_live = reference_.at({row, col}) == Cell::kAlive;
            if (sent.is_alive[index({row, col})] != should_live) {
                throw WrongState(name({row, col}) + " is wrong at step " + std::to_string(first_) + ": it sent " +
                                 (should_live ? "0, the rule says 1" : "1, the rule says 0"));
            }
        }
    }
    throw std::logic_error("Verifier: the hashes differ, and no cell does");
}

void Verifier::begin(const Grid& start) {
    const std::scoped_lock lock{mutex_};
    if (!steps_.empty()) {
        throw std::logic_error("begin(): some cells have sent a step that others have not");
    }
    reference_ = start;
    first_ = 0;
}

std::uint64_t Verifier::verified() const {
    const std::scoped_lock lock{mutex_};
    return first_;
}

std::uint64_t Verifier::hash() const {
    const std::scoped_lock lock{mutex_};
    return hash_;
}

}  // namespace life
