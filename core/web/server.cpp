#include "web/server.h"

#include <map>

#include <fmt/format.h>

#include "base/check.h"
#include "web/connection.h"
#include "web/limits.h"

namespace firedrill::web {
namespace {

class HttpServer final : public Server {
  public:
    HttpServer(Seams seams, Handler& handler, ServerOptions options, std::unique_ptr<Listener> listener)
        : seams_(std::move(seams)),
          handler_(handler),
          options_(std::move(options)),
          listener_(std::move(listener)),
          local_(listener_->local()) {
        accept();
    }
    ~HttpServer() override {
        seams_.clock.cancel(timer_);
        drop_all();
    }
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    Endpoint local() const override { return local_; }
    void use_certificate(std::shared_ptr<crypto::TlsServerContext> tls) override {
        options_.tls = std::move(tls);
    }
    std::size_t connection_count() const override { return connections_.size(); }

    void stop(std::function<void()> then) override {
        CHECK(!on_stopped_);
        on_stopped_ = std::move(then);
        listener_.reset();
        seams_.clock.cancel(timer_);
        timer_ = seams_.clock.call_at(seams_.clock.now() + kStopDeadline, [this] {
            timer_ = TimerId::none;
            drop_all();
            finish_stop();
        });
        const auto running = connections_;  // finish_up() may end a connection, which changes the map
        for (const auto& [number, connection] : running) {
            connection->finish_up();
        }
        finish_stop();
    }

  private:
    /// Runs `then` of stop(), once, when no connection is left.
    void finish_stop() {
        if (!on_stopped_ || is_stopped_ || !connections_.empty()) {
            return;
        }
        is_stopped_ = true;
        seams_.clock.cancel(timer_);
        timer_ = TimerId::none;
        seams_.clock.defer([this, alive = std::weak_ptr<int>(alive_)] {
            if (!alive.expired()) {
                std::exchange(on_stopped_, [] {})();
            }
        });
    }

    void drop_all() {
        for (const auto& [number, connection] : std::exchange(connections_, {})) {
            connection->drop();
        }
        per_source_.clear();
    }

    void accept() {
        listener_->accept([this](Result<std::unique_ptr<Stream>> stream) {
            if (stream) {
                admit(std::move(*stream));
                return accept();
            }
            journal(fmt::format("The web server could not accept a connection ({}); it goes on.",
                                fault_name(stream.error().fault)));
            timer_ = seams_.clock.call_at(seams_.clock.now() + kAcceptPause, [this] {
                timer_ = TimerId::none;
                accept();
            });
        });
    }

    void admit(std::unique_ptr<Stream> stream) {
        const std::string source = stream->peer();
        const auto known = per_source_.find(source);
        const std::size_t of_source = known == per_source_.end() ? 0 : known->second;
        if (connections_.size() >= kConnectionLimit || of_source >= kSourceConnectionLimit) {
            if (!std::exchange(is_full_, true)) {
                journal(fmt::format("The web server refuses connections: {} are open, {} of them from {}.",
                                    connections_.size(), of_source, source));
            }
            return;  // destroying the stream closes it
        }
        ++per_source_[source];
        const std::uint64_t number = ++last_number_;
        auto connection = std::make_shared<Connection>(
            Connection::Surroundings{seams_.clock, seams_.workers, handler_, options_.tls,
                                     [this, number] { forget(number); }},
            std::move(stream));
        connections_.emplace(number, connection);
        connection->start();
    }

    void forget(std::uint64_t number) {
        const auto found = connections_.find(number);
        CHECK(found != connections_.end());
        const auto source = per_source_.find(found->second->source());
        CHECK(source != per_source_.end());
        if (--source->second == 0) {
            per_source_.erase(source);
        }
        connections_.erase(found);
        if (connections_.size() <= kConnectionLimit / 2) {
            is_full_ = false;
        }
        finish_stop();
    }

    void journal(std::string_view sentence) const {
        if (options_.journal) {
            options_.journal(sentence);
        }
    }

    Seams seams_;
    Handler& handler_;
    ServerOptions options_;
    std::unique_ptr<Listener> listener_;
    Endpoint local_;
    /// The owner, in the order of acceptance; callbacks hold connections weakly.
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    std::uint64_t last_number_ = 0;
    std::map<std::string, std::size_t> per_source_;
    std::function<void()> on_stopped_;
    TimerId timer_ = TimerId::none;  ///< accept again, or the deadline of stop()
    bool is_full_ = false;
    bool is_stopped_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< owned here alone
};

}  // namespace

Result<std::unique_ptr<Server>> Server::create(Seams seams, Handler& handler, ServerOptions options) {
    auto listener = TRY(seams.network.listen(options.listen));
    return std::unique_ptr<Server>(
        std::make_unique<HttpServer>(std::move(seams), handler, std::move(options), std::move(listener)));
}

}  // namespace firedrill::web
