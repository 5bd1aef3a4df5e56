// LiveNode: the shipped program as a child that serves a demo practice, and people who work with it over
// HTTPS.
//
// One a test; its folder goes with it. The test's own process may open a copy of the node's folder with the
// secrets that it knows.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "cli/real_world.h"
#include "node/node.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "sim/browser.h"
#include "sim/canary.h"
#include "sim/live_server.h"
#include "sim/patient.h"
#include "sim/seams/random.h"

namespace firedrill::test {

/// Sanitizers bring a heap of their own, which keeps what was freed, and switch mlock() off: then the memory
/// of the process is not the shipped program's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

/// Keeps copies of the keys that a practice's sign-in opens, in the test's own process.
struct KeysSeen {
    crypto::Secret practice_key;
    std::vector<crypto::Secret> page_keys;
};

class WatchedCustody final : public identity::KeyCustody {
  public:
    explicit WatchedCustody(KeysSeen& seen) : seen_(seen) {}
    void keep(StoreId practice, crypto::Secret practice_key) override {
        seen_.practice_key = practice_key.copy();
        real_->keep(practice, std::move(practice_key));
    }
    const crypto::Secret* find(StoreId practice) const override { return real_->find(practice); }
    void forget(StoreId practice) override { real_->forget(practice); }

  private:
    KeysSeen& seen_;
    std::unique_ptr<identity::KeyCustody> real_ = identity::make_key_custody();
};

class LiveNode : public testing::Test {
  protected:
    void SetUp() override {
        auto made = sim::LiveServer::create(FIREDRILL_PROGRAM);
        ASSERT_TRUE(made) << made.error().text;
        server_ = std::move(made).value();
        ASSERT_TRUE(server_->start());
        bool is_ready = false;
        const Instant until = loop_.now() + 60s;
        while (!is_ready && loop_.now() < until) {
            const Status polled = server_->poll_ready(is_ready);
            ASSERT_TRUE(polled) << polled.error().text;
            pump(5ms, [] { return false; });
        }
        ASSERT_TRUE(is_ready);
        tls_ = crypto::TlsClientContext::create(server_->facts().authority_pem, entropy_).value();
    }

    bool pump(Duration limit, const std::function<bool()>& is_done) {
        // The limit begins within the loop: its clock stood still since it ran last, perhaps for longer than
        // that.
        struct Limit {
            std::optional<Instant> until;
            TimerId timer = TimerId::none;
        };
        const auto set = std::make_shared<Limit>();  // owners: this and the handler, which may outlive it
        loop_.defer([this, set, limit] {
            set->until = loop_.now() + limit;
            set->timer = loop_.call_at(*set->until, [] {});
        });
        loop_.run_until([&] { return is_done() || (set->until && loop_.now() >= *set->until); });
        loop_.cancel(set->timer);
        return is_done();
    }
    sim::HttpsClientOptions client_options() {
        sim::HttpsClientOptions options;
        options.server = server_->facts().endpoint;
        options.server_name = "localhost";
        options.host = "localhost" + options.server.text.substr(options.server.text.rfind(':'));
        options.tls = tls_;
        options.deadline = 30s;
        return options;
    }
    sim::WebPage wait(const std::function<void(sim::Browser::Then)>& call) {
        std::optional<Result<sim::WebPage>> got;
        call([&](Result<sim::WebPage> page) { got = std::move(page); });
        pump(60s, [&] { return got.has_value(); });
        if (!got || !*got) {
            ADD_FAILURE() << (got ? got->error().text : "no answer");
            return {};
        }
        return **got;
    }
    sim::WebPage get(sim::Browser& browser, const std::string& target) {
        return wait([&](auto then) { browser.get(target, std::move(then)); });
    }

    /// A patient fills in the form with free text; the answer's unmistakable words are returned.
    std::string submit_a_canary() {
        sim::Browser browser(loop_, loop_, client_options());
        const std::string address = "/p/demo/forms/pt-intake";
        const sim::HtmlPage page = sim::parse_html(get(browser, address).body);
        const sim::HtmlForm* form = page.find_form(address);
        EXPECT_NE(form, nullptr);
        std::array<Byte, sim::kCanaryTail> tail{};
        entropy_.fill(tail);
        std::string canary = sim::make_canary(tail);
        sim::Random random(1);
        const sim::FilledForm filled = sim::fill_form(page, *form, random, canary);
        const sim::WebPage sent = wait(
            [&](auto then) { browser.post(address, filled.values, sim::Redirects::show, std::move(then)); });
        EXPECT_EQ(sent.status, 303U);
        EXPECT_FALSE(canary.empty());
        return canary;
    }

