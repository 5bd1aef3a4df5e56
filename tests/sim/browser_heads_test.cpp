// Goal: the simulated browser asks exactly as a real one does. Method: it goes the errand that a real
// Chromium was recorded on (tests/browser/heads/chromium.txt), and every head is held against the recording.
// That Chromium and Firefox agree on what our server decides by is a test of its own.
#include "sim/browser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

#include "base/bytes.h"
#include "sim/seams/machine.h"
#include "tests/support/sim_machine.h"
#include "web/server.h"

namespace firedrill::sim {
namespace {

/// The heads of a recording; lines with # are remarks.
std::vector<std::string> recorded(const std::string& name) {
    std::ifstream in(std::string(FIREDRILL_SOURCE_ROOT "/tests/browser/heads/") + name);
    std::vector<std::string> out(1);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) {
            continue;
        }
        if (!line.empty()) {
            out.back() += line + "\n";
        } else if (!out.back().empty()) {
            out.emplace_back();
        }
    }
    return out;
}

/// As a recording has it: a word where runs differ.
std::string as_recorded(std::string head) {
    head = std::regex_replace(head, std::regex("localhost:[0-9]+"), "localhost:PORT");
    head = std::regex_replace(head, std::regex("Content-Length: [0-9]+"), "Content-Length: LENGTH");
    return std::regex_replace(head, std::regex("__Host-session=[^\n]*"), "__Host-session=TOKEN");
}

/// What our server decides by, in any order.
std::vector<std::string> decisive(const std::string& head) {
    std::vector<std::string> out;
    for (const char* name : {"Host", "Origin", "Sec-Fetch-Site", "Content-Type", "Cookie", "Referer"}) {
        std::smatch found;
        if (std::regex_search(head, found, std::regex(std::string("\n") + name + ": ([^\n]*)"))) {
            out.push_back(fmt::format("{}: {}", name, found[1].str()));
        }
    }
    return out;
}

/// Answers the errand as the site does.
class ErrandHandler : public web::Handler {
  public:
    void handle(web::Request request, web::Respond respond) override {
        if (request.method != web::Method::post) {
            respond({200, {{"Content-Type", "text/html"}}, "page", false});
        } else if (request.path == "/sign-in") {
            respond({303,
                     {{"Location", "/p/alpha/submissions"},
                      {"Set-Cookie", "__Host-session=abcd; Path=/; Secure; HttpOnly; SameSite=Strict"}},
                     "",
                     false});
        } else {
            respond({303, {{"Location", "/p/alpha/thanks/ID"}}, "", false});
        }
    }
};

class BrowserHeadsTest : public testing::Test {
  protected:
    BrowserHeadsTest() {
        web::ServerOptions options;
        options.listen = Endpoint{"10.0.0.1:443"};
        options.journal = [](std::string_view) {};
        server_ = web::Server::create(machine_.seams(), handler_, std::move(options)).value();
        HttpsClientOptions client;
        client.server = Endpoint{"10.0.0.1:443"};
        client.host = "localhost:8443";
        client.on_plaintext = [this](ByteView plain) {
            const std::string text(plain.begin(), plain.end());
            if (!text.starts_with("HTTP/")) {
                std::string head = text.substr(0, text.find("\r\n\r\n") + 2);
                std::erase(head, '\r');
                heads_.push_back(as_recorded(head));
            }
        };
        browser_ = std::make_unique<Browser>(clock_, *host_, std::move(client));
    }
    void get(const std::string& target) {
        browser_->get(target, [this](Result<WebPage> page) { status_ = page ? page->status : 0; });
        machine_.loop().run_for(std::chrono::seconds(1));
        ASSERT_EQ(status_, 200U) << target;
    }
    void post(const std::string& target) {
        browser_->post(target, {{"name", "value"}}, Redirects::follow,
                       [this](Result<WebPage> page) { status_ = page ? page->status : 0; });
        machine_.loop().run_for(std::chrono::seconds(1));
        ASSERT_EQ(status_, 200U) << target;
    }

    SimMachine machine_{3};
    SimClock clock_{machine_.loop()};
    std::unique_ptr<SimHost> host_ = machine_.network().attach("10.0.0.9", clock_);
    ErrandHandler handler_;
    std::unique_ptr<web::Server> server_;
    std::unique_ptr<Browser> browser_;
    std::vector<std::string> heads_;
    unsigned status_ = 0;
};

TEST_F(BrowserHeadsTest, AreThoseOfARealChromium) {
    get("/p/alpha/forms/phq-9");
    post("/p/alpha/forms/phq-9");
    get("/sign-in?practice=alpha");
    post("/sign-in");

    const auto wanted = recorded("chromium.txt");
    ASSERT_EQ(wanted.size(), 6U);
    ASSERT_EQ(heads_.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(heads_[i], wanted[i]);
    }
}

TEST_F(BrowserHeadsTest, SayTheSameOfTheirOriginInBothRealBrowsers) {
    const auto chromium = recorded("chromium.txt");
    const auto firefox = recorded("firefox.txt");
    ASSERT_EQ(chromium.size(), firefox.size());
    for (std::size_t i = 0; i < chromium.size(); ++i) {
        EXPECT_EQ(decisive(chromium[i]), decisive(firefox[i])) << i;
    }
    EXPECT_EQ(decisive(chromium[1]),
              (std::vector<std::string>{"Host: localhost:PORT", "Origin: https://localhost:PORT",
                                        "Sec-Fetch-Site: same-origin",
                                        "Content-Type: application/x-www-form-urlencoded",
                                        "Referer: https://localhost:PORT/p/alpha/forms/phq-9"}));
}

}  // namespace
}  // namespace firedrill::sim
