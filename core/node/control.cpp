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
    /// One request on its way. Owners: the command's callbacks, and the write under way.
    struct Exchange {
        Connections::iterator at;
        std::string progress;  // newest line not sent yet
        std::string answer;
        bool is_writing = false;
        bool is_gone = false;  // the client
    };

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
            auto exchange = std::make_shared<Exchange>();
            exchange->at = at;
            command_(
                std::move(line).value(),
                [this, exchange, alive = std::weak_ptr(alive_)](const CommandProgress& progress) {
                    if (!alive.expired()) {
                        exchange->progress = encode_progress(progress);
                        write_next(exchange);
                    }
                },
                [this, exchange, alive = std::weak_ptr(alive_)](const Result<std::string>& answer) {
                    if (!alive.expired()) {
                        exchange->answer = encode_answer(answer);
                        write_next(exchange);
                    }
                });
        });
    }

    /// One line at a time; the answer ends the exchange, also when the client has gone meanwhile.
    void write_next(const std::shared_ptr<Exchange>& exchange) {
        if (exchange->is_writing) {
            return;
        }
        const bool is_last = !exchange->answer.empty();
        if (exchange->is_gone && is_last) {
            connections_.erase(exchange->at);
            return;
        }
        std::string line = is_last ? std::move(exchange->answer) : std::exchange(exchange->progress, {});
        if (line.empty() || exchange->is_gone) {
            return;
        }
        exchange->is_writing = true;
        exchange->at->write_line(std::move(line), [this, exchange, is_last](const Status& written) {
            exchange->is_writing = false;
            exchange->is_gone = !written;
            if (!is_last) {
                write_next(exchange);
            } else if (!written) {
                connections_.erase(exchange->at);
            } else {
                serve(exchange->at);
            }
        });
    }

    std::unique_ptr<Listener> listener_;
    Command command_;
    Connections connections_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();  // owner: this; callbacks hold weak pointers
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

std::string encode_progress(const CommandProgress& progress) {
    return boost::json::serialize(
        boost::json::object{{"progress", boost::json::object{{"what", progress.what},
                                                             {"done", progress.done},
                                                             {"total", progress.total},
                                                             {"unit", progress.unit}}}});
}

std::optional<CommandProgress> decode_progress(std::string_view line) {
    boost::system::error_code failed;
    const boost::json::value parsed = boost::json::parse(line, failed);
    const boost::json::object* object = failed ? nullptr : parsed.if_object();
    const boost::json::value* found = object == nullptr ? nullptr : object->if_contains("progress");
    const boost::json::object* progress = found == nullptr ? nullptr : found->if_object();
    if (progress == nullptr) {
        return std::nullopt;
    }
    const auto text = [&](std::string_view name) {
        const boost::json::value* value = progress->if_contains(name);
        return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    const auto number = [&](std::string_view name) -> std::uint64_t {
        const boost::json::value* value = progress->if_contains(name);
        return value != nullptr && value->is_int64() && value->get_int64() > 0
                   ? static_cast<std::uint64_t>(value->get_int64())
                   : 0;
    };
    return CommandProgress{text("what"), number("done"), number("total"), text("unit")};
}

namespace {

/// Owners: the handlers of this one exchange; the last of them to go closes the stream.
struct Call {
    explicit Call(std::unique_ptr<Stream> stream) : lines(std::move(stream)) {}
    LineStream lines;
    OnProgress progress;
    std::function<void(Result<std::string>)> then;
};

void read_answer(const std::shared_ptr<Call>& call) {
    call->lines.read_line([call](Result<std::string> line) {
        if (!line) {
            call->then(line.error());
            return;
        }
        if (const auto progress = decode_progress(*line)) {
            if (call->progress) {
                call->progress(*progress);
            }
            read_answer(call);
            return;
        }
        call->then(decode_answer(*line));
    });
}

}  // namespace

void call_control(Network& network, const Endpoint& to, std::string request, OnProgress progress,
                  std::function<void(Result<std::string>)> then) {
    network.connect(to, [request = std::move(request), progress = std::move(progress),
                         then = std::move(then)](Result<std::unique_ptr<Stream>> stream) mutable {
        if (!stream) {
            then(std::move(stream).error());
            return;
        }
        auto call = std::make_shared<Call>(std::move(stream).value());
        call->progress = std::move(progress);
        call->then = std::move(then);
        LineStream& lines = call->lines;
        lines.write_line(std::move(request), [call = std::move(call)](const Status& written) {
            if (!written) {
                call->then(written.error());
                return;
            }
            read_answer(call);
        });
    });
}

}  // namespace firedrill::node
