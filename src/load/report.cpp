#include "load/report.hpp"

#include "c10k/json.hpp"
#include "c10k/text.hpp"
#include "load/format.hpp"

#include <array>
#include <cstdio>

namespace c10k::load {
namespace {

struct Figure {
    const char* heading;
    const char* key;  // in JSON
    double percent;
};
constexpr std::array<Figure, 7> kPercentiles{{{"p50", "p50", 50},
                                              {"p75", "p75", 75},
                                              {"p90", "p90", 90},
                                              {"p95", "p95", 95},
                                              {"p99", "p99", 99},
                                              {"p99.9", "p99_9", 99.9},
                                              {"p99.99", "p99_99", 99.99}}};

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }
double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string padded(const std::string& text, int width) {
    std::array<char, 128> line{};
    std::snprintf(line.data(), line.size(), "%*s", width, text.c_str());
    return line.data();
}

std::string label(const std::string& text) { return padded(text, -14); }

std::string row(const std::string& series, const std::string& kind, const Histogram& histogram) {
    std::string line = padded(series, -11) + padded(kind, -10) + padded(count_text(histogram.count()), 11);
    for (const Figure& figure : kPercentiles) {
        if (figure.percent != 75 && figure.percent != 95) {
            line += padded(time_text(histogram.percentile(figure.percent)), 10);
        }
    }
    return line + padded(time_text(histogram.max()), 10) + padded(time_text(histogram.mean()), 10) + '\n';
}

std::string headings() {
    std::string line(32, ' ');
    line.replace(27, 5, "count");
    for (const Figure& figure : kPercentiles) {
        if (figure.percent != 75 && figure.percent != 95) {
            line += padded(figure.heading, 10);
        }
    }
    return line + padded("max", 10) + padded("mean", 10) + '\n';
}

std::string plan_text(const Outcome& outcome) {
    const Plan& plan = outcome.plan();
    const char* const events = plan.has_arrivals() ? " clients/s" : " messages/s";
    std::string text = std::string{name_of(plan.mode)} + ' ' + printable(plan.url) + ": " +
                       count_text(plan.connections) + (plan.has_arrivals() ? " connections at most" : " connections");
    if (plan.mode != Mode::kHold) {
        text += plan.is_open_model() ? ", " + decimal_text(plan.rate, plan.rate < 10 ? 2 : 0) + events + " (open model)"
                                     : ", as fast as it answers (closed model)";
    }
    if (plan.mode == Mode::kEcho || plan.mode == Mode::kBroadcast) {
        text += ", " + plan.sizes.text() + " bytes";
    }
    return text + ", " + std::to_string(plan.loops) + (plan.loops == 1 ? " loop" : " loops") + "; measured for " +
           decimal_text(outcome.measured_seconds(), 1) + " s" +
           (outcome.is_interrupted() ? ", until it was interrupted\n" : "\n");
}

std::string counts_text(const Outcome& outcome) {
    const Tally& tally = outcome.tally();
    const std::string rate = " (" + decimal_text(outcome.rate(), 1) + "/s)";
    std::string text = label("connections") + count_text(tally.opened) + " opened, " + count_text(tally.failed) +
                       " failed, " + count_text(tally.lost) + " lost, at most " + count_text(outcome.peak()) +
                       " at once\n";
    if (outcome.plan().has_arrivals()) {
        text += label("clients") + count_text(tally.due) + " due, " + count_text(tally.finished) + " finished" + rate +
                '\n';
    }
    if (outcome.plan().mode == Mode::kBroadcast) {
        text += label("messages") + count_text(tally.sent) + " sent, " + count_text(tally.answered) + " of " +
                count_text(tally.expected) + " deliveries came" + rate + '\n';
    } else if (outcome.plan().mode == Mode::kEcho) {
        text += label("messages") + count_text(tally.sent) + " sent, " + count_text(tally.answered) + " answered" +
                rate + '\n';
    } else if (outcome.plan().mode == Mode::kScript) {
        text += label("messages") + count_text(tally.sent) + " sent, " + count_text(tally.answered) + " answered\n";
    }
    return text + label("payloads") + bytes_text(tally.bytes_sent) + " out, " + bytes_text(tally.bytes_received) +
           " in\n";
}

std::string times_text(const Outcome& outcome) {
    std::string text = headings();
    for (const auto& [name, times] : outcome.times()) {
        if (outcome.plan().is_open_model()) {
            text += row(std::string{name}, "corrected", times.corrected);
            text += row("", "raw", times.raw);
        } else {
            text += row(std::string{name}, "raw", times.raw);
        }
    }
    return text + (outcome.plan().is_open_model()
                       ? "corrected: from the moment that it was due; raw: from the moment that the client began\n"
                       : "a closed model: a slow server holds the clients up, and raw times leave that wait out "
                         "(coordinated omission)\n");
}

std::string client_text(const Outcome& outcome) {
    std::string text = label("client") + decimal_text(outcome.cpu_seconds(), 2) + " s of CPU";
    if (const auto each = outcome.cpu_us_each()) {
        text += " (" + decimal_text(*each, 1) + " us for each " +
                (outcome.plan().has_arrivals()             ? "client"
                 : outcome.plan().mode == Mode::kBroadcast ? "delivery"
                                                           : "message") +
                ')';
    }
    text += ", busiest loop " + decimal_text(100 * outcome.busiest_loop(), 0) + " % of a core";
    if (const Histogram& late = outcome.tally().late; !late.empty()) {
        text += "; late by " + time_text(late.percentile(99)) + " (p99), " + time_text(late.max()) + " (max)";
    }
    return text + '\n';
}

std::string errors_text(const Outcome& outcome) {
    const Causes& errors = outcome.tally().errors;
    std::string text = label("errors") + count_text(errors.total()) + '\n';
    for (const auto& [cause, count] : errors.items()) {
        text += "  " + count_text(count) + " x " + cause + '\n';
    }
    return text;
}

// ---- JSON

using nlohmann::json;

json json_of(const Histogram& histogram) {
    json object = json_object("count", histogram.count(), "min", milliseconds(histogram.min()), "mean",
                              milliseconds(histogram.mean()), "max", milliseconds(histogram.max()));
    for (const Figure& figure : kPercentiles) {
        object[figure.key] = milliseconds(histogram.percentile(figure.percent));
    }
    return object;
}

json plan_json(const Plan& plan) {
    return json_object("connections", plan.connections, "rate", plan.rate, "ramp_s", seconds(plan.ramp), "warm_up_s",
                       seconds(plan.warm_up), "duration_s", seconds(plan.duration), "timeout_s", seconds(plan.timeout),
                       "size", plan.sizes.text(), "kind", plan.kind == Message::Kind::kText ? "text" : "binary",
                       "in_flight", plan.in_flight, "loops", plan.loops);
}

json times_json(const Outcome& outcome) {
    json all = json::object();
    for (const auto& [name, times] : outcome.times()) {
        const json corrected = outcome.plan().is_open_model() ? json_of(times.corrected) : json(nullptr);
        all[std::string{name}] = json_object("corrected", corrected, "raw", json_of(times.raw));
    }
    return all;
}

json errors_json(const Causes& errors) {
    json causes = json::array();
    for (const auto& [cause, count] : errors.items()) {
        causes.push_back(json_object("cause", cause, "count", count));
    }
    return json_object("total", errors.total(), "causes", causes);
}

json client_json(const Outcome& outcome) {
    const auto each = outcome.cpu_us_each();
    const Histogram& late = outcome.tally().late;
    return json_object("cpu_s", outcome.cpu_seconds(), "cpu_us_each", each ? json(*each) : json(nullptr),
                       "busiest_loop", outcome.busiest_loop(), "late_ms",
                       json_object("p50", milliseconds(late.percentile(50)), "p99", milliseconds(late.percentile(99)),
                                   "max", milliseconds(late.max())),
                       "warnings", outcome.warnings());
}

json thresholds_json(const Outcome& outcome, const std::vector<Threshold>& thresholds) {
    json list = json::array();
    for (const Threshold& threshold : thresholds) {
        const auto value = threshold.value(outcome);
        list.push_back(json_object("condition", threshold.text(), "value", value ? json(*value) : json(nullptr),
                                   "failed", threshold.is_failed(outcome)));
    }
    return list;
}

}  // namespace

