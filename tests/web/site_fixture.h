// SiteTest: a Site over identities and submissions in memory, and requests as the HTTP library hands them
// over. Header only.
#pragma once

#include <gtest/gtest.h>

#include "fakes.h"
#include "tests/support/sim_machine.h"
#include "web/server.h"
#include "web/text.h"

namespace firedrill::web {

using test::FakeIdentity;
using test::FakeSubmissions;
using Pairs = std::vector<std::pair<std::string, std::string>>;

inline std::string encode(const Pairs& pairs) {
    std::string out;
    for (const auto& [name, value] : pairs) {
        out += (out.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
    }
    return out;
}

inline Request get(std::string path, Pairs fields = {}) {
    Request request;
    request.path = std::move(path);
    request.host = "localhost";
    request.fields = std::move(fields);
    request.fields.emplace_back("host", "localhost:8443");
    request.peer = "10.0.0.9";
    return request;
}

inline Request post(std::string path, const Pairs& form, Pairs fields = {}) {
    Request request = get(std::move(path), std::move(fields));
    request.method = Method::post;
    request.fields.emplace_back("content-type", "application/x-www-form-urlencoded");
    request.body = encode(form);
    return request;
}

inline std::string field(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.fields) {
        if (key == name) {
            return value;
        }
    }
    return "";
}

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

inline const Pairs kSignIn = {
    {"practice", "alpha"}, {"login", "owner"}, {"password", std::string(FakeIdentity::kPassword)}};

inline Pairs phq9() {
    Pairs out;
    for (int i = 1; i <= 9; ++i) {
        out.emplace_back(fmt::format("q{}", i), "LA6569-3");
    }
    return out;
}

inline Pairs intake(const std::string& text) {
    return {{"name", text},
            {"birth-date", "1980-02-29"},
            {"reason", text},
            {"body-region", "neck"},
            {"body-region", "shoulder"},
            {"pain", "5"},
            {"surgery", "false"},
            {"goals", text},
            {"consent", "true"}};
}

class SiteTest : public testing::Test {
  protected:
    SiteTest() {
        SiteOptions options;
        options.hosts = {"localhost", "Clinic.Example"};
        options.is_healthy = [this] { return is_healthy_; };
        options.is_degraded = [this] { return is_degraded_; };
        options.is_unfolded = [this] { return !fold_failure_.empty(); };
        options.is_suspect = [this] { return is_suspect_; };
        options.store_health = [this](StoreId) {
            store::StoreHealth health;
            health.fold_failure = fold_failure_;
            return health;
        };
        options.journal = [this](std::string_view line) { journal_ += std::string(line) + "\n"; };
        site_ = make_site(machine_.seams(), identity_, submissions_, std::move(options));
    }

    Response call(Request request) {
        std::optional<Response> out;
        site_->handle(std::move(request), [&](Response response) {
            EXPECT_FALSE(out.has_value());
            out = std::move(response);
        });
        EXPECT_TRUE(out.has_value());
        return out.value_or(Response{});
    }
    /// The cookie line of a fresh session of alpha.
    std::string sign_in(std::string_view practice = "alpha") {
        Pairs form = kSignIn;
        form[0].second = practice;
        const std::string cookie = field(call(post("/sign-in", form)), "Set-Cookie");
        return cookie.substr(0, cookie.find(';'));
    }
    std::string hidden_id(const std::string& page) {
        const std::string_view mark = "name=\":submission\" value=\"";
        const std::size_t at = page.find(mark);
        return at == std::string::npos ? "" : page.substr(at + mark.size(), 32);
    }

    sim::SimMachine machine_{7};
    FakeIdentity identity_;
    FakeSubmissions submissions_;
    bool is_healthy_ = true;
    bool is_degraded_ = false;
    bool is_suspect_ = false;
    std::string fold_failure_;
    std::string journal_;
    std::unique_ptr<Handler> site_;
};

}  // namespace firedrill::web
