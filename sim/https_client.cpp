#include "sim/https_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace firedrill::sim {

namespace {
constexpr std::size_t kReadSize = 16 * 1024;
}

struct HttpsClient::Link {
    std::unique_ptr<Stream> stream;
    std::unique_ptr<crypto::TlsConnection> tls;  // null: plain
    HttpResponseReader reader;
    Bytes incoming = Bytes(kReadSize);
    Bytes outgoing;
    std::size_t sent = 0;
    bool is_writing = false;
};

HttpsClient::HttpsClient(Clock& clock, Network& network, HttpsClientOptions options)
    : clock_(clock), network_(network), options_(std::move(options)), alive_(std::make_shared<bool>(true)) {}

HttpsClient::~HttpsClient() {
    *alive_ = false;
    clock_.cancel(deadline_);
}

void HttpsClient::send(HttpRequest request, Then then) {
    CHECK(!then_);
    then_ = std::move(then);
    std::string text =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, options_.host);
    for (const auto& [name, value] : request.fields) {
        text += fmt::format("{}: {}\r\n", name, value);
    }
    const bool has_length = std::ranges::any_of(
        request.fields, [](const auto& field) { return field.first == "Content-Length"; });
    if (request.method == "POST" && !has_length) {
        text += fmt::format("Content-Length: {}\r\n", request.body.size());
    }
    text += "\r\n" + request.body;
    request_.assign(text.begin(), text.end());
    deadline_ = clock_.call_at(clock_.now() + options_.deadline, [this] {
        finish(Error{Fault::timeout, fmt::format("no answer from {} in time", options_.server.text)});
    });
    if (options_.on_plaintext) {
        options_.on_plaintext(request_);
    }
    if (!link_) {
        connect();
        return;
    }
    if (link_->tls) {
        link_->tls->send(request_);
    } else {
        append(link_->outgoing, request_);
    }
    flush();
}

void HttpsClient::connect() {
    network_.connect(options_.server, [this, alive = alive_](Result<std::unique_ptr<Stream>> connected) {
        if (!*alive || !then_ || link_) {
            return;
        }
        if (!connected) {
            finish(std::move(connected).error());
            return;
        }
        link_ = std::make_unique<Link>();
        link_->stream = std::move(connected).value();
        if (options_.tls) {
            link_->tls = crypto::make_tls_client(options_.tls, options_.server_name, clock_.wall());
            link_->tls->send(request_);
        } else {
            link_->outgoing = request_;
        }
        flush();
        read();
    });
}

void HttpsClient::flush() {
    Link& link = *link_;
    if (link.is_writing) {
        return;
    }
    if (link.sent == link.outgoing.size()) {
        link.outgoing.clear();
        link.sent = 0;
    }
    if (link.tls) {
        append(link.outgoing, link.tls->take_outgoing());
    }
    if (link.outgoing.empty()) {
        return;
    }
    link.is_writing = true;
    const ByteView rest = ByteView(link.outgoing).subspan(link.sent);
    link.stream->write_some({&rest, 1}, [this, alive = alive_](Result<std::size_t> taken) {
        if (!*alive || !link_) {
            return;
        }
        link_->is_writing = false;
        if (!taken) {
            finish(std::move(taken).error());
            return;
        }
        link_->sent += *taken;
        flush();
    });
}

void HttpsClient::read() {
    link_->stream->read_some(link_->incoming, [this, alive = alive_](Result<std::size_t> got) {
        if (!*alive || !link_) {
            return;
        }
        if (!got) {
            finish(std::move(got).error());
            return;
        }
        took(*got);
    });
}

void HttpsClient::took(std::size_t size_bytes) {
    Link& link = *link_;
    Bytes plain(link.incoming.begin(), link.incoming.begin() + static_cast<std::ptrdiff_t>(size_bytes));
    if (link.tls) {
        Status fed = link.tls->feed(plain, clock_.wall());
        plain = link.tls->take_incoming();
        if (!fed) {
            finish(std::move(fed).error());
            return;
        }
    }
    if (options_.on_plaintext && !plain.empty()) {
        options_.on_plaintext(plain);
    }
    link.reader.feed(plain);
    const bool is_ended = link.tls && link.tls->is_peer_closed();
    std::optional<Result<HttpResponse>> response = link.reader.next();
    if (response && !then_) {
        response = Error{Fault::bad_input, "the server sent a response to nothing"};
    }
    if (!response && is_ended) {
        response = Error{Fault::closed, "the server ended the connection"};
    }
    if (response && (!*response || (*response)->closes || is_ended)) {
        finish(std::move(*response));
        return;
    }
    flush();
    read();
    if (response) {
        finish(std::move(*response));
    }
}

/// The last thing that any handler does: `then` may destroy this client.
void HttpsClient::finish(Result<HttpResponse> result) {
    clock_.cancel(deadline_);
    deadline_ = TimerId::none;
    if (!result || result->closes) {
        drop_link();
    }
    Then then = std::exchange(then_, nullptr);
    if (then) {
        then(std::move(result));
    }
}

/// The stream may be running one of its own handlers, so it is destroyed a little later.
void HttpsClient::drop_link() {
    if (!link_) {
        return;
    }
    link_->stream->close();
    std::shared_ptr<Link> doomed = std::move(link_);
    clock_.defer([doomed] {});
}

void HttpsClient::close() {
    CHECK(!then_);
    if (link_ && link_->tls && !link_->is_writing) {
        link_->tls->close();
        flush();  // close_notify goes out with the first write; the rest does not matter
    }
    drop_link();
}

}  // namespace firedrill::sim
