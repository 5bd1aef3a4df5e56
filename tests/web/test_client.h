// TestClient: raw bytes to and from a server in a simulated world, through TLS when it has a context.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/tls.h"
#include "seams/network.h"
#include "tests/support/sim_machine.h"

namespace firedrill::web::test {

class TestClient {
  public:
    /// Connects to 10.0.0.1:443; what is sent before it is connected waits.
    TestClient(Network& network, const std::shared_ptr<crypto::TlsClientContext>& tls) {
        if (tls) {
            tls_ = crypto::make_tls_client(tls, "localhost", sim::kUniverseStart);
        }
        network.connect(Endpoint{"10.0.0.1:443"}, [this, alive = std::weak_ptr<int>(alive_)](auto stream) {
            if (alive.expired()) {
                return;
            }
            if (!stream.is_ok()) {
                is_closed_ = true;
                return;
            }
            stream_ = std::move(*stream);
            flush();
            read();
        });
    }

    void send(const std::string& bytes) {
        if (tls_) {
            tls_->send(as_bytes(bytes));
        } else {
            append(out_, as_bytes(bytes));
        }
        flush();
    }
    void stop_reading() { is_reading_allowed_ = false; }
    [[nodiscard]] const std::string& received() const { return received_; }
    [[nodiscard]] bool is_closed() const { return is_closed_; }
    /// With close_notify.
    [[nodiscard]] bool is_closed_in_order() const { return tls_ && tls_->is_peer_closed(); }

    /// The received bytes cut into complete answers by their Content-Length; a rest that is no answer comes
    /// last.
    [[nodiscard]] std::vector<std::string> answers() const {
        std::vector<std::string> out;
        std::string_view rest = received_;
        while (!rest.empty()) {
            const std::size_t head = rest.find("\r\n\r\n");
            const std::size_t length = rest.find("Content-Length: ");
            if (head == std::string_view::npos || length > head) {
                out.emplace_back(rest);
                break;
            }
            const std::size_t size = head + 4 + std::stoul(std::string(rest.substr(length + 16, 10)));
            out.emplace_back(rest.substr(0, size));
            rest.remove_prefix(std::min(size, rest.size()));
        }
        return out;
    }

  private:
    void flush() {
        if (tls_) {
            append(out_, tls_->take_outgoing());
        }
        if (!stream_ || is_writing_ || out_.empty() || is_closed_) {
            return;
        }
        is_writing_ = true;
        in_flight_.swap(out_);
        write();
    }
    void write() {
        const ByteView piece = ByteView(in_flight_).subspan(taken_);
        stream_->write_some(std::span(&piece, 1), [this](Result<std::size_t> count) {
            if (!count) {
                is_writing_ = false;
                is_closed_ = true;
                return;
            }
            taken_ += *count;
            if (taken_ < in_flight_.size()) {
                return write();
            }
            taken_ = 0;
            in_flight_.clear();
            is_writing_ = false;
            flush();
        });
    }
    void read() {
        stream_->read_some(in_, [this](Result<std::size_t> count) {
            if (!count) {
                is_closed_ = true;
                return;
            }
            const ByteView bytes = ByteView(in_).first(*count);
            if (tls_) {
                is_closed_ = !tls_->feed(bytes, sim::kUniverseStart).is_ok() || is_closed_;
                received_ += as_text(tls_->take_incoming());
                flush();
            } else {
                received_ += as_text(bytes);
            }
            if (is_reading_allowed_) {
                read();
            }
        });
    }

    std::unique_ptr<crypto::TlsConnection> tls_;
    Bytes in_ = Bytes(4096);
    Bytes out_;
    Bytes in_flight_;
    std::size_t taken_ = 0;
    std::string received_;
    bool is_writing_ = false;
    bool is_closed_ = false;
    bool is_reading_allowed_ = true;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::unique_ptr<Stream> stream_;  // last: its pending handlers go before what they use
};

}  // namespace firedrill::web::test
