#include "fuzz/node_world.h"

#include "base/check.h"

namespace firedrill::fuzz {

NodeWorld::NodeWorld() {
    const crypto::Secret passphrase(as_bytes("a passphrase for fuzzing"));
    node::Config config;
    config.listen = Endpoint{"10.0.0.1:443"};
    config.hosts = {"localhost"};
    config.cost = crypto::kToyCost;
    config.serves_tls = false;
    config.journal = [this](std::string_view line) { journal.append(line).push_back('\n'); };
    CHECK(node::create_node(machine_.seams(), config, {}, passphrase).is_ok());
    node::Parts parts;
    parts.site = [this](std::unique_ptr<web::Handler> site) {
        site_ = site.get();
        return site;
    };
    bool is_ready = false;
    auto booted = node::Node::boot(machine_.seams(), config, parts, passphrase,
                                   [&](const Status& status) { is_ready = status.is_ok(); });
    CHECK(booted.is_ok());
    node_ = std::move(*booted);
    CHECK(machine_.run_until([&] { return is_ready; }) && site_ != nullptr);
    bool is_made = false;
    node_->identity().create_practice(
        {std::string(kPractice), "Harbor Therapy", std::string(kLogin), crypto::Secret(as_bytes(kPassword))},
        [&](Result<identity::PracticeInfo> made) { is_made = made.is_ok(); });
    CHECK(machine_.run_until([&] { return is_made; }));
    journal.clear();
}

web::Response NodeWorld::post(std::string path, std::string_view body) {
    web::Request request;
    request.method = web::Method::post;
    request.path = std::move(path);
    request.host = "localhost";
    request.fields = {{"host", "localhost"}, {"content-type", "application/x-www-form-urlencoded"}};
    request.body = body;
    request.peer = "10.0.0.9";
    std::optional<web::Response> out;
    site_->handle(std::move(request), [&](web::Response response) {
        CHECK(!out.has_value());
        out = std::move(response);
    });
    CHECK(machine_.run_until([&] { return out.has_value(); }));
    return std::move(*out);
}

void NodeWorld::sign_out(std::string_view cookie) {
    const std::size_t from = cookie.find('=') + 1;
    bool is_done = false;
    node_->identity().sign_out(cookie.substr(from, cookie.find(';') - from), [&](const Result<void>& ended) {
        CHECK(ended.is_ok());
        is_done = true;
    });
    CHECK(machine_.run_until([&] { return is_done; }));
}

}  // namespace firedrill::fuzz
