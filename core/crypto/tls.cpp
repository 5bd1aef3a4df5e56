#include "crypto/tls.h"

#include <algorithm>
#include <utility>

#include <botan/tls.h>
#include <botan/x509path.h>

#include "base/check.h"
#include "crypto/certificates.h"
#include "crypto/tls_context.h"

namespace firedrill::crypto {
namespace {

namespace tls = Botan::TLS;

constexpr std::string_view kProtocol = "http/1.1";
/// Records of one connection that carry no data: handshake, alerts, key updates, empty records. A handshake
/// needs four; beyond this the peer only makes us work.
constexpr std::uint64_t kMostRecordsWithoutData = 256;
/// Bytes given to the library between two looks at that count.
constexpr std::size_t kSlice = 4096;
constexpr std::size_t kLongestChain = 8;

/// Counts the records of a stream from their 5-byte headers alone.
class RecordCounter {
  public:
    void take(ByteView bytes) {
        while (!bytes.empty()) {
            if (body_left_ > 0) {
                const std::size_t step = std::min(body_left_, bytes.size());
                body_left_ -= step;
                bytes = bytes.subspan(step);
                continue;
            }
            header_[header_size_++] = bytes[0];
            bytes = bytes.subspan(1);
            if (header_size_ == header_.size()) {
                header_size_ = 0;
                ++records_;
                body_left_ = static_cast<std::size_t>(header_[3]) * 256 + header_[4];
            }
        }
    }
    [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

  private:
    std::array<Byte, 5> header_{};
    std::size_t header_size_ = 0;
    std::size_t body_left_ = 0;
    std::uint64_t records_ = 0;
};

/// What the library tells about one connection. Owned by the channel and the connection together.
class Events final : public tls::Callbacks {
  public:
    Events(bool is_server, WallTime wall_now) : wall(wall_now), is_server_(is_server) {}

    void tls_emit_data(std::span<const std::uint8_t> data) override { append(outgoing, data); }

    void tls_record_received(std::uint64_t, std::span<const std::uint8_t> data) override {
        if (!is_established()) {
            throw tls::TLS_Exception(tls::AlertType::UnexpectedMessage,
                                     "data before the handshake was verified");
        }
        records_with_data += data.empty() ? 0 : 1;
        append(incoming, data);
    }

    void tls_alert(tls::Alert alert) override {
        if (alert.type() == tls::AlertType::CloseNotify) {
            is_peer_closed = true;
        } else if (alert.is_fatal()) {
            peer_alert = alert.type_string();
        }
    }
    /// A peer that has said everything may still be answered.
    bool tls_peer_closed_connection() override { return false; }

    void tls_session_established(const tls::Session_Summary& session) override {
        is_resumed = session.was_resumption();
    }
    void tls_session_activated() override { is_activated_ = true; }

    void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>& chain,
                               const std::vector<std::optional<Botan::OCSP::Response>>&,
                               const std::vector<Botan::Certificate_Store*>& roots, Botan::Usage_Type usage,
                               std::string_view name, const tls::Policy& policy) override {
        CHECK(!is_server_);
        CHECK(!name.empty());
        if (chain.empty() || chain.size() > kLongestChain || chain[0].subject_alt_name().is_empty()) {
            refuse(tls::AlertType::BadCertificate, name, "it has no usable chain or names");
        }
        const Botan::Path_Validation_Restrictions restrictions(false, policy.minimum_signature_strength());
        const Botan::Path_Validation_Result result =
            Botan::x509_path_validate(chain, restrictions, roots, name, usage, library_time(wall));
        if (!result.successful_validation()) {
            const bool is_unknown =
                result.result() == Botan::Certificate_Status_Code::CERT_ISSUER_NOT_FOUND ||
                result.result() == Botan::Certificate_Status_Code::CANNOT_ESTABLISH_TRUST;
            refuse(is_unknown ? tls::AlertType::UnknownCA : tls::AlertType::BadCertificate, name,
                   result.result_string());
        }
        is_chain_verified_ = true;
    }

    std::string tls_server_choose_app_protocol(const std::vector<std::string>& offered) override {
        if (std::find(offered.begin(), offered.end(), kProtocol) == offered.end()) {
            throw tls::TLS_Exception(tls::AlertType::NoApplicationProtocol,
                                     "no application protocol in common");
        }
        return std::string(kProtocol);
    }

    LibraryTime tls_current_timestamp() override { return library_time(wall); }
    std::uint64_t tls_current_monotonic_clock_ms() override {
        return static_cast<std::uint64_t>(wall.ns / 1000000);
    }

    /// Complete, and the peer is who it should be. A remembered session was verified when it was made.
    [[nodiscard]] bool is_established() const {
        return is_activated_ && (is_server_ || is_chain_verified_ || is_resumed);
    }

    Bytes outgoing;
    Bytes incoming;
    WallTime wall;
    std::string refusal;     ///< why the certificate was not accepted
    std::string peer_alert;  ///< the fatal alert that the peer sent
    std::uint64_t records_with_data = 0;
    bool is_peer_closed = false;
    bool is_resumed = false;

  private:
    [[noreturn]] void refuse(tls::AlertType alert, std::string_view name, std::string_view why) {
        refusal = "The certificate that the server sent for " + std::string(name) + " is not accepted (" +
                  std::string(why) + "); check the server's name, its certificate and this machine's clock.";
        throw tls::TLS_Exception(alert, refusal);
    }

