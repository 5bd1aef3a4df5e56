#include "sim/live_site.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>

#include "posix/paths.h"

namespace firedrill::sim {

namespace {

constexpr std::chrono::seconds kStartLimit{60};
constexpr std::size_t kPemLimit = 64 * 1024;

std::string text_of(const boost::json::object& object, std::string_view key) {
    const boost::json::value* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

Result<std::unique_ptr<LiveSite>> LiveSite::create(Entropy& entropy) {
    std::array<Byte, 8> name{};
    entropy.fill(name);
    std::error_code failed;
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path(failed) / fmt::format("firedrill-live-{}", to_hex(name));
    if (failed || !std::filesystem::create_directory(folder, failed)) {
        return Error{Fault::permission, fmt::format("no folder for the live drill can be made: {}", folder.string())};
    }
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
    auto site = std::unique_ptr<LiveSite>(new LiveSite(folder.string(), entropy));
    std::array<Byte, 16> passphrase{};
    entropy.fill(passphrase);
    const std::string file = site->folder_ + "/passphrase";
    TRY(posix::replace_small_file(file, to_hex(passphrase) + "\n"));
    std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, failed);
    return site;
}

LiveSite::~LiveSite() { kill(); }

Status LiveSite::start() {
    const std::vector<std::string> command{own_program(), "serve",   "--demo",
                                           "--data",      node_folder(), "--listen",
                                           endpoint_,     "--passphrase-file", folder_ + "/passphrase",
                                           "--json"};
    process_ = TRY(ChildProcess::start(command, fmt::format("{}.{}", journal_file(), ++starts_)));
    const auto begun = std::chrono::steady_clock::now();
    std::string out;
    while (out.find('\n') == std::string::npos) {
        if (!process_->read_more(out, 100ms)) {
            return Error{Fault::unavailable, fmt::format("the live node ended while starting; see {}", journal_file())};
        }
        if (std::chrono::steady_clock::now() - begun > kStartLimit) {
            return Error{Fault::timeout, fmt::format("the live node did not serve within {} s", kStartLimit.count())};
        }
    }
    return take_ready_line(out.substr(0, out.find('\n')));
}

Status LiveSite::take_ready_line(const std::string& line) {
    boost::system::error_code failed;
    const boost::json::value parsed = boost::json::parse(line, failed);
    if (failed || !parsed.is_object()) {
        return Error{Fault::internal, "the live node's ready line is not a JSON object"};
    }
    const boost::json::object& ready = parsed.get_object();
    endpoint_ = text_of(ready, "endpoint");
    if (tls_ != nullptr) {
        return {};
    }
    login_ = text_of(ready, "login");
    password_ = text_of(ready, "password");
    if (endpoint_.empty() || login_.empty() || password_.empty()) {
        return Error{Fault::internal, "the live node's first ready line lacks its endpoint or its account"};
    }
    const std::string authority = TRY(posix::read_small_file(text_of(ready, "ca_file"), kPemLimit));
    tls_ = TRY(crypto::TlsClientContext::create(authority, entropy_));
    return {};
}

void LiveSite::kill() {
    if (process_) {
        process_->signal(Signal::kill);
        process_->wait();
        process_.reset();
    }
}

int LiveSite::stop() {
    CHECK(process_.has_value());
    process_->signal(Signal::terminate);
    const int code = process_->wait();
    process_.reset();
    return code;
}

int LiveSite::verify() {
    int code = -1;
    run_all({{own_program(), "store", "verify", node_folder(), "--json"}}, 1, kStartLimit,
            [&](std::size_t, const Finished& finished) { code = finished.exit_code; });
    return code;
}

void LiveSite::remove_folder() {
    std::error_code ignored;  // what stays behind is sealed, in a folder of ours, and named in the report
    std::filesystem::remove_all(folder_, ignored);
}

HttpsClientOptions LiveSite::client_options() const {
    CHECK(tls_ != nullptr);
    HttpsClientOptions options;
    options.server = Endpoint{endpoint_};
    options.host = endpoint_;
    options.server_name = "127.0.0.1";
    options.tls = tls_;
    options.deadline = std::chrono::seconds(20);
    return options;
}

}  // namespace firedrill::sim
