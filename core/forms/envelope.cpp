#include "forms/envelope.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace firedrill::forms {

namespace {

constexpr std::string_view kMagic = "FDSUBMIT";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kFixedSize = 8 + 2 + 2 + 16 + 16 + 8 + 4 + 4;

}  // namespace

crypto::Secret write_envelope(const Envelope& envelope) {
    CHECK(!envelope.form.empty() && envelope.form.size() <= kFormNameLimit);
    CHECK(envelope.response.size() <= kResponseLimit);
    Bytes head;
    Writer writer(head);
    writer.bytes(as_bytes(kMagic));
    writer.u16(kVersion);
    writer.u16(0);
    writer.bytes(envelope.id.view());
    writer.bytes(envelope.practice.view());
    writer.u64(static_cast<std::uint64_t>(envelope.received.ns));
    writer.sized(as_bytes(envelope.form));
    writer.u32(static_cast<std::uint32_t>(envelope.response.size()));
    CHECK(head.size() == kFixedSize + envelope.form.size());
    crypto::Secret out(head.size() + envelope.response.size());
    const auto rest = std::ranges::copy(head, out.mutable_view().begin()).out;
    std::ranges::copy(as_bytes(envelope.response), rest);
    return out;
}

Result<Envelope> read_envelope(ByteView bytes) {
    Reader reader(bytes);
    if (as_text(reader.bytes(kMagic.size())) != kMagic) {
        return Error{Fault::bad_input, "inbox item: it does not hold a submission"};
    }
    const std::uint16_t version = reader.u16();
    if (reader.is_ok() && version > kVersion) {
        return Error{Fault::newer_format,
                     fmt::format("inbox item: format {} is newer than this program knows ({}); upgrade it",
                                 version, kVersion)};
    }
    const bool is_known = version == kVersion && reader.u16() == 0;
    Envelope out;
    reader.fill(out.id.bytes);
    reader.fill(out.practice.bytes);
    out.received.ns = static_cast<std::int64_t>(reader.u64());
    out.form = as_text(reader.sized(kFormNameLimit));
    out.response = as_text(reader.sized(kResponseLimit));
    if (!is_known || !reader.is_done() || out.form.empty()) {
        crypto::zeroise(out.response);
        return Error{Fault::bad_input, "inbox item: the submission in it is malformed"};
    }
    return out;
}

}  // namespace firedrill::forms
