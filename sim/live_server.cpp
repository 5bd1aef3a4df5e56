#include "sim/live_server.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <random>

namespace firedrill::sim {

namespace {

namespace fs = std::filesystem;

std::string draw_word() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}", device(), device(), device());
}

std::string member(const boost::json::object& object, std::string_view name) {
    const boost::json::value* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string read_all(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

Result<std::unique_ptr<LiveServer>> LiveServer::create(std::string program) {
    std::unique_ptr<LiveServer> server(new LiveServer);
    server->program_ = std::move(program);
    std::error_code failed;
    server->folder_ = (fs::temp_directory_path(failed) / ("firedrill-drill-" + draw_word())).string();
    if (failed || !fs::create_directory(server->folder_, failed)) {
        return Error{Fault::permission,
                     fmt::format("no folder for the drill can be made at {}", server->folder_)};
    }
    fs::permissions(server->folder_, fs::perms::owner_all, failed);
    const std::string path = server->folder_ + "/passphrase";
    {
        std::ofstream file(path);
        file << draw_word() << '\n';
        if (!file.flush()) {
            return Error{Fault::disk_failed, fmt::format("{} cannot be written", path)};
        }
    }
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, failed);
    return server;
}

LiveServer::~LiveServer() {
    process_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

Status LiveServer::start() {
    const std::string listen = facts_.endpoint.text.empty() ? "127.0.0.1:0" : facts_.endpoint.text;
    output_.clear();
    auto process =
        TRY(ChildProcess::start({program_, "serve", "--demo", "--json", "--data", folder_ + "/node",
                                 "--listen", listen, "--passphrase-file", folder_ + "/passphrase"},
                                folder_ + "/server.journal"));
    process_ = std::make_unique<ChildProcess>(std::move(process));
    return {};
}

Status LiveServer::poll_ready(bool& is_ready) {
    const bool is_open = process_->read_more(output_, 5ms);
    const std::size_t end = output_.find('\n');
    if (end != std::string::npos) {
        is_ready = true;
        return read_facts(output_.substr(0, end));
    }
    if (!is_open) {
        return Error{Fault::closed, fmt::format("the server ended with code {} before it served: {}",
                                                process_->wait(), read_all(folder_ + "/server.journal"))};
    }
    return {};
}

Status LiveServer::read_facts(const std::string& line) {
    boost::system::error_code failed;
    const boost::json::value parsed = boost::json::parse(line, failed);
    if (failed || !parsed.is_object() || member(parsed.get_object(), "endpoint").empty()) {
        return Error{Fault::bad_input,
                     fmt::format("the server said something else than where it serves: {}", line)};
    }
    const boost::json::object& object = parsed.get_object();
    facts_.endpoint = {member(object, "endpoint")};
    facts_.authority_pem = read_all(member(object, "ca_file"));
    if (const std::string password = member(object, "password"); !password.empty()) {
        facts_.practice = member(object, "practice");
        facts_.login = member(object, "login");
        facts_.password = password;
    }
    return {};
}

void LiveServer::kill() {
    if (process_) {
        process_->signal(Signal::kill);
        process_->wait();
        process_.reset();
    }
}

int LiveServer::stop() {
    if (!process_) {
        return 0;
    }
    process_->signal(Signal::terminate);
    const int code = process_->wait();
    process_.reset();
    return code;
}

}  // namespace firedrill::sim
