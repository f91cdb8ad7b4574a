#include "http2/http2_streams.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <utility>

namespace c10k {

// ---- Records

SocketId Http2Streams::add(std::uint32_t session, std::uint32_t id) {
    reserve_news();
    if (roomy_ == kNone) {
        add_page();
    }
    const std::uint32_t number = roomy_;
    Page& page = *pages_[number];
    const std::uint32_t index = page.first_free;
    Http2Stream& stream = page.streams[index];
    page.first_free = std::exchange(stream.next, kNone);
    ++page.used;
    ++count_;
    if (page.first_free == kNone) {
        unlink(number);
    }
    if (++last_generation_ == 0) {
        ++last_generation_;  // 0 is that of free slots
    }
    stream.generation = last_generation_;
    stream.session = session;
    stream.id = id;
    return {kStreamBit | (number * kPageSize + index), last_generation_};
}

void Http2Streams::remove(std::uint32_t slot) noexcept {
    const std::uint32_t number = (slot & ~kStreamBit) / kPageSize;
    const std::uint32_t index = (slot & ~kStreamBit) % kPageSize;
    Page& page = *pages_[number];
    if (page.first_free == kNone) {
        link(number);
    }
    page.streams[index] = Http2Stream{};
    page.streams[index].next = std::exchange(page.first_free, index);
    --count_;
    if (--page.used == 0 && page.previous != page.next) {  // another page has room, too
        unlink(number);
        pages_[number].reset();
    }
}

// Room for the news of each stream, and once more for those that come while these are told.
void Http2Streams::reserve_news() {
    constexpr std::size_t kFewest = 64;
    const std::size_t wanted = news_.size() + 2 * (count_ + 1);
    if (news_.capacity() < wanted) {
        news_.reserve(std::max(kFewest, wanted + wanted / 4));
    }
}

void Http2Streams::add_page() {
    const auto gap = std::find(pages_.begin(), pages_.end(), nullptr);
    const auto number = static_cast<std::uint32_t>(gap - pages_.begin());
    auto page = std::make_unique<Page>();
    for (std::uint32_t index = kPageSize; index-- > 0;) {
        page->streams[index].next = std::exchange(page->first_free, index);
    }
    if (gap == pages_.end()) {
        pages_.push_back(std::move(page));
    } else {
        *gap = std::move(page);
    }
    link(number);
}

void Http2Streams::link(std::uint32_t page) noexcept {
    pages_[page]->previous = kNone;
    pages_[page]->next = roomy_;
    if (roomy_ != kNone) {
        pages_[roomy_]->previous = page;
    }
    roomy_ = page;
}

void Http2Streams::unlink(std::uint32_t page) noexcept {
    const std::uint32_t previous = pages_[page]->previous;
    const std::uint32_t next = pages_[page]->next;
    (previous != kNone ? pages_[previous]->next : roomy_) = next;
    if (next != kNone) {
        pages_[next]->previous = previous;
    }
}

// ---- Ids

void Http2StreamIds::reserve_one() {
    constexpr std::size_t kSmallest = 32;
    if (slots_.empty() || 2 * (size_ + 1) > slots_.size()) {
        rehash(std::max(kSmallest, 2 * slots_.size()));
    }
}

void Http2StreamIds::rehash(std::size_t size) {
    if (factor_ == 0) {
        factor_ = (std::uint64_t{random_u32()} << 32U | random_u32()) | 1U;
    }
    std::vector<std::uint32_t> old(size, Http2Stream::kNone);
    old.swap(slots_);
    for (const std::uint32_t slot : old) {
        if (slot != Http2Stream::kNone) {
            put(slot);
        }
    }
}

void Http2StreamIds::put(std::uint32_t slot) noexcept {
    std::size_t place = place_of(streams_.at(slot).id);
    while (slots_[place] != Http2Stream::kNone) {
        place = (place + 1) & mask();
    }
    slots_[place] = slot;
}

void Http2StreamIds::add(std::uint32_t slot) noexcept {
    put(slot);
    ++size_;
}

// The entries behind it that belong before their place move up, so that no search ends too early.
void Http2StreamIds::remove(std::uint32_t slot) noexcept {
    std::size_t hole = place_of(streams_.at(slot).id);
    while (slots_[hole] != slot) {
        hole = (hole + 1) & mask();
    }
    for (std::size_t place = (hole + 1) & mask(); slots_[place] != Http2Stream::kNone; place = (place + 1) & mask()) {
        const std::size_t wanted = place_of(streams_.at(slots_[place]).id);
        if (((place - wanted) & mask()) >= ((place - hole) & mask())) {
            slots_[hole] = std::exchange(slots_[place], Http2Stream::kNone);
            hole = place;
        }
    }
    slots_[hole] = Http2Stream::kNone;
    --size_;
}

}  // namespace c10k
