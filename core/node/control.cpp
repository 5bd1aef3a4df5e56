#include "node/control.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <deque>
#include <list>

#include "crypto/secret.h"

namespace firedrill::node {

namespace {

std::optional<Fault> fault_from_name(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(Fault::internal); ++i) {
        if (fault_name(static_cast<Fault>(i)) == name) {
            return static_cast<Fault>(i);
        }
    }
    return std::nullopt;
}

/// Reads lines and writes lines on one stream. Both sides of the channel use it.
class LineStream {
  public:
    explicit LineStream(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
    ~LineStream() { crypto::zeroise(input_); }

    /// Yields the next line without its end; an error ends the stream.
    void read_line(std::function<void(Result<std::string>)> then) {
        const std::size_t end = input_.find('\n');
        if (end != std::string::npos) {
            std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            then(std::move(line));
            return;
        }
        if (input_.size() > kControlLine) {
            then(Error{Fault::limit, fmt::format("a control line is longer than {} bytes", kControlLine)});
            return;
        }
        stream_->read_some(chunk_, [this, then = std::move(then)](Result<std::size_t> got) mutable {
            if (!got) {
                then(std::move(got).error());
                return;
            }
            input_.append(as_text(ByteView(chunk_).first(*got)));
            read_line(std::move(then));
        });
    }

    void write_line(std::string line, std::function<void(Status)> then) {
        output_ = std::move(line);
        output_.push_back('\n');
        written_ = 0;
        write_rest(std::move(then));
    }

  private:
    void write_rest(std::function<void(Status)> then) {
        view_ = as_bytes(output_).subspan(written_);
        stream_->write_some(std::span(&view_, 1),
                            [this, then = std::move(then)](Result<std::size_t> took) mutable {
                                if (!took) {
                                    then(std::move(took).error());
                                    return;
                                }
                                written_ += *took;
                                if (written_ < output_.size()) {
                                    write_rest(std::move(then));
                                    return;
                                }
                                crypto::zeroise(output_);
                                then({});
                            });
    }

    std::unique_ptr<Stream> stream_;
    std::array<Byte, 4096> chunk_{};
    std::string input_;
    std::string output_;
    std::size_t written_ = 0;
    ByteView view_;
};

class Server final : public ControlServer {
  public:
    Server(std::unique_ptr<Listener> listener, Command command)
        : listener_(std::move(listener)), command_(std::move(command)) {
        accept();
    }

  private:
    using Connections = std::list<LineStream>;

    void accept() {
        listener_->accept([this](Result<std::unique_ptr<Stream>> stream) {
            if (!stream) {
                if (stream.error().fault != Fault::closed) {
                    accept();
                }
                return;
            }
            if (connections_.size() < kControlConnections) {
                connections_.emplace_front(std::move(stream).value());
                serve(connections_.begin());
            }
            accept();
        });
    }

    void serve(Connections::iterator at) {
        at->read_line([this, at](Result<std::string> line) {
            if (!line) {
                connections_.erase(at);
                return;
            }
            command_(std::move(line).value(), [this, at](Result<std::string> answer) {
                at->write_line(encode_answer(answer), [this, at](Status written) {
                    if (!written) {
                        connections_.erase(at);
                        return;
                    }
                    serve(at);
                });
            });
        });
    }

    std::unique_ptr<Listener> listener_;
    Command command_;
    Connections connections_;
};

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::create(Network& network, const Endpoint& at,
                                                             Command command) {
    auto listener = TRY(network.listen(at));
    return std::unique_ptr<ControlServer>(std::make_unique<Server>(std::move(listener), std::move(command)));
}

std::string encode_answer(const Result<std::string>& answer) {
    if (answer) {
        return fmt::format(R"({{"ok":true,"result":{}}})", *answer);
    }
    boost::json::object out{
        {"ok", false}, {"fault", fault_name(answer.error().fault)}, {"text", answer.error().text}};
    return boost::json::serialize(out);
}

Result<std::string> decode_answer(std::string_view line) {
    boost::system::error_code failed;
    boost::json::value parsed = boost::json::parse(line, failed);
    const boost::json::object* object = failed ? nullptr : parsed.if_object();
    const boost::json::value* ok = object == nullptr ? nullptr : object->if_contains("ok");
    if (ok != nullptr && ok->is_bool()) {
        const boost::json::value* result = object->if_contains("result");
        if (ok->get_bool() && result != nullptr) {
            return boost::json::serialize(*result);
        }
        const boost::json::value* fault = object->if_contains("fault");
        const boost::json::value* text = object->if_contains("text");
        if (!ok->get_bool() && fault != nullptr && fault->is_string() && text != nullptr &&
            text->is_string()) {
            return Error{fault_from_name(fault->get_string()).value_or(Fault::internal),
                         std::string(text->get_string())};
        }
    }
    return Error{Fault::bad_input, "the node's answer on its control socket is not one of this version's"};
}

void call_control(Network& network, const Endpoint& to, std::string request,
                  std::function<void(Result<std::string>)> then) {
    network.connect(to, [request = std::move(request),
                         then = std::move(then)](Result<std::unique_ptr<Stream>> stream) mutable {
        if (!stream) {
            then(std::move(stream).error());
            return;
        }
        // Owners: the two handlers of this one exchange; the last of them to go closes the stream.
        auto lines = std::make_shared<LineStream>(std::move(stream).value());
        lines->write_line(std::move(request), [lines, then = std::move(then)](Status written) mutable {
            if (!written) {
                then(std::move(written).error());
                return;
            }
            LineStream& borrowed = *lines;
            borrowed.read_line([lines = std::move(lines), then = std::move(then)](Result<std::string> line) {
                then(line ? decode_answer(*line) : Result<std::string>(line.error()));
            });
        });
    });
}

}  // namespace firedrill::node
