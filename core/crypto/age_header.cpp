#include "crypto/age_header.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kLargestHeader = 65536;
constexpr std::size_t kMostStanzas = 256;
constexpr std::size_t kBodyLineDigits = 64;
constexpr std::string_view kStanzaMark = "-> ";

Error malformed(std::string_view what) {
    return {Fault::bad_input, "The age file is malformed (" + std::string(what) + "); get an intact copy."};
}

/// Takes lines off the front of a text. A line ends with LF.
class Lines {
  public:
    explicit Lines(std::string_view text) : left_(text) {}

    /// False when no further LF exists.
    bool next(std::string_view& line) {
        const std::size_t end = left_.find('\n');
        if (end == std::string_view::npos) {
            return false;
        }
        line = left_.substr(0, end);
        left_.remove_prefix(end + 1);
        taken_ += end + 1;
        return true;
    }
    [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

  private:
    std::string_view left_;
    std::size_t taken_ = 0;
};

/// Non-empty strings of visible ASCII between single spaces.
bool split_arguments(std::string_view text, std::vector<std::string_view>& out) {
    while (true) {
        const std::size_t end = text.find(' ');
        const std::string_view argument = text.substr(0, end);
        if (argument.empty()) {
            return false;
        }
        for (const char c : argument) {
            if (c < '!' || c > '~') {
                return false;
            }
        }
        out.push_back(argument);
        if (end == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(end + 1);
    }
}

/// Full lines of 64 digits, then a shorter line, which may be empty.
bool read_body(Lines& lines, Bytes& out) {
    while (true) {
        std::string_view line;
        if (!lines.next(line) || line.size() > kBodyLineDigits) {
            return false;
        }
        const std::optional<Bytes> part = from_base64_raw(line);
        if (!part) {
            return false;
        }
        append(out, *part);
        if (line.size() < kBodyLineDigits) {
            return true;
        }
    }
}

Status read_mac(std::string_view line, AgeHeader& header) {
    if (line.size() <= kAgeMacMark.size() || line[kAgeMacMark.size()] != ' ') {
        return malformed("header MAC");
    }
    const std::optional<Bytes> mac = from_base64_raw(line.substr(kAgeMacMark.size() + 1));
    if (!mac || mac->size() != header.mac.size()) {
        return malformed("header MAC");
    }
    std::memcpy(header.mac.data(), mac->data(), header.mac.size());
    return {};
}

}  // namespace

Result<AgeHeader> parse_age_header(ByteView file) {
    const std::string_view text = as_text(file.first(std::min(file.size(), kLargestHeader)));
    if (!text.starts_with(kAgeVersionLine)) {
        return malformed("the first line is not age-encryption.org/v1");
    }
    AgeHeader header;
    Lines lines(text.substr(kAgeVersionLine.size()));
    while (true) {
        const std::size_t line_at = kAgeVersionLine.size() + lines.taken();
        std::string_view line;
        if (!lines.next(line)) {
            return malformed("the header has no end");
        }
        if (line.starts_with(kAgeMacMark)) {
            TRY(read_mac(line, header));
            header.authenticated = file.first(line_at + kAgeMacMark.size());
            break;
        }
        AgeStanza stanza;
        if (header.stanzas.size() == kMostStanzas || !line.starts_with(kStanzaMark) ||
            !split_arguments(line.substr(kStanzaMark.size()), stanza.arguments) ||
            !read_body(lines, stanza.body)) {
            return malformed("recipient stanza");
        }
        header.stanzas.push_back(std::move(stanza));
    }
    if (header.stanzas.empty()) {
        return malformed("no recipient stanza");
    }
    header.payload = file.subspan(kAgeVersionLine.size() + lines.taken());
    return header;
}

void write_age_stanza(std::string& out, std::string_view arguments, ByteView body) {
    out += kStanzaMark;
    out += arguments;
    out += '\n';
    const std::string digits = to_base64_raw(body);
    for (std::size_t at = 0; at <= digits.size(); at += kBodyLineDigits) {
        out += std::string_view(digits).substr(at, kBodyLineDigits);
        out += '\n';
    }
}

}  // namespace firedrill::crypto
