#include "load/run_load.hpp"

#include "load/arrivals.hpp"
#include "load/residents.hpp"

#include <exception>
#include <utility>

namespace c10k::load {
namespace {

Task<> run_loop(Collector& collector, const MakeEndpoint& make_endpoint, std::size_t loop) {
    Recorder recorder{collector, loop};
    std::exception_ptr failure;
    try {
        const Endpoint server = make_endpoint([&recorder](Duration took) { recorder.note_handshake(took); });
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn(recorder.flush_regularly());
            if (collector.plan().has_arrivals()) {
                Arrivals arrivals{collector, recorder, server, loop};
                co_await arrivals.run();
            } else {
                Residents residents{collector, recorder, server, loop};
                co_await residents.run();
            }
            group.stop();
        });
    } catch (...) {
        failure = std::current_exception();
    }
    recorder.flush();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

void tell(Collector& collector, LiveView* live, HistogramLog* log) {
    const Collector::Snapshot recent = collector.take_recent();
    if (log != nullptr) {
        log->add(recent.tally);
    }
    if (live != nullptr) {
        live->show(recent);
    }
}

Task<> tell_each_second(Collector& collector, LiveView* live, HistogramLog* log) {
    try {
        while (true) {
            co_await sleep_for(std::chrono::seconds{1});
            tell(collector, live, log);
        }
    } catch (const Stopped&) {
        collector.stop_measuring();  // now, and not when all connections have been closed
        throw;
    }
}

}  // namespace

Task<> run_load(Collector& collector, const MakeEndpoint& make_endpoint, LiveView* live, HistogramLog* log) {
    std::exception_ptr failure;
    try {
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn(tell_each_second(collector, live, log));
            co_await on_loops(collector.plan().loops,
                              [&](std::size_t loop) { return run_loop(collector, make_endpoint, loop); });
            group.stop();
        });
    } catch (...) {
        failure = std::current_exception();
    }
    tell(collector, nullptr, log);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace c10k::load
