#pragma once

namespace c10k {

// Makes the allocator keep freed memory for the next allocations, within bounds. By default it gives blocks of 100 KiB
// back to the system at once, and every large message faults its pages in again. release_free_memory() gives all of it
// back. For the whole process. Thread: any.
void keep_freed_memory() noexcept;

// Gives free memory back to the system: the calling thread's heap and free blocks (block_pool.hpp), and free pages
// between used blocks of all heaps. Thread: any.
void release_free_memory() noexcept;

// While one of these lives, this thread releases nothing: for simulations, in which each second would cost a walk
// through the heap.
class FreeMemoryKept {
public:
    FreeMemoryKept() noexcept;
    ~FreeMemoryKept();
    FreeMemoryKept(const FreeMemoryKept&) = delete;
    FreeMemoryKept& operator=(const FreeMemoryKept&) = delete;
};

}  // namespace c10k
