#include "web/connection.h"

#include "base/check.h"
#include "crypto/secret.h"
#include "web/replies.h"

namespace firedrill::web {

Connection::Connection(Surroundings around, std::unique_ptr<Stream> stream)
    : around_(std::move(around)), stream_(std::move(stream)), source_(stream_->peer()), in_(kReadSize) {
    if (around_.tls) {
        tls_ = crypto::make_tls_server(around_.tls, around_.clock.wall());
    }
}

Connection::~Connection() {
    around_.clock.cancel(timer_);
    crypto::zeroise(in_);
    crypto::zeroise(queued_);
    crypto::zeroise(out_);
}

void Connection::start() {
    enter(tls_ ? Phase::handshake : Phase::idle);
    read();
}

void Connection::finish_up() {
    is_stopping_ = true;
    if (phase_ == Phase::handshake) {
        return end();
    }
    const bool is_busy = phase_ == Phase::answering || phase_ == Phase::responding || !reader_.is_idle();
    if (!is_busy && !is_closing_) {
        queue_close();
        advance();
    }
}

Duration Connection::deadline_of(Phase phase) {
    switch (phase) {
        case Phase::accepted:
        case Phase::handshake: return kHandshakeDeadline;
        case Phase::idle: return kIdleDeadline;
        case Phase::head: return kHeadDeadline;
        case Phase::body: return kBodyDeadline;
        case Phase::answering: return kAnswerDeadline;
        case Phase::responding: return kWriteDeadline;
        case Phase::lingering: return kLingerDeadline;
    }
    return kHandshakeDeadline;
}

void Connection::enter(Phase phase) {
    if (phase == phase_) {
        return;
    }
    phase_ = phase;
    deadline_ = around_.clock.now() + deadline_of(phase);
    if (timer_ != TimerId::none && timer_at_ > deadline_) {
        around_.clock.cancel(timer_);
        timer_ = TimerId::none;
    }
    if (timer_ == TimerId::none) {
        arm();
    }
}

void Connection::arm() {
    timer_at_ = deadline_;
    timer_ = around_.clock.call_at(deadline_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->on_timer();
        }
    });
}

void Connection::on_timer() {
    timer_ = TimerId::none;
    if (is_over_) {
        return;
    }
    if (around_.clock.now() < deadline_) {
        arm();
        return;
    }
    on_deadline();
}

void Connection::on_deadline() {
    switch (phase_) {
        case Phase::idle:
            queue_close();
            enter(Phase::responding);
            return advance();
        case Phase::head:
        case Phase::body: return refuse(408, "The request did not arrive in time.");
        case Phase::answering:
            return refuse(503, "The answer took too long. Please try again in a few minutes.");
        case Phase::accepted:
        case Phase::handshake:
        case Phase::responding:
        case Phase::lingering: return end();
    }
}

void Connection::read() {
    CHECK(!is_reading_);
    is_reading_ = true;
    stream_->read_some(in_, [weak = weak_from_this()](Result<std::size_t> got) {
        if (const auto self = weak.lock()) {
            self->on_read(std::move(got));
        }
    });
}

void Connection::on_read(Result<std::size_t> got) {
    is_reading_ = false;
    if (is_over_) {
        return;
    }
    if (!got) {
        return end();
    }
    const MutableBytes bytes = MutableBytes(in_).first(*got);
    if (is_closing_) {  // lingering, or the last response is still being written: nothing more is taken
        crypto::zeroise(bytes);
        if (phase_ == Phase::lingering) {
            read();
        }
        return;
    }
    if (!take_bytes(bytes)) {
        is_closing_ = true;
    }
    advance();
}

/// False when TLS found a violation: what is queued (an alert) is the last.
bool Connection::take_bytes(MutableBytes bytes) {
    if (!tls_) {
        reader_.feed(bytes);
        crypto::zeroise(bytes);
        return true;
    }
    const Status fed = tls_->feed(bytes, around_.clock.wall());
    append(queued_, tls_->take_outgoing());
    if (!fed) {
        return false;
    }
    Bytes plain = tls_->take_incoming();
    reader_.feed(plain);
    crypto::zeroise(plain);
    if (phase_ == Phase::handshake && tls_->is_established()) {
        around_.workers.charge(Work::tls_handshake, 1);
        enter(Phase::idle);
    }
    return true;
}

