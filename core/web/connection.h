// One accepted connection: stream → TLS → RequestReader → Handler → TLS → stream. Requests are answered one
// at a time, in order.
//
// Loop only; owned by its Server through a shared_ptr, and held weakly by every callback, so that a late
// answer, timer or completion finds either a live connection or nothing. Invariants:
//  1. Nothing is read while a request is answered: a peer can make us hold one read buffer and one request.
//  2. Every complete request gets exactly one response; after a framing error one refusal, then nothing.
//  3. One timer, re-armed lazily, holds the deadline of the current phase. A phase's deadline is set when it
//  is entered
//     and no byte extends it.
//  4. Plaintext leaves only through TLS when the server has a certificate.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "crypto/tls.h"
#include "seams/seams.h"
#include "web/http.h"
#include "web/limits.h"
#include "web/server.h"

namespace firedrill::web {

class Connection final : public std::enable_shared_from_this<Connection> {
  public:
    struct Surroundings {
        Clock& clock;
        Workers& workers;
        Handler& handler;
        std::shared_ptr<crypto::TlsServerContext>
            tls;                       ///< owners: the server and its connections; null: plain
        std::function<void()> forget;  ///< the connection is over; drops the owner's pointer
    };

    Connection(Surroundings around, std::unique_ptr<Stream> stream);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    /// The server stops: ends now when nothing is under way, else with the next response.
    void finish_up();
    /// The owner lets go of it at once, maybe in the middle of a call here: nothing more happens, forget()
    /// included.
    void drop();
    [[nodiscard]] const std::string& source() const noexcept { return source_; }

  private:
    enum class Phase : std::uint8_t {
        accepted,
        handshake,
        idle,
        head,
        body,
        answering,
        responding,
        lingering
    };
    static Duration deadline_of(Phase phase);

    void enter(Phase phase);
    void arm();
    void on_timer();
    void on_deadline();
    void read();
    void on_read(Result<std::size_t> got);
    bool take_bytes(MutableBytes bytes);
    void advance();
    void take_next();
    void dispatch(Request request);
    void respond(std::uint64_t number, Response response);
    void refuse(unsigned status, std::string_view text);
    void queue(ByteView plain);
    void queue_close();
    void write();
    void on_written(Result<std::size_t> count);
    void end();

    Surroundings around_;
    std::unique_ptr<Stream> stream_;
    std::string source_;
    std::unique_ptr<crypto::TlsConnection> tls_;
    RequestReader reader_;
    Bytes in_;
    Bytes queued_;  ///< wire bytes that wait for the write under way
    Bytes out_;     ///< wire bytes on their way; [written_, end) is still to be taken. Fixed during a write
    std::size_t written_ = 0;
    Phase phase_ = Phase::accepted;
    bool is_reading_ = false;
    bool is_writing_ = false;
    bool is_closing_ = false;  ///< nothing more will be queued; ends when all is written
    bool lingers_ = false;     ///< … and then reads on for a moment
    bool is_stopping_ = false;
    bool is_over_ = false;
    bool is_head_request_ = false;
    bool keeps_alive_ = true;
    std::uint64_t requests_ = 0;
    Instant deadline_;
    Instant timer_at_;
    TimerId timer_ = TimerId::none;
};

}  // namespace firedrill::web