std::string_view name_of(Mode mode) noexcept {
    switch (mode) {
        case Mode::kConnect: return "connect";
        case Mode::kEcho: return "echo";
        case Mode::kBroadcast: return "broadcast";
        case Mode::kHold: return "hold";
        case Mode::kScript: return "script";
    }
    return "";
}

std::string report_text(const Outcome& outcome) {
    return plan_text(outcome) + counts_text(outcome) + errors_text(outcome) + times_text(outcome) +
           client_text(outcome);
}

std::string report_json(const Outcome& outcome, const std::vector<Threshold>& thresholds) {
    const Tally& tally = outcome.tally();
    const json connections =
        json_object("opened", tally.opened, "failed", tally.failed, "lost", tally.lost, "peak", outcome.peak());
    const json clients = json_object("due", outcome.plan().has_arrivals() ? tally.due : 0, "finished", tally.finished);
    const json messages = json_object("due", outcome.plan().has_arrivals() ? 0 : tally.due, "sent", tally.sent,
                                      "expected", tally.expected, "answered", tally.answered, "unasked", tally.unasked,
                                      "bytes_sent", tally.bytes_sent, "bytes_received", tally.bytes_received);
    json report =
        json_object("mode", name_of(outcome.plan().mode), "url", outcome.plan().url, "model",
                    outcome.plan().is_open_model() ? "open" : "closed", "plan", plan_json(outcome.plan()), "measured_s",
                    outcome.measured_seconds(), "interrupted", outcome.is_interrupted(), "rate", outcome.rate());
    report["connections"] = connections;
    report["clients"] = clients;
    report["messages"] = messages;
    report["times_ms"] = times_json(outcome);
    report["errors"] = errors_json(tally.errors);
    report["client"] = client_json(outcome);
    report["thresholds"] = thresholds_json(outcome, thresholds);
    return json_text(report);
}

}  // namespace c10k::load