/// Does what can be done next: write, end, or take the next request.
void Connection::advance() {
    if (is_over_ || is_writing_) {
        return;
    }
    if (out_.empty()) {
        out_.swap(queued_);
    }
    if (!out_.empty()) {
        return write();
    }
    if (is_closing_) {
        if (!lingers_) {
            return end();
        }
        enter(Phase::lingering);
        if (!is_reading_) {
            read();
        }
        return;
    }
    if (phase_ != Phase::answering) {
        take_next();
    }
}

void Connection::take_next() {
    auto next = reader_.next();
    if (next && next->is_ok()) {
        return dispatch(std::move(**next));
    }
    if (next) {
        return refuse(reader_.error_status(), next->error().text);
    }
    if ((tls_ && tls_->is_peer_closed()) || (is_stopping_ && reader_.is_idle())) {
        queue_close();
        return advance();
    }
    if (reader_.take_continue()) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        queue(as_bytes(kContinue));
        return advance();
    }
    if (phase_ != Phase::handshake) {
        enter(reader_.is_head_done() ? Phase::body : reader_.is_idle() ? Phase::idle : Phase::head);
    }
    if (!is_reading_) {
        read();
    }
}

void Connection::dispatch(Request request) {
    enter(Phase::answering);
    ++requests_;
    is_head_request_ = request.method == Method::head;
    keeps_alive_ = request.keeps_alive && requests_ < kRequestsPerConnection;
    request.peer = source_;
    around_.workers.charge(Work::request, 1);
    around_.handler.handle(std::move(request),
                           [weak = weak_from_this(), number = requests_](Response response) {
                               if (const auto self = weak.lock()) {
                                   self->respond(number, std::move(response));
                               }
                               crypto::zeroise(response.body);
                           });
}

void Connection::respond(std::uint64_t number, Response response) {
    if (is_over_ || phase_ != Phase::answering || number != requests_) {
        return;  // the deadline has answered in its place
    }
    const bool keeps = keeps_alive_ && !response.closes && !is_stopping_;
    Bytes bytes = serialize(response, is_head_request_, keeps, format_http_date(around_.clock.wall()));
    crypto::zeroise(response.body);
    queue(bytes);
    crypto::zeroise(bytes);
    enter(Phase::responding);
    if (!keeps) {
        queue_close();
    }
    advance();
}

void Connection::refuse(unsigned status, std::string_view text) {
    const Response response = refusal_reply(status, text);
    const bool is_head = phase_ == Phase::answering && is_head_request_;
    queue(serialize(response, is_head, false, format_http_date(around_.clock.wall())));
    queue_close();
    lingers_ = true;
    enter(Phase::responding);
    advance();
}

void Connection::queue(ByteView plain) {
    if (!tls_) {
        append(queued_, plain);
        return;
    }
    tls_->send(plain);
    append(queued_, tls_->take_outgoing());
}

void Connection::queue_close() {
    is_closing_ = true;
    if (tls_) {
        tls_->close();
        append(queued_, tls_->take_outgoing());
    }
}

void Connection::write() {
    is_writing_ = true;
    const ByteView piece = ByteView(out_).subspan(written_);
    stream_->write_some(std::span(&piece, 1), [weak = weak_from_this()](Result<std::size_t> count) {
        if (const auto self = weak.lock()) {
            self->on_written(std::move(count));
        }
    });
}

void Connection::on_written(Result<std::size_t> count) {
    is_writing_ = false;
    if (is_over_) {
        return;
    }
    if (!count) {
        return end();
    }
    written_ += *count;
    if (written_ == out_.size()) {
        crypto::zeroise(out_);
        out_.clear();
        written_ = 0;
    }
    advance();
}

void Connection::end() {
    if (is_over_) {
        return;
    }
    is_over_ = true;
    around_.clock.cancel(timer_);
    timer_ = TimerId::none;
    stream_->close();
    around_.forget();
}

void Connection::drop() {
    is_over_ = true;
    around_.clock.cancel(timer_);
    timer_ = TimerId::none;
    stream_.reset();
}

}  // namespace firedrill::web