    bool is_server_;
    bool is_activated_ = false;
    bool is_chain_verified_ = false;
};

class Connection final : public TlsConnection {
  public:
    Connection(std::shared_ptr<void> context, std::shared_ptr<Events> events,
               std::unique_ptr<tls::Channel> channel)
        : context_(std::move(context)), events_(std::move(events)), channel_(std::move(channel)) {}

    Status feed(ByteView from_peer, WallTime wall) override {
        if (failure_) {
            return *failure_;
        }
        events_->wall = wall;
        while (!from_peer.empty() && !events_->is_peer_closed) {
            const ByteView slice = from_peer.first(std::min(from_peer.size(), kSlice));
            from_peer = from_peer.subspan(slice.size());
            TRY(feed_slice(slice));
        }
        return {};
    }

    void send(ByteView plain) override {
        if (is_closing_ || failure_) {
            return;
        }
        if (!is_established()) {
            CHECK(plain.size() <= kMostWaiting - waiting_.size());
            append(waiting_, plain);
            return;
        }
        if (!plain.empty()) {
            static_cast<void>(guarded([&] { channel_->send(plain); }));  // the next feed() reports a failure
        }
    }

    void close() override {
        is_closing_ = true;
        if (!failure_ && waiting_.empty() && !is_close_sent_) {
            is_close_sent_ = true;
            static_cast<void>(guarded([&] { channel_->close(); }));
        }
    }

    Bytes take_outgoing() override { return std::exchange(events_->outgoing, {}); }
    Bytes take_incoming() override { return std::exchange(events_->incoming, {}); }
    bool is_established() const override {
        return !failure_ && events_->is_established() && channel_->is_handshake_complete();
    }
    bool is_peer_closed() const override { return !failure_ && events_->is_peer_closed; }
    bool is_resumed() const override { return events_->is_resumed; }

  private:
    Status feed_slice(ByteView slice) {
        records_.take(slice);
        TRY(guarded([&] { channel_->received_data(slice); }));
        if (!events_->peer_alert.empty()) {
            return fail({Fault::closed,
                         "The peer ended the TLS connection with the alert " + events_->peer_alert + "."});
        }
        if (events_->is_peer_closed && !is_established()) {
            return fail({Fault::closed, "The peer closed the TLS connection before it was established."});
        }
        if (records_.records() - events_->records_with_data > kMostRecordsWithoutData) {
            TRY(guarded([&] { channel_->send_fatal_alert(tls::AlertType::UnexpectedMessage); }));
            return fail(
                {Fault::bad_input, "The peer sends TLS records without data; the connection was closed."});
        }
        if (is_established() && !waiting_.empty()) {
            const Bytes plain = std::exchange(waiting_, {});
            TRY(guarded([&] { channel_->send(plain); }));
        }
        if (is_established() && is_closing_) {
            close();
        }
        return {};
    }

    /// The only place where exceptions of the library end. It has queued its alert by then.
    template <class Call>
    Status guarded(Call&& call) {
        try {
            call();
            return {};
        } catch (const Botan::Exception& e) {
            if (!events_->refusal.empty()) {
                return fail({Fault::refused, events_->refusal});
            }
            return fail(
                {Fault::bad_input, std::string("The peer broke the TLS protocol (") + e.what() + ")."});
        } catch (const std::exception& e) {
            return fail(
                {Fault::internal, std::string("The TLS library failed (") + e.what() + "); report it."});
        }
    }

    Error fail(Error error) {
        failure_ = error;
        zeroise(events_->incoming);
        events_->incoming.clear();
        waiting_.clear();
        return error;
    }

    std::shared_ptr<void> context_;  // the channel uses what it owns
    std::shared_ptr<Events> events_;
    std::unique_ptr<tls::Channel> channel_;
    RecordCounter records_;
    Bytes waiting_;
    std::optional<Error> failure_;
    bool is_closing_ = false;
    bool is_close_sent_ = false;
};

}  // namespace

std::unique_ptr<TlsConnection> make_tls_server(std::shared_ptr<TlsServerContext> context, WallTime wall) {
    CHECK(context != nullptr);
    auto real = std::static_pointer_cast<RealTlsServerContext>(std::move(context));
    auto events = std::make_shared<Events>(true, wall);
    auto channel = std::make_unique<tls::Server>(events, real->parts.sessions, real->parts.credentials,
                                                 real->parts.policy, real->parts.rng);
    return std::make_unique<Connection>(std::move(real), std::move(events), std::move(channel));
}

std::unique_ptr<TlsConnection> make_tls_client(std::shared_ptr<TlsClientContext> context,
                                               std::string server_name, WallTime wall) {
    CHECK(context != nullptr);
    CHECK(!server_name.empty());
    auto real = std::static_pointer_cast<RealTlsClientContext>(std::move(context));
    auto events = std::make_shared<Events>(false, wall);
    auto channel = std::make_unique<tls::Client>(
        events, real->parts.sessions, real->parts.credentials, real->parts.policy, real->parts.rng,
        tls::Server_Information(server_name), tls::Protocol_Version(tls::Version_Code::TLS_V13),
        std::vector<std::string>{std::string(kProtocol)});
    return std::make_unique<Connection>(std::move(real), std::move(events), std::move(channel));
}

}  // namespace firedrill::crypto