    sim::WebPage sign_in(sim::Browser& browser) {
        const sim::LiveServerFacts& facts = server_->facts();
        return wait([&](auto then) {
            browser.post("/sign-in",
                         {{"practice", facts.practice}, {"login", facts.login}, {"password", facts.password}},
                         sim::Redirects::follow, std::move(then));
        });
    }
    void read_newest(sim::Browser& browser, const sim::WebPage& list, const std::string& canary) {
        const sim::HtmlPage seen = sim::parse_html(list.body);
        const std::string prefix = list.address + "/";
        for (const std::string& link : seen.links) {
            if (link.starts_with(prefix)) {
                EXPECT_NE(get(browser, link).body.find(canary), std::string::npos);
                return;
            }
        }
        ADD_FAILURE() << "the list shows no submission";
    }
    /// Reads every submission of the list; how many hold the words of a patient.
    std::size_t read_each(sim::Browser& browser, const sim::WebPage& list) {
        std::size_t count = 0;
        for (const std::string& link : sim::parse_html(list.body).links) {
            if (link.starts_with(list.address + "/")) {
                count += sim::find_canaries(get(browser, link).body).empty() ? 0U : 1U;
            }
        }
        return count;
    }
    void sign_out(sim::Browser& browser, const sim::WebPage& list) {
        const sim::HtmlPage seen = sim::parse_html(list.body);
        const sim::HtmlForm* form = seen.find_form("/sign-out");
        ASSERT_NE(form, nullptr);
        sim::FormValues values;
        for (const sim::FormField& field : form->fields) {
            values.emplace_back(field.name, field.value);
        }
        const sim::WebPage out = wait(
            [&](auto then) { browser.post("/sign-out", values, sim::Redirects::show, std::move(then)); });
        EXPECT_EQ(out.status, 303U);
    }

    /// Sends a sign-in whose body lacks its last byte, and keeps the connection.
    void begin_a_sign_in() {
        const sim::HttpsClientOptions options = client_options();
        half_tls_ = crypto::make_tls_client(tls_, options.server_name, loop_.wall());
        const sim::LiveServerFacts& facts = server_->facts();
        const std::string body =
            fmt::format("practice={}&login={}&password={}", facts.practice, facts.login, facts.password);
        half_tls_->send(
            as_bytes(fmt::format("POST /sign-in HTTP/1.1\r\nHost: {}\r\nOrigin: https://{}\r\nContent-Type: "
                                 "application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
                                 options.host, options.host, body.size() + 1, body)));
        loop_.connect(options.server, [this](Result<std::unique_ptr<Stream>> made) {
            ASSERT_TRUE(made) << made.error().text;
            half_stream_ = std::move(made).value();
            carry_out();
            carry_in();
        });
    }
    void carry_out() {
        if (is_carrying_out_) {
            return;
        }
        append(half_out_, half_tls_->take_outgoing());
        if (half_out_.empty()) {
            return;
        }
        is_carrying_out_ = true;
        half_view_ = half_out_;
        half_stream_->write_some(std::span(&half_view_, 1), [this](Result<std::size_t> took) {
            is_carrying_out_ = false;
            if (took) {
                half_out_.erase(half_out_.begin(), half_out_.begin() + static_cast<std::ptrdiff_t>(*took));
                carry_out();
            }
        });
    }
    void carry_in() {
        half_stream_->read_some(half_in_, [this](Result<std::size_t> got) {
            if (got && half_tls_->feed(ByteView(half_in_).first(*got), loop_.wall())) {
                carry_out();
                carry_in();
            }
        });
    }

    /// Every byte of the node's data and log, as somebody who takes them has them.
    std::string copy_folder(const std::string& name) {
        const std::string copy = server_->folder() + "/" + name;
        std::filesystem::create_directory(copy);
        std::filesystem::permissions(copy, std::filesystem::perms::owner_all);
        for (const char* part : {"/data", "/log"}) {
            std::filesystem::copy(server_->folder() + "/node" + part, copy + part,
                                  std::filesystem::copy_options::recursive);
        }
        return copy;
    }
    crypto::Secret passphrase() const {
        std::ifstream file(server_->folder() + "/passphrase");
        std::string text;
        std::getline(file, text);
        return crypto::Secret(as_bytes(text));
    }

    /// What the practice's password opens, from a copy of the node's folder, in this process.
    KeysSeen derive_keys() {
        KeysSeen seen;
        const std::string copy = copy_folder("copy");
        auto world = cli::RealWorld::open({copy, {copy + "/log"}, "", ""}, cli::MakeFolders::no).value();
        node::Config config;
        config.listen = Endpoint{};
        node::Parts parts;
        parts.key_custody = [&seen] { return std::make_unique<WatchedCustody>(seen); };
        parts.storage.page_cipher = [&seen](StoreId store, store::KeyRing ring) {
            if (store != identity::kDirectory) {
                for (const store::EpochKey& epoch : ring) {
                    seen.page_keys.push_back(epoch.key.copy());
                }
            }
            return store::make_page_cipher(store, std::move(ring));
        };
        Status outcome = Error{Fault::internal, "never answered"};
        std::unique_ptr<node::Node> node;
        const sim::LiveServerFacts& facts = server_->facts();
        auto booted =
            node::Node::boot(world->seams(), std::move(config), parts, passphrase(), [&](Status ready) {
                EXPECT_TRUE(ready);
                node->identity().sign_in(
                    {facts.practice, facts.login, crypto::Secret(as_bytes(facts.password)), "127.0.0.1"},
                    [&](const Result<identity::SignedIn>& signed_in) {
                        outcome = signed_in ? Status() : Status(signed_in.error());
                        world->stop();
                    });
            });
        EXPECT_TRUE(booted) << booted.error().text;
        node = std::move(booted).value();
        world->run();
        EXPECT_TRUE(outcome) << outcome.error().text;
        return seen;
    }

    posix::PosixLoop loop_;
    posix::PosixEntropy entropy_;
    std::shared_ptr<crypto::TlsClientContext> tls_;
    std::unique_ptr<sim::LiveServer> server_;
    std::unique_ptr<crypto::TlsConnection> half_tls_;
    std::unique_ptr<Stream> half_stream_;
    Bytes half_in_ = Bytes(16384);
    Bytes half_out_;
    ByteView half_view_;
    bool is_carrying_out_ = false;
};

}  // namespace firedrill::test
