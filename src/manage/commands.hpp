#pragma once

#include "c10k/server.hpp"
#include "c10k/settings.hpp"

#include <string>
#include <vector>

// The commands of every manage that have a file each. They throw std::exception with a text for the user.
//
// manage.cpp has the others: serve calls run_serve_supervisor() (serve_supervisor.hpp), restart ask_for_restart()
// (control.hpp), and completion and man call src/usage.
namespace c10k {

// Serves the site until SIGINT or SIGTERM.
void runserver(const SiteFactory& site, const Settings& settings);

// Lists the routes.
void list_urls(const SiteFactory& site, const Settings& settings);

enum class Format {
    kText,
    kAllText,  // also each setting in force, and each limit of the machine
    kJson,     // all of that
};

// Prints the faults of the settings and the site, the settings that are not the defaults, and how many connections this
// machine has room for. Throws SettingsError before it prints anything, and CommandError afterwards if a fault is an
// error.
void check(const SiteFactory& site, const SettingsReader& reader, Format format);

enum class Replacing { kNo, kYes };

struct CertificateOptions {
    std::vector<std::string> names;  // besides this machine's own
    std::string folder = "tls";
    int days = 365;
    Replacing replacing = Replacing::kNo;
};

// Makes a certificate to develop with, and says how it is used. Throws CommandError.
void make_certificate(const CertificateOptions& options);

}  // namespace c10k
